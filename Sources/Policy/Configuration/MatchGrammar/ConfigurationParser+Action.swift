import MailSyntax
import Tables

// `action NAME METHOD OPTIONS` (smtpd.conf(5)).
extension ConfigurationParser {
    mutating func actionStatement() throws(StatementFailure) {
        advance()
        let location = token.location
        let name = try newName("the name of the action")
        if let earlier = result.places.actions[name] {
            throw fail(at: location, "action already declared with that name: \(name) (at \(earlier))")
        }
        let kind: Action.Kind
        if take("relay") {
            kind = .relay(try relayOptions())
        } else {
            var local = LocalAction(method: try localMethod())
            try localOptions(&local)
            kind = .local(local)
        }
        var action = Action(name: name, kind: kind)
        while isKeyword("ttl") {
            if action.timeToLive != nil { throw fail(at: token.location, "ttl already given for this action") }
            advance()
            action.timeToLive = try delay("a lifetime")
        }
        guard token.kind == .newline || token.kind == .end else { throw unexpected("an option of this action") }
        result.places.actions[name] = location
        result.actions[name] = action
    }

    private mutating func localMethod() throws(StatementFailure) -> LocalAction.Method {
        if take("mbox") { return .mbox }
        if take("maildir") {
            let path = isString ? try string("a path") : nil
            return .maildir(path, junk: take("junk"))
        }
        if take("lmtp") {
            let destination = try string("`host:port` or the path of a socket")
            return .lmtp(destination, usesRecipientAddress: take("rcpt-to"))
        }
        if take("mda") { return .command(try string("a command")) }
        if take("forward-only") { return .forwardOnly }
        if take("expand-only") { return .expandOnly }
        throw unexpected("mbox, maildir, lmtp, mda, forward-only, expand-only or relay")
    }

    private mutating func localOptions(_ local: inout LocalAction) throws(StatementFailure) {
        var hasUserbase = false
        while true {
            let location = token.location
            if take("user") {
                switch local.method {
                case .mbox, .forwardOnly, .expandOnly:
                    throw fail(at: location, "user may not be given for mbox, forward-only and expand-only")
                case .maildir, .lmtp, .command: break
                }
                try once(local.user == nil, "user", at: location)
                let place = token.location
                let user = try string("the name of a user")
                try checkName(user, "the name of a user", at: place)
                if !environment.userExists(user) { warn(at: place, "there is no user \(user) on this system") }
                local.user = user
            } else if take("alias") {
                if local.virtual != nil { throw fail(at: location, "alias and virtual exclude each other") }
                try once(local.aliases == nil, "alias", at: location)
                local.aliases = try table("a table of aliases", [.mapping], for: .alias)
            } else if take("virtual") {
                if local.aliases != nil { throw fail(at: location, "alias and virtual exclude each other") }
                try once(local.virtual == nil, "virtual", at: location)
                local.virtual = try table("a virtual table", [.mapping], for: .alias)
            } else if take("userbase") {
                try once(!hasUserbase, "userbase", at: location)
                hasUserbase = true
                local.userbase = try table("a table of users", [.mapping], for: .userinfo)
            } else if take("wrapper") {
                try once(local.wrapper == nil, "wrapper", at: location)
                let place = token.location
                let name = try string("the name of an mda wrapper")
                guard let command = result.mdaWrappers[name] else { throw fail(at: place, "no such mda wrapper: \(name)") }
                if local.method == .mbox {
                    warn(at: location, "a wrapper is not used for mailboxes of mbox, only for files and pipes of aliases and .forward")
                }
                local.wrapper = command
            } else {
                return
            }
        }
    }

    private mutating func once(_ isFirst: Bool, _ option: String, at location: SourceLocation) throws(StatementFailure) {
        if !isFirst { throw fail(at: location, "\(option) already given for this action") }
    }

