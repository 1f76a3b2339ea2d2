import Configuration

/// What an action of the configuration does with a message.
extension Explanation {
    /// - Parameter defaultTimeToLive: In seconds; nil where that is not known.
    package init(of action: Action, defaultTimeToLive: Int64?) {
        self.init()
        switch action.kind {
        case .local(let local):
            add("action", "\(action.name): \(Self.text(of: local.method))", depth: 0)
            if let user = local.user { add("runs as", user, depth: 1) }
            if let wrapper = local.wrapper { add("wrapper", wrapper, depth: 1) }
            if let table = local.aliases { add("aliases", table, depth: 1) }
            if let table = local.virtual { add("virtual", table, depth: 1) }
            add("userbase", local.userbase, depth: 1)
        case .relay(let relay):
            add("action", "\(action.name): to another server", depth: 0)
            tell(relay)
        }
        if let seconds = action.timeToLive ?? defaultTimeToLive {
            add("lifetime", Self.duration(seconds), depth: 1)
        }
    }

    private static func text(of method: LocalAction.Method) -> String {
        switch method {
        case .mbox: "the user's mbox"
        case .maildir(let path, let junk): "maildir \(path ?? "~/Maildir")" + (junk ? ", junk apart" : "")
        case .lmtp(let server, let usesRecipientAddress): "LMTP to \(server)" + (usesRecipientAddress ? ", by address" : "")
        case .command(let command): "the command \(command)"
        case .forwardOnly: "forwards of the user, and nothing else"
        case .expandOnly: "what aliases lead to, and nothing else"
        }
    }

    private mutating func tell(_ relay: RelayAction) {
        switch relay.hosts {
        case nil: add("hosts", "the mail exchangers of the domain", depth: 1)
        case .smarthosts(let table): add("hosts", "the servers of table \(table)", depth: 1)
        case .byDomain(let table): add("hosts", "the server that table \(table) has for the domain", depth: 1)
        }
        if let backup = relay.backup {
            let name = if case .named(let name) = backup { name } else { "this server" }
            add("backup", "only exchangers preferred to \(name)", depth: 1)
        }
        let security =
            switch relay.tls {
            case .opportunistic: relay.hosts == nil ? "when it is offered" : "as the server's URL says"
            case .required: "required, the certificate is not verified"
            case .verified: "required, the certificate is verified"
            }
        add("TLS", security, depth: 1)
        if let table = relay.auth { add("login", "from table \(table)", depth: 1) }
        if let table = relay.sources { add("source", "an address of table \(table)", depth: 1) }
        if let name = relay.helo { add("helo", name, depth: 1) }
        if let table = relay.heloNames { add("helo", "from table \(table)", depth: 1) }
        if let sender = relay.sender { add("mail-from", sender, depth: 1) }
        switch relay.rewriting {
        case .address(let address)?: add("rewrite-from", address, depth: 1)
        case .table(let table)?: add("rewrite-from", "from table \(table)", depth: 1)
        case nil: break
        }
        if relay.usesSRS { add("srs", "the sender is rewritten", depth: 1) }
    }

    /// As the configuration would have it.
    package static func duration(_ seconds: Int64) -> String {
        for (letter, unit) in [("d", 86_400), ("h", 3_600), ("m", 60)] as [(String, Int64)] where seconds >= unit && seconds % unit == 0 {
            return "\(seconds / unit)\(letter)"
        }
        return "\(seconds)s"
    }
}
