import Tables

// `listen on` of the 5.4 grammar: as in 7.x, but a repeated option replaces the first (smtpd.conf(5)).
extension ConfigurationParser {
    mutating func acceptListenStatement() throws(StatementFailure) {
        var options = ListenOptions(at: token.location)
        advance()
        try require("on")
        let place = token.location
        let isSocket = isKeyword("socket")
        let endpoint = try string("an interface, an address or a host name")
        while true {
            if try acceptOption(&options) { continue }
            if !isSocket {
                if try acceptNetworkOption(&options) { continue }
                if try acceptSecurityOption(&options) { continue }
            }
            break
        }
        guard token.kind == .newline || token.kind == .end else { throw unexpected("an option of the listener") }
        if isSocket {
            try setSubmission(options)
            return
        }
        if options.isSecure, options.port != nil {
            throw fail(at: options.location, "invalid listen option: secure cannot be used with port")
        }
        try addListener(on: endpoint, at: place, options)
    }

    private mutating func acceptOption(_ options: inout ListenOptions) throws(StatementFailure) -> Bool {
        if take("tag") {
            options.tag = try tag()
        } else if take("mask-source") {
            options.masksSource = true
        } else if take("no-dsn") {
            options.offersDSN = false
        } else if take("filter") {
            options.filter = .named(try string("the name of a filter"))
        } else {
            return false
        }
        return true
    }

    private mutating func acceptNetworkOption(_ options: inout ListenOptions) throws(StatementFailure) -> Bool {
        if take("inet4") {
            options.families = .v4
        } else if take("inet6") {
            options.families = .v6
        } else if take("port") {
            options.port = try port()
        } else if take("hostname") {
            options.hostname = try bounded("a host name", ServerName.maximumLength)
        } else if take("hostnames") {
            options.hostnames = try table("a table of names", [.mapping], for: .addrname)
        } else if take("received-auth") {
            options.recordsAuthentication = true
        } else if take("senders") {
            let table = try table("a table of senders", [.mapping], for: .mailaddrmap)
            options.senders = Listener.Senders(table: table, masquerades: take("masquerade"))
        } else {
            return false
        }
        return true
    }

    private mutating func acceptSecurityOption(_ options: inout ListenOptions) throws(StatementFailure) -> Bool {
        if take("smtps") {
            setTLS(.implicit, verifies: take("verify"), &options)
        } else if take("tls") {
            setTLS(.offered, verifies: false, &options)
        } else if take("tls-require") {
            setTLS(.required, verifies: take("verify"), &options)
        } else if take("secure") {
            setTLS(.none, verifies: false, &options)
            options.isSecure = true
        } else if take("pki") {
            let location = token.location
            options.keyPairs = [(Self.lowercased(try string("the name of a pki")), location)]
        } else if take("ca") {
            let location = token.location
            options.authority = (try string("the name of a ca"), location)
        } else if take("ciphers") {
            options.ciphers = try string("a list of ciphers")
        } else if take("auth") {
            options.authentication = .required(try credentials())
        } else if take("auth-optional") {
            options.authentication = .optional(try credentials())
        } else {
            return false
        }
        return true
    }

    private func setTLS(_ mode: Listener.TLSMode, verifies: Bool, _ options: inout ListenOptions) {
        options.tls = mode
        options.isSecure = false
        options.verifiesClients = verifies
    }
}
