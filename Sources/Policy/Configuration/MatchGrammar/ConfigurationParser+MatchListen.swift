import Authentication
import Tables

// `listen on` of the 7.x grammar (smtpd.conf(5)).
extension ConfigurationParser {
    /// The most `pki` options of one listener.
    static let maximumKeyPairs = 32

    mutating func matchListenStatement() throws(StatementFailure) {
        var options = ListenOptions(at: token.location)
        advance()
        try require("on")
        if take("socket") {
            while try socketOption(&options) {}
            try endOfListen("filter, mask-src, no-dsn or tag")
            try setSubmission(options)
            return
        }
        let place = token.location
        let endpoint = try string("`socket`, an interface, an address or a host name")
        while true {
            if try socketOption(&options) { continue }
            if try networkOption(&options) { continue }
            if try securityOption(&options) { continue }
            break
        }
        try endOfListen("an option of the listener")
        try addListener(on: endpoint, at: place, options)
    }

    private mutating func endOfListen(_ expected: String) throws(StatementFailure) {
        guard token.kind == .newline || token.kind == .end else { throw unexpected(expected) }
    }

    /// Takes a keyword and notes that it was given; twice is a mistake.
    private mutating func option(_ word: String, as name: String? = nil, _ options: inout ListenOptions) throws(StatementFailure) -> Bool {
        guard isKeyword(word) else { return false }
        guard options.given.insert(name ?? word).inserted else {
            throw fail(at: token.location, "\(name ?? word) already given for this listener")
        }
        advance()
        return true
    }

    private mutating func socketOption(_ options: inout ListenOptions) throws(StatementFailure) -> Bool {
        if try option("filter", &options) {
            options.filter = try filterReference()
        } else if try option("mask-src", &options) {
            options.masksSource = true
        } else if try option("no-dsn", &options) {
            options.offersDSN = false
        } else if try option("tag", &options) {
            options.tag = try tag()
        } else {
            return false
        }
        return true
    }

    private mutating func networkOption(_ options: inout ListenOptions) throws(StatementFailure) -> Bool {
        if try option("inet4", as: "address family", &options) {
            options.families = .v4
        } else if try option("inet6", as: "address family", &options) {
            options.families = .v6
        } else if try option("port", &options) {
            options.port = try port()
        } else if try option("hostname", &options) {
            options.hostname = try bounded("a host name", ServerName.maximumLength)
        } else if try option("hostnames", &options) {
            options.hostnames = try table("a table of names", [.mapping], for: .addrname)
        } else if try option("received-auth", &options) {
            options.recordsAuthentication = true
        } else if try option("proxy-v2", &options) {
            options.expectsProxyHeader = true
        } else if try option("senders", &options) {
            let table = try table("a table of senders", [.mapping], for: .mailaddrmap)
            options.senders = Listener.Senders(table: table, masquerades: take("masquerade"))
        } else {
            return false
        }
        return true
    }

    private mutating func securityOption(_ options: inout ListenOptions) throws(StatementFailure) -> Bool {
        if try option("smtps", as: "TLS mode", &options) {
            options.tls = .implicit
            options.verifiesClients = take("verify")
        } else if try option("tls", as: "TLS mode", &options) {
            options.tls = .offered
        } else if try option("tls-require", as: "TLS mode", &options) {
            options.tls = .required
            options.verifiesClients = take("verify")
        } else if try option("ciphers", &options) {
            options.ciphers = try string("a list of ciphers")
        } else if try option("protocols", &options) {
            options.protocols = try string("a list of protocols")
        } else if isKeyword("pki") {
            guard options.keyPairs.count < Self.maximumKeyPairs else {
                throw fail(at: token.location, "more than \(Self.maximumKeyPairs) pki options")
            }
            advance()
            let location = token.location
            options.keyPairs.append((try string("the name of a pki"), location))
        } else if try option("ca", &options) {
            let location = token.location
            options.authority = (try string("the name of a ca"), location)
        } else if try option("auth", as: "authentication", &options) {
            options.authentication = .required(try credentials())
        } else if try option("auth-optional", as: "authentication", &options) {
            options.authentication = .optional(try credentials())
        } else {
            return false
        }
        return true
    }

    /// Where the passwords are: a table, `dovecot PATH`, or without either the system's users.
    mutating func credentials() throws(StatementFailure) -> CredentialSource {
        if take("dovecot") {
            let location = token.location
            let path = try string("the path of Dovecot's socket")
            guard path.hasPrefix("/"), path.utf8.count <= Self.maximumSocketPath else {
                throw fail(
                    at: location, "invalid path of a socket: \(path)",
                    expected: "an absolute path of at most \(Self.maximumSocketPath) bytes")
            }
            return .dovecot(path)
        }
        return isTable ? .table(try table("a table of credentials", [.mapping], for: .credentials)) : .systemUsers
    }

    /// What the kernel takes for a Unix socket.
    private static let maximumSocketPath = 107
}
