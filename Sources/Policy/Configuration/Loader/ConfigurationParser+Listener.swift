import MailSyntax

// From a `listen` line to listeners: names become addresses, options are checked against each other.
extension ConfigurationParser {
    /// Appends the listeners of one line (5.4 `secure` makes two).
    mutating func addListener(on endpoint: String, at place: SourceLocation, _ options: ListenOptions) throws(StatementFailure) {
        let addresses = resolve(endpoint, options.families, at: place)
        guard !addresses.isEmpty else {
            throw fail(
                at: place, "invalid virtual ip or interface: \(endpoint)",
                expected: "an interface, an address or a host name of this machine")
        }
        try check(options)
        var listener = Listener(endpoint: .network(endpoint), hostname: options.hostname ?? result.serverName)
        listener.addresses = addresses
        listener.families = options.families
        fill(&listener, from: options)
        if options.isSecure {
            listener.tls = .implicit
            listener.port = 465
            result.listeners.append(listener)
            listener.tls = .offered
            listener.port = 25
        } else {
            listener.port = options.port ?? (options.tls == .implicit ? 465 : 25)
        }
        result.listeners.append(listener)
    }

    /// Takes the options of `listen on socket`.
    mutating func setSubmission(_ options: ListenOptions) throws(StatementFailure) {
        if let earlier = result.places.submission {
            throw fail(at: options.location, "listen on socket already given at \(earlier)")
        }
        result.places.submission = options.location
        fill(&result.submission, from: options)
    }

    private func fill(_ listener: inout Listener, from options: ListenOptions) {
        listener.tls = options.tls
        listener.verifiesClients = options.verifiesClients
        listener.keyPairs = options.keyPairs.map(\.name)
        listener.authority = options.authority?.name
        listener.ciphers = options.ciphers
        listener.protocols = options.protocols
        listener.authentication = options.authentication
        listener.tag = options.tag
        listener.hostnames = options.hostnames
        listener.senders = options.senders
        listener.masksSource = options.masksSource
        listener.offersDSN = options.offersDSN
        listener.recordsAuthentication = options.recordsAuthentication
        listener.expectsProxyHeader = options.expectsProxyHeader
        listener.filter = options.filter
        listener.location = options.location
    }

    private mutating func check(_ options: ListenOptions) throws(StatementFailure) {
        if options.authentication != .none, !options.usesTLS {
            throw fail(at: options.location, "invalid listen option: auth requires tls/smtps")
        }
        if let first = options.keyPairs.first, !options.usesTLS {
            throw fail(at: first.location, "invalid listen option: pki requires tls/smtps")
        }
        if options.usesTLS, options.keyPairs.isEmpty {
            throw fail(at: options.location, "invalid listen option: tls/smtps requires pki")
        }
        for pair in options.keyPairs where result.keyPairs[pair.name] == nil {
            throw fail(at: pair.location, "pki name not found: \(pair.name)")
        }
        if let authority = options.authority, result.authorities[authority.name] == nil {
            throw fail(at: authority.location, "ca name not found: \(authority.name)")
        }
    }

    /// What a name after `listen on` stands for: an interface of that name, else a group of interfaces, by the system's
    /// own names or OpenBSD's, else an address, else a host.
    private mutating func resolve(
        _ name: String, _ families: Listener.Families, at location: SourceLocation
    ) -> [IPAddress] {
        if let interface = environment.addresses(ofInterface: name) {
            return told(interface.filter(families.contains), "interface \(name)", at: location)
        }
        if let group = environment.addresses(ofInterfaceGroup: name) {
            return told(group.filter(families.contains), "interface group \(name)", at: location)
        }
        switch name {
        case "all":
            // Wildcards rather than a list: addresses that come later are served too.
            let wildcards: [IPAddress] = [.v4(0), .v6(high: 0, low: 0)]
            return told(wildcards.filter(families.contains), "all", at: location)
        case "egress":
            return told(environment.egressAddresses.filter(families.contains), "egress", at: location)
        case "lo0":
            return told(environment.loopbackAddresses.filter(families.contains), "lo0", at: location)
        default:
            break
        }
        // 5.4 heeds inet4 and inet6 for interfaces only.
        let families: Listener.Families = generation == .accept ? .any : families
        if let address = IPAddress(literal: unbracketed(name)) { return [address].filter(families.contains) }
        guard Self.isHostName(name) else { return [] }
        return told(environment.addresses(ofHost: name).filter(families.contains), "host \(name)", at: location)
    }

    private func unbracketed(_ name: String) -> ArraySlice<UInt8> {
        let bytes = Array(name.utf8)[...]
        guard bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]"), bytes.count > 2 else { return bytes }
        return bytes.dropFirst().dropLast()
    }

    private mutating func told(_ addresses: [IPAddress], _ name: String, at location: SourceLocation) -> [IPAddress] {
        if !addresses.isEmpty {
            note(at: location, "\(name) is \(addresses.map(\.description).joined(separator: ", "))")
        }
        return addresses
    }
}

extension Listener.Families {
    func contains(_ address: IPAddress) -> Bool {
        switch (self, address) {
        case (.any, _), (.v4, .v4), (.v6, .v6): true
        case (.v4, .v6), (.v6, .v4): false
        }
    }
}
