// Users under expansion: aliases first, then user information, then .forward, then the mailbox.
import Configuration
import Envelopes
import MailSyntax
import Tables

extension RecipientExpansion {
    mutating func expand(user name: String, node index: Int) -> ExpansionStep? {
        let node = nodes[index]
        if !node.isSameUser, let local = node.governing?.local {
            if let table = local.aliases {
                return look(for: userKeys(name), in: table, node: index)
            }
            // The 5.4 generation takes what a virtual map says for a user's name.
            if let table = local.virtual, settings.generation == .match {
                return look(for: userKeys(name), in: table, node: index)
            }
        }
        return identify(split(name), node: index)
    }

    /// Asks a map for the first of the keys.
    mutating func look(for keys: [String], in table: String, node index: Int) -> ExpansionStep? {
        guard let first = keys.first else { return unmapped(node: index) }
        let query = TableQuery(table: table, service: .alias, operation: .lookup, key: first)
        state = .mapping(index, query, further: keys.dropFirst())
        return .ask(query)
    }

    mutating func take(
        _ answer: TableAnswer, to query: TableQuery, further: ArraySlice<String>, node index: Int
    ) -> ExpansionStep? {
        switch answer {
        case .failed(let reason):
            return refuse(.tableFailed(table: query.table, reason), node: index)
        case .notFound:
            return look(for: Array(further), in: query.table, node: index)
        case .found(let value):
            do throws(ExpansionItem.SyntaxError) {
                let items = try ExpansionItem.list(value)
                trace.append(
                    .alias(table: query.table, key: query.key, items: items.count), under: nodes[index].governing?.rule)
                return add(items, origin: .alias, to: index, owner: nil)
            } catch {
                return refuse(.malformedAlias(key: query.key, error), node: index)
            }
        }
    }

    /// No map knows it: an address is refused, a user may still be one of the system.
    private mutating func unmapped(node index: Int) -> ExpansionStep? {
        switch nodes[index].content {
        case .user(let name): identify(split(name), node: index)
        case .address(let address): refuse(.notInVirtualMap(address), node: index)
        case .pipe, .file, .include, .error: preconditionFailure("only addresses and users are looked up in maps")
        }
    }

    private mutating func identify(_ user: LocalUser, node index: Int) -> ExpansionStep? {
        guard let userbase = nodes[index].governing?.local?.userbase else {
            preconditionFailure("a user is governed by a local action")
        }
        state = .identifying(index, user)
        return .ask(TableQuery(table: userbase, service: .userinfo, operation: .lookup, key: user.name))
    }

    mutating func identified(_ user: LocalUser, by answer: TableAnswer, node index: Int) -> ExpansionStep? {
        let node = nodes[index]
        switch answer {
        case .failed(let reason):
            return refuse(.tableFailed(table: node.governing?.local?.userbase ?? "", reason), node: index)
        case .notFound:
            return refuse(.unknownUser(user.name), node: index)
        case .found(let value):
            let info: UserInfo
            do throws(UserInfo.SyntaxError) {
                info = try UserInfo(value, name: user.name)
            } catch {
                return refuse(.malformedUserInfo(user.name), node: index)
            }
            guard mayForward(user, node) else { return deliver(to: user, node: index) }
            state = .forwarding(index, user, info)
            return .readForward(user: info, userbase: node.governing?.local?.userbase ?? "")
        }
    }

    /// A user whose own .forward named it keeps the message. Under `user NAME` only the .forward of that
    /// user counts: all others share its rights.
    private func mayForward(_ user: LocalUser, _ node: ExpansionNode) -> Bool {
        if node.isSameUser && node.origin == .forward { return false }
        guard let runsAs = node.governing?.local?.user else { return true }
        return runsAs == user.name
    }

