import MailSyntax
import Tables

/// Writes values in the 7.x language.
struct MatchWriter {
    var tables: [String: TableDefinition]

    // MARK: Words

    /// A word where it is read as one, else a quoted string.
    static func string(_ text: String) -> String { isWord(text) ? text : quoted(text) }

    /// True when the 7.x lexer reads the text, bare, as a string with this content.
    static func isWord(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        guard isASCIIAlphanumeric(first) || first == UInt8(ascii: ":") || first == UInt8(ascii: "_") else { return false }
        guard !text.utf8.allSatisfy(isASCIIDigit) else { return false }
        guard text.utf8.allSatisfy({ Lexer.isWordByte($0) && $0 != UInt8(ascii: "\\") }) else { return false }
        // Digits before `/` or another mark would end as a number.
        let rest = text.utf8.drop(while: isASCIIDigit)
        if isASCIIDigit(first), rest.first == UInt8(ascii: "/") { return false }
        return !ReservedWords.contains(text, in: .match)
    }

    /// In double quotes, so that the 7.x lexer reads it back.
    static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        var previous: UInt8 = 0
        for byte in text.utf8 {
            let isSpecial = byte == UInt8(ascii: "\"") || ((byte == 0x20 || byte == 0x09) && previous == UInt8(ascii: "\\"))
            if isSpecial { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
            previous = byte
        }
        bytes.append(UInt8(ascii: "\""))
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Tables

    func table(_ name: String) -> String {
        guard name.hasPrefix("<"), let content = tables[name]?.content else { return "<\(Self.string(name))>" }
        switch content {
        case .list(let items) where name.hasPrefix("<dynamic:") && items.count == 1:
            return Self.quoted(items[0])
        case .list(let items) where name.hasPrefix("<dynamic:"):
            return "{ \(items.map(Self.quoted).joined(separator: ", ")) }"
        case .mapping(let entries) where name.hasPrefix("<dynamic:"):
            return "{ \(entries.map { "\(Self.quoted($0.key)) = \(Self.quoted($0.value))" }.joined(separator: ", ")) }"
        case .list, .mapping, .backend:
            return name
        }
    }

    // MARK: Actions

    func action(_ action: Action, authorityNames: [String: String]) -> String {
        var words = ["action", Self.quoted(action.name)]
        switch action.kind {
        case .local(let local): words += self.local(local)
        case .relay(let relay): words += self.relay(relay, authorityNames)
        }
        if let seconds = action.timeToLive { words += ["ttl", "\(seconds)s"] }
        return words.joined(separator: " ")
    }

    private func local(_ local: LocalAction) -> [String] {
        var words: [String] =
            switch local.method {
            case .mbox: ["mbox"]
            case .maildir(let path, let junk): ["maildir"] + (path.map { [Self.quoted($0)] } ?? []) + (junk ? ["junk"] : [])
            case .lmtp(let destination, let usesRecipient):
                ["lmtp", Self.quoted(destination)] + (usesRecipient ? ["rcpt-to"] : [])
            case .command(let command): ["mda", Self.quoted(command)]
            case .forwardOnly: ["forward-only"]
            case .expandOnly: ["expand-only"]
            }
        if let table = local.aliases { words += ["alias", self.table(table)] }
        if let table = local.virtual { words += ["virtual", self.table(table)] }
        if local.userbase != "<getpwnam>" { words += ["userbase", table(local.userbase)] }
        return words
    }

    private func relay(_ relay: RelayAction, _ authorityNames: [String: String]) -> [String] {
        var words = ["relay"]
        switch relay.backup {
        case .ownName: words += ["backup"]
        case .named(let name): words += ["backup", "mx", Self.quoted(name)]
        case nil: break
        }
        switch relay.hosts {
        case .smarthosts(let table): words += ["host", self.table(table)]
        case .byDomain(let table): words += ["domain", self.table(table)]
        case nil: break
        }
        switch relay.tls {
        case .opportunistic: break
        case .required where relay.auth != nil && relay.hosts != nil: break
        case .required: words += ["tls", "no-verify"]
        case .verified: words += ["tls"]
        }
        if let table = relay.auth { words += ["auth", self.table(table)] }
        if let table = relay.sources { words += ["src", self.table(table)] }
        if let name = relay.helo { words += ["helo", Self.quoted(name)] }
        if let table = relay.heloNames { words += ["helo-src", self.table(table)] }
        if let name = relay.keyPair { words += ["pki", Self.string(name)] }
        if let name = relay.authority { words += ["ca", Self.string(authorityNames[name] ?? name)] }
        if let sender = relay.sender { words += ["mail-from", Self.quoted(sender)] }
        return words
    }

    // MARK: Rules

    /// One or two lines: an authenticated client is local in 5.4 and must be named in 7.x.
    func rules(_ rule: Rule) -> [String] {
        let conditions = self.conditions(rule)
        func line(_ source: String) -> String {
            (["match"] + [source].filter { !$0.isEmpty } + conditions).joined(separator: " ")
        }
        let not = rule.from.isNegated ? "!" : ""
        switch rule.from.criterion {
        case .local(countsAuthenticated: true):
            return rule.from.isNegated ? [line("!from local !auth")] : [line("from local"), line("from auth")]
        case .local: return [line("\(not)from local")]
        case .any: return [line("\(not)from any")]
        case .socket: return [line("\(not)from socket")]
        case .addresses(let table, _): return [line("\(not)from src \(self.table(table.table))")]
        case .reverseName(let table):
            return [line("\(not)from rdns\(table.map { " " + self.table($0.table) } ?? "")")]
        }
    }

    private func conditions(_ rule: Rule) -> [String] {
        func condition(_ word: String, _ condition: Condition<TableReference>?) -> [String] {
            guard let condition else { return [] }
            return ["\(condition.isNegated ? "!" : "")\(word)", table(condition.criterion.table)]
        }
        var words = condition("tag", rule.tag) + condition("mail-from", rule.sender) + condition("rcpt-to", rule.recipient)
        let not = rule.destination.isNegated ? "!" : ""
        switch rule.destination.criterion {
        case .local: words += ["\(not)for", "local"]
        case .any: words += ["\(not)for", "any"]
        case .domain(let table): words += ["\(not)for", "domain", self.table(table.table)]
        }
        switch rule.decision {
        case .reject: words.append("reject")
        case .action(let name): words += ["action", Self.quoted(name)]
        }
        return words
    }
}
