import Tables

// Names for the actions of rules that have none in the file.
extension ConfigurationParser {
    /// A name made from what the action does.
    ///
    /// Queued envelopes remember their action by name. A name of the content stays the same when rules are
    /// added or moved, and an action that is changed leaves the mail already queued to the old name.
    func actionName(_ kind: Action.Kind, _ timeToLive: Int64?) -> String {
        var bytes: [UInt8] = []
        var stable = kind
        // Anonymous tables are numbered by place: what they hold counts, not their number.
        switch kind {
        case .local(var local):
            local.aliases = local.aliases.map { settle($0, &bytes) }
            local.virtual = local.virtual.map { settle($0, &bytes) }
            local.userbase = settle(local.userbase, &bytes)
            stable = .local(local)
        case .relay(var relay):
            relay.sources = relay.sources.map { settle($0, &bytes) }
            relay.heloNames = relay.heloNames.map { settle($0, &bytes) }
            relay.auth = relay.auth.map { settle($0, &bytes) }
            switch relay.hosts {
            case .smarthosts(let table): relay.hosts = .smarthosts(settle(table, &bytes))
            case .byDomain(let table): relay.hosts = .byDomain(settle(table, &bytes))
            case nil: break
            }
            stable = .relay(relay)
        }
        stable.encode(into: &bytes)
        timeToLive.encode(into: &bytes)
        return "\(word(for: kind))-\(Self.digest(bytes))"
    }

    private func settle(_ table: String, _ bytes: inout [UInt8]) -> String {
        guard table.hasPrefix("<dynamic:"), let content = result.tables[table]?.content else { return table }
        content.encode(into: &bytes)
        return "<dynamic>"
    }

    private func word(for kind: Action.Kind) -> String {
        switch kind {
        case .relay: "relay"
        case .local(let local):
            switch local.method {
            case .mbox: "mbox"
            case .maildir: "maildir"
            case .lmtp: "lmtp"
            case .command: "mda"
            case .forwardOnly: "forward"
            case .expandOnly: "expand"
            }
        }
    }

    /// FNV-1a, 64 bits, as 16 hexadecimal digits: a name, not a secret.
    private static func digest(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}