    private mutating func relayOptions() throws(StatementFailure) -> RelayAction {
        var relay = RelayAction()
        while true {
            let location = token.location
            if take("helo") {
                try once(relay.helo == nil, "helo", at: location)
                relay.helo = try bounded("the name to say in HELO", ServerName.maximumLength)
            } else if take("helo-src") {
                try once(relay.heloNames == nil, "helo-src", at: location)
                relay.heloNames = try table("a table of names", [.mapping], for: .addrname)
            } else if take("pki") {
                try once(relay.keyPair == nil, "pki", at: location)
                relay.keyPair = try string("the name of a pki")
            } else if take("ca") {
                try once(relay.authority == nil, "ca", at: location)
                relay.authority = try string("the name of a ca")
            } else if take("ciphers") {
                try once(relay.ciphers == nil, "ciphers", at: location)
                relay.ciphers = try string("a list of ciphers")
            } else if take("protocols") {
                try once(relay.protocols == nil, "protocols", at: location)
                relay.protocols = try string("a list of protocols")
            } else if take("src") {
                try once(relay.sources == nil, "src", at: location)
                relay.sources = try table("a table of addresses", [.list, .mapping], for: .source)
            } else if take("mail-from") {
                try once(relay.sender == nil, "mail-from", at: location)
                relay.sender = try string("an address, a user or @domain")
            } else if take("rewrite-from") {
                try once(relay.rewriting == nil, "rewrite-from", at: location)
                relay.rewriting = try senderRewriting()
            } else if take("backup") {
                try once(relay.backup == nil, "backup", at: location)
                if relay.hosts != nil { throw fail(at: location, "backup and host exclude each other") }
                relay.backup = take("mx") ? .named(try bounded("the name of a mail exchanger", ServerName.maximumLength)) : .ownName
            } else if take("host") {
                try hosts(&relay, at: location)
                relay.hosts = .smarthosts(try relayHosts([.list]))
            } else if take("domain") {
                try hosts(&relay, at: location)
                relay.hosts = .byDomain(try relayHosts([.mapping]))
            } else if take("tls") {
                try once(relay.tls == .opportunistic, "tls", at: location)
                relay.tls = take("no-verify") ? .required : .verified
            } else if take("auth") {
                if relay.hosts == nil { throw fail(at: location, "auth needs a host or domain before it") }
                try once(relay.auth == nil, "auth", at: location)
                relay.auth = try table("a table of credentials", [.mapping], for: .credentials)
                if take("oauth") { relay.tokens = try tokenSource() }
            } else if take("filter") {
                try once(relay.filter == nil, "filter", at: location)
                relay.filter = try relayFilterReference()
            } else if take("srs") {
                try once(!relay.usesSRS, "srs", at: location)
                if result.srs?.key.isEmpty ?? true { throw fail(at: location, "srs needs an `srs key` before it") }
                relay.usesSRS = true
            } else {
                return relay
            }
        }
    }

    private mutating func tokenSource() throws(StatementFailure) -> RelayAction.TokenSource {
        guard take("command") else { return .table }
        let location = token.location
        let line = try string("a command that prints an access token")
        guard !line.isEmpty else { throw fail(at: location, "the command is empty") }
        return .command(line, user: take("user") ? try string("the name of a user") : nil)
    }

    private mutating func senderRewriting() throws(StatementFailure) -> RelayAction.SenderRewriting {
        guard isString else { return .table(try table("an address or a table of them", [.mapping], for: .mailaddrmap)) }
        let location = token.location
        let text = try string("an address")
        guard (try? MailAddress(parsing: Array(text.utf8))) != nil else {
            throw fail(at: location, "not a mail address: \(text)", expected: "user@domain")
        }
        return .address(text)
    }

    private mutating func hosts(_ relay: inout RelayAction, at location: SourceLocation) throws(StatementFailure) {
        if relay.backup != nil { throw fail(at: location, "backup excludes host and domain") }
        try once(relay.hosts == nil, "host or domain", at: location)
    }

    /// Relay URLs written in the file are looked at; a bad one stops only the mail that needs it, so it is
    /// a warning.
    private mutating func relayHosts(_ kinds: Set<TableKind>) throws(StatementFailure) -> String {
        let location = token.location
        let table = try table("a relay URL or a table of them", kinds, for: .relayhost)
        let urls: [String] =
            switch result.tables[table]?.content {
            case .list(let list): list
            case .mapping(let entries): entries.map(\.value)
            case .backend, nil: []
            }
        for url in urls {
            do {
                _ = try RelayURL(parsing: url)
            } catch {
                warn(at: location, "invalid relay URL \(url): \(error.text)")
            }
        }
        return table
    }
}
