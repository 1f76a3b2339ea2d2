import Tables

// `relay` and `relay via` of the 5.4 grammar, in the terms of the 7.x one: its schemes changed meaning.
extension ConfigurationParser {
    mutating func acceptRelay() throws(StatementFailure) -> RelayAction {
        var relay = RelayAction()
        var needsAuth: SourceLocation?
        var scheme: SmarthostURL.Scheme?
        if take("via") {
            let location = token.location
            let text = try string("a relay URL")
            let smarthost: SmarthostURL
            do {
                smarthost = try SmarthostURL(parsing: text)
            } catch {
                throw fail(at: location, "invalid url: \(text): \(error.text)")
            }
            smarthost.apply(to: &relay)
            if let url = smarthost.url { relay.hosts = .smarthosts(anonymous(.list([url.description]))) }
            if smarthost.requiresAuth { needsAuth = location }
            scheme = smarthost.scheme
            if smarthost.scheme == .secure {
                warn(at: location, "secure:// is taken as \(smarthost.url?.scheme.rawValue ?? ""):// alone, without a second try")
            }
        }
        while try relayOption(&relay, via: scheme) {}
        if let needsAuth, relay.auth == nil { throw fail(at: needsAuth, "auth without auth table", expected: "auth <table>") }
        return relay
    }

    private mutating func relayOption(
        _ relay: inout RelayAction, via scheme: SmarthostURL.Scheme?
    ) throws(StatementFailure) -> Bool {
        let location = token.location
        if take("as") {
            let address = try string("an address, a user or @domain")
            guard !address.isEmpty else { throw fail(at: location, "invalid mail address in `as`") }
            // 7.x leaves the domain alone when only a user is given; 5.4 puts the server's name there.
            relay.sender = address.utf8.contains(UInt8(ascii: "@")) ? address : "\(address)@\(result.serverName)"
        } else if take("source") {
            relay.sources = try table("a table of addresses", [.list], for: .source)
        } else if take("hostname") {
            if relay.heloNames != nil { throw fail(at: location, "hostname and hostnames exclude each other") }
            relay.helo = try bounded("a host name", ServerName.maximumLength)
        } else if take("hostnames") {
            if relay.helo != nil { throw fail(at: location, "hostname and hostnames exclude each other") }
            relay.heloNames = try table("a table of names", [.mapping], for: .addrname)
        } else if take("pki") {
            relay.keyPair = Self.lowercased(try string("the name of a pki"))
        } else if take("ca") {
            relay.authority = try string("the name of a ca")
        } else if scheme != nil, take("auth") {
            relay.auth = try table("a table of credentials", [.mapping], for: .credentials)
        } else if let scheme, take("verify") {
            guard scheme.usesTLS else { throw fail(at: location, "verify needs a scheme with TLS") }
            // A 7.x URL that demands TLS verifies by itself; the opportunistic one must be told.
            relay.tls = scheme == .smtpTLS ? .verified : .opportunistic
        } else if scheme == nil, take("tls") {
            relay.tls = take("verify") ? .verified : .required
        } else if scheme == nil, take("backup") {
            relay.backup = isString ? .named(try bounded("the name of a mail exchanger", ServerName.maximumLength)) : .ownName
        } else {
            return false
        }
        return true
    }
}

/// A relay URL of the 5.4 language.
struct SmarthostURL {
    enum Scheme: String {
        case smtp
        case smtpTLS = "smtp+tls"
        case tls
        case smtps
        case secure
        case lmtp
        case backup

        var usesTLS: Bool {
            switch self {
            case .tls, .smtps, .secure, .smtpTLS: true
            case .smtp, .lmtp, .backup: false
            }
        }
    }

    var scheme: Scheme
    var requiresAuth = false
    /// The same in the 7.x language; nil for `backup://`.
    var url: RelayURL?
    private var host: String

    init(parsing text: String) throws(RelayURL.Failure) {
        let parts = try RelayURLParts(text)
        var name = parts.scheme.isEmpty ? "smtp+tls" : parts.scheme
        if name.hasSuffix("+auth") {
            requiresAuth = true
            name.removeLast("+auth".utf8.count)
        }
        guard let scheme = Scheme(rawValue: name) else { throw .unknownScheme(parts.scheme) }
        switch (requiresAuth, scheme) {
        case (true, .tls), (true, .smtps), (true, .secure), (false, _): break
        case (true, _): throw .unknownScheme(parts.scheme)
        }
        if requiresAuth, parts.label == nil { throw .malformedLabel }
        if !requiresAuth, parts.label != nil { throw .labelWithoutTLS }
        self.scheme = scheme
        self.host = parts.host
        guard let modern = Self.modern(scheme, port: parts.port) else { return }
        guard let port = parts.port ?? modern.defaultPort else { throw .missingPort }
        url = RelayURL(scheme: modern, label: parts.label, host: parts.host, port: port)
    }

    private static func modern(_ scheme: Scheme, port: UInt16?) -> RelayURL.Scheme? {
        switch scheme {
        case .smtp: .smtpNoTLS
        case .smtpTLS: .smtp
        case .tls: .smtpTLS
        case .smtps: .smtps
        // Its two ways on one port: the port tells which one the server speaks.
        case .secure: port == 465 ? .smtps : .smtpTLS
        case .lmtp: .lmtp
        case .backup: nil
        }
    }

    /// Sets what the scheme says beside the host.
    func apply(to relay: inout RelayAction) {
        switch scheme {
        case .tls, .smtps, .secure: relay.tls = .required
        case .backup: relay.backup = .named(host)
        case .smtp, .smtpTLS, .lmtp: break
        }
    }
}
