import Tables

// `accept` and `reject` rules (smtpd.conf(5) of 5.4): one line is a rule and an action.
extension ConfigurationParser {
    mutating func acceptRule() throws(StatementFailure) {
        var rule = Rule(location: token.location, decision: .reject)
        rule.from = Condition(.local(countsAuthenticated: true))
        let accepts = isKeyword("accept")
        advance()
        try criteria(of: &rule, isReject: !accepts)
        if accepts {
            let action = try acceptAction()
            result.actions[action.name] = action
            result.places.actions[action.name] = result.places.actions[action.name] ?? rule.location
            rule.decision = .action(action.name)
        }
        result.rules.append(rule)
    }

    private mutating func once(_ kind: String, _ seen: inout Set<String>) throws(StatementFailure) {
        guard seen.insert(kind).inserted else { throw fail(at: token.location, "\(kind) already given in this rule") }
        advance()
    }

    private mutating func criteria(of rule: inout Rule, isReject: Bool) throws(StatementFailure) {
        var seen: Set<String> = []
        while true {
            if take("tagged") {
                let negated = take(mark: "!")
                let tag = try tag()
                rule.tag = Condition(TableReference(anonymous(.list([tag]))), isNegated: negated)
            } else if isKeyword("from") {
                try once("from", &seen)
                let negated = take(mark: "!")
                rule.from = Condition(try acceptSource(), isNegated: negated)
            } else if isKeyword("sender") {
                try once("sender", &seen)
                let negated = take(mark: "!")
                rule.sender = Condition(TableReference(try table("an address", [.list], for: .mailaddr)), isNegated: negated)
            } else if isKeyword("for") {
                try once("for", &seen)
                let negated = take(mark: "!")
                rule.destination = Condition(try acceptDestination(), isNegated: negated)
            } else if isKeyword("recipient") {
                try once("recipient", &seen)
                let negated = take(mark: "!")
                rule.recipient = Condition(TableReference(try table("an address", [.list], for: .mailaddr)), isNegated: negated)
            } else {
                break
            }
        }
        if isReject, token.kind != .newline, token.kind != .end {
            throw unexpected("tagged, from, sender, for, recipient or the end of the rule")
        }
    }

    private mutating func acceptSource() throws(StatementFailure) -> Rule.Source {
        if take("any") { return .any }
        if take("local") { return .local(countsAuthenticated: true) }
        if take("source") {
            return .addresses(TableReference(try table("an address", [.list], for: .netaddr)), authenticatedIsLocal: true)
        }
        throw unexpected("any, local or source")
    }

    private mutating func acceptDestination() throws(StatementFailure) -> Rule.Destination {
        if take("any") { return .any }
        if take("local") { return .local }
        if take("domain") { return .domain(TableReference(try table("a domain", [.list], for: .domain))) }
        throw unexpected("any, local or domain")
    }

    // MARK: Actions

    private struct Lookups {
        var aliases: String?
        var virtual: String?
        var userbase: String?
        var location: SourceLocation?
    }

    private mutating func acceptAction() throws(StatementFailure) -> Action {
        let lookups = try lookups()
        var kind: Action.Kind?
        if take("deliver") {
            try require("to")
            kind = .local(local(try acceptMethod(), lookups))
        } else if isKeyword("relay") {
            if let location = lookups.location {
                throw fail(at: location, "alias, virtual and userbase cannot be used with relay")
            }
            advance()
            kind = .relay(try acceptRelay())
        }
        var expiry: Int64?
        var forwardsOnly = false
        while true {
            let location = token.location
            if take("expire") {
                expiry = try delay("a lifetime")
            } else if take("forward-only") {
                if kind != nil { throw fail(at: location, "forward-only cannot be used with deliver or relay") }
                forwardsOnly = true
            } else {
                break
            }
        }
        guard token.kind == .newline || token.kind == .end else { throw unexpected(expectedAfter(kind)) }
        let final = kind ?? .local(local(forwardsOnly ? .forwardOnly : .expandOnly, lookups))
        return Action(name: actionName(final, expiry), kind: final, timeToLive: expiry)
    }

    private func expectedAfter(_ kind: Action.Kind?) -> String {
        switch kind {
        case nil: "a condition, a lookup, `deliver to`, `relay` or the end of the rule"
        case .local: "`expire` or the end of the rule"
        case .relay: "an option of relay or the end of the rule"
        }
    }

    private mutating func lookups() throws(StatementFailure) -> Lookups {
        var lookups = Lookups()
        while true {
            let location = token.location
            if take("userbase") {
                if lookups.userbase != nil { throw fail(at: location, "userbase already given in this rule") }
                lookups.userbase = try table("a table of users", [.mapping], for: .userinfo)
            } else if take("alias") {
                if lookups.aliases != nil || lookups.virtual != nil {
                    throw fail(at: location, "alias or virtual already given in this rule")
                }
                lookups.aliases = try table("a table of aliases", [.mapping], for: .alias)
            } else if take("virtual") {
                if lookups.aliases != nil || lookups.virtual != nil {
                    throw fail(at: location, "alias or virtual already given in this rule")
                }
                lookups.virtual = try table("a virtual table", [.mapping], for: .alias)
            } else {
                return lookups
            }
            lookups.location = lookups.location ?? location
        }
    }

    private func local(_ method: LocalAction.Method, _ lookups: Lookups) -> LocalAction {
        var local = LocalAction(method: method)
        local.aliases = lookups.aliases
        local.virtual = lookups.virtual
        if let userbase = lookups.userbase { local.userbase = userbase }
        local.everyFailureIsTemporary = true
        return local
    }

    private mutating func acceptMethod() throws(StatementFailure) -> LocalAction.Method {
        if take("mbox") { return .mbox }
        if take("maildir") { return .maildir(isString ? try string("a path") : nil, junk: false) }
        if take("mda") { return .command(try string("a command")) }
        if take("lmtp") {
            let location = token.location
            let destination = try string("`host:port` or the path of a socket")
            guard destination.hasPrefix("/") || destination.utf8.contains(UInt8(ascii: ":")) else {
                throw fail(at: location, "invalid lmtp destination: \(destination)", expected: "host:port or an absolute path")
            }
            return .lmtp(destination, usesRecipientAddress: take("rcpt-to"))
        }
        throw unexpected("mbox, maildir, mda or lmtp")
    }

    /// Adds a table that has no name in the file.
    mutating func anonymous(_ content: TableDefinition.Content) -> String {
        anonymousTables += 1
        let definition = TableDefinition(name: "<dynamic:\(anonymousTables)>", content: content)
        result.tables[definition.name] = definition
        tableKinds[definition.name] = definition.kind
        return definition.name
    }
}