    mutating func take(
        _ forward: ForwardFile, of user: LocalUser, _ info: UserInfo, node index: Int
    ) -> ExpansionStep? {
        switch forward {
        case .none:
            return deliver(to: user, node: index)
        case .temporaryFailure(let reason):
            return refuse(.forwardUnreadable(user: user.name, reason), node: index)
        case .permanentFailure(let reason):
            return refuse(.forwardUnsafe(user: user.name, reason), node: index)
        case .content(let bytes):
            let items: [ExpansionItem]
            do throws(ItemFile.Failure) {
                items = try ItemFile.items(bytes, limit: ForwardFile.maximumItems)
            } catch {
                return refuse(.malformedForward(user: user.name, error), node: index)
            }
            if items.isEmpty { return deliver(to: user, node: index) }
            guard countForwarded(items.count) else { return refuse(.tooManyNodes, node: index) }
            trace.append(.forward(user: user.name, items: items.count), under: nodes[index].governing?.rule)
            return add(items, origin: .forward, to: index, owner: info)
        }
    }

    private mutating func deliver(to user: LocalUser, node index: Int) -> ExpansionStep? {
        switch nodes[index].governing?.local?.method {
        case .forwardOnly:
            return refuse(.notForwarded(user: user.name), node: index)
        case .expandOnly:
            return refuse(.notExpanded(user: user.name), node: index)
        case .mbox, .maildir, .lmtp, .command, nil:
            finish(.local(LocalDelivery(user: user.name, subaddress: user.subaddress)), node: index)
            return nil
        }
    }

    mutating func take(_ include: IncludeFile, from path: String, node index: Int) -> ExpansionStep? {
        switch include {
        case .unreadable(let reason):
            noteUnreadableInclude()
            trace.append(.skipped(path, reason: reason), under: nodes[index].governing?.rule)
            return nil
        case .content(let bytes):
            do throws(ItemFile.Failure) {
                let items = try ItemFile.items(bytes, limit: settings.maximumNodes)
                trace.append(.include(path: path, items: items.count), under: nodes[index].governing?.rule)
                return add(items, origin: .include, to: index, owner: nil)
            } catch {
                return refuse(.malformedInclude(path: path, error), node: index)
            }
        }
    }

    // MARK: Items

    private mutating func add(
        _ items: [ExpansionItem], origin: ExpansionNode.Origin, to index: Int, owner: UserInfo?
    ) -> ExpansionStep? {
        for item in items {
            let content: ExpansionNode.Content
            switch item {
            case .address(let address): content = .address(address)
            case .user(let name): content = .user(name)
            case .pipe(let command): content = .pipe(command)
            case .file(let path): content = .file(path)
            case .error(let code, let text): content = .error(code: code, text: text)
            case .include(let path):
                guard origin == .alias else {
                    let reason = "includes are for aliases only"
                    trace.append(.skipped(":include:\(path)", reason: reason), under: nodes[index].governing?.rule)
                    continue
                }
                content = .include(path)
            }
            var node = child(content, origin: origin, of: index)
            node.owner = owner
            add(node)
            if isFull { return refuse(.tooManyNodes, node: index) }
        }
        return nil
    }

    func child(
        _ content: ExpansionNode.Content, origin: ExpansionNode.Origin, of index: Int
    ) -> ExpansionNode {
        let parent = nodes[index]
        // What an include file holds is as deep as if the alias held it.
        let depth = origin == .include ? parent.depth : parent.depth + 1
        var node = ExpansionNode(content: content, origin: origin, depth: depth, destination: parent.destination)
        node.parent = index
        node.governing = parent.governing
        switch content {
        case .address(let address):
            node.destination = address
            node.governing = nil
        case .user(let name):
            node.isSameUser = isSameUser(name, as: index)
        case .pipe, .file, .include, .error:
            break
        }
        return node
    }

    /// True when the node, or the one whose include file it is, is the user of that name, whatever the
    /// sub-address.
    private func isSameUser(_ name: String, as index: Int) -> Bool {
        switch nodes[index].content {
        case .user(let parent): return name == parent || name == split(parent).name
        case .include: return nodes[index].parent.map { isSameUser(name, as: $0) } ?? false
        case .address, .pipe, .file, .error: return false
        }
    }
}
