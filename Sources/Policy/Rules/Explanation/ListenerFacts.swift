import Configuration

/// The listener that a client is imagined to be connected to: what rules see of it, and what an operator wants to know.
package struct ListenerFacts: Hashable, Sendable {
    package var tag: String
    /// Sessions are encrypted before MAIL whatever the client wants.
    package var usesTLS: Bool
    package var explanation: Explanation

    package init(tag: String, usesTLS: Bool, explanation: Explanation) {
        self.tag = tag
        self.usesTLS = usesTLS
        self.explanation = explanation
    }

    /// Finds a listener by what stands behind `listen on`, or by one of its addresses; `:PORT` tells several apart, else
    /// it is the first one.
    ///
    /// - Returns: Nil for none.
    package init?(named name: String, listeners: [Listener], submission: Listener, filters: [FilterDefinition]) {
        let wanted = Self.split(name)
        guard let listener = ([submission] + listeners).first(where: { Self.isMeant($0, wanted) }) else { return nil }
        tag = listener.tag
        usesTLS = listener.tls == .required || listener.tls == .implicit
        explanation = Explanation(of: listener, filters: filters)
    }

    /// Host and port; brackets around an address of IPv6 are taken away.
    private static func split(_ name: String) -> (host: Substring, port: UInt16?) {
        var host = name[...]
        var port: UInt16?
        if let colon = name.lastIndex(of: ":") {
            let before = name[..<colon]
            if before.hasSuffix("]") || !before.contains(":"), let number = UInt16(name[name.index(after: colon)...]) {
                host = before
                port = number
            }
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return (host, port)
    }

    private static func isMeant(_ listener: Listener, _ wanted: (host: Substring, port: UInt16?)) -> Bool {
        switch listener.endpoint {
        case .socket: return wanted.host == "socket" && wanted.port == nil
        case .network(let name):
            guard wanted.port == nil || wanted.port == listener.port else { return false }
            return name == wanted.host || listener.addresses.contains { $0.description == wanted.host }
        }
    }
}

/// What a listener of the configuration is.
extension Explanation {
    package init(of listener: Listener, filters: [FilterDefinition]) {
        self.init()
        switch listener.endpoint {
        case .socket: add("listener", "socket", depth: 0)
        case .network(let name): add("listener", "\(name) port \(listener.port)", depth: 0)
        }
        if !listener.tag.isEmpty { add("tag", listener.tag, depth: 1) }
        switch listener.tls {
        case .none: break
        case .offered: add("TLS", "offered", depth: 1)
        case .required: add("TLS", "required before MAIL", depth: 1)
        case .implicit: add("TLS", "from the first octet", depth: 1)
        }
        switch listener.authentication {
        case .none: break
        case .required: add("authentication", "required", depth: 1)
        case .optional: add("authentication", "offered", depth: 1)
        }
        if let senders = listener.senders { add("senders", "those that table \(senders.table) has for the user", depth: 1) }
        guard let reference = listener.filter else { return }
        let names =
            switch reference {
            case .named(let name): [name]
            case .chain(let names): names
            }
        for name in names { tell(name, of: filters, depth: 1) }
    }

    private mutating func tell(_ name: String, of filters: [FilterDefinition], depth: Int) {
        guard let filter = filters.first(where: { $0.name == name }) else { return add("filter", name, depth: depth) }
        switch filter.kind {
        case .process(let program): add("filter", "\(name): the program \(program)", depth: depth)
        case .builtin(let builtin): add("filter", "\(name): \(Self.text(of: builtin))", depth: depth)
        case .milter: add("filter", "\(name): a milter", depth: depth)
        case .legacy: add("filter", name, depth: depth)
        case .chain(let members):
            add("filter", "\(name): a chain", depth: depth)
            // A chain has no chain in it.
            for member in members where filters.contains(where: { $0.name == member && !$0.isChain }) {
                tell(member, of: filters, depth: depth + 1)
            }
        }
    }

    private static func text(of filter: BuiltinFilter) -> String {
        let phase =
            switch filter.phase {
            case .connect: "connect"
            case .helo: "helo"
            case .ehlo: "ehlo"
            case .auth: "auth"
            case .mailFrom: "mail-from"
            case .rcptTo: "rcpt-to"
            case .data: "data"
            case .commit: "commit"
            }
        let decision =
            switch filter.decision {
            case .reject(let reply): "reject \"\(reply)\""
            case .disconnect(let reply): "disconnect \"\(reply)\""
            case .rewrite(let text): "rewrite \"\(text)\""
            case .report(let text): "report \"\(text)\""
            case .junk: "junk"
            case .bypass: "bypass"
            }
        let conditions = filter.conditions.map { ($0.isNegated ? "!" : "") + text(of: $0.criterion) }
        return "at \(phase), where \(conditions.joined(separator: " and ")): \(decision)"
    }

    private static func text(of criterion: BuiltinFilter.Criterion) -> String {
        switch criterion {
        case .fcrdns: "fcrdns"
        case .rdns(let table): "rdns" + (table.map { " <\($0.table)>" } ?? "")
        case .source(let table): "src <\(table.table)>"
        case .helo(let table): "helo <\(table.table)>"
        case .auth(let table): "auth" + (table.map { " <\($0.table)>" } ?? "")
        case .mailFrom(let table): "mail-from <\(table.table)>"
        case .rcptTo(let table): "rcpt-to <\(table.table)>"
        }
    }
}

extension FilterDefinition {
    fileprivate var isChain: Bool {
        if case .chain = kind { true } else { false }
    }
}
