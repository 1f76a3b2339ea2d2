import MailSyntax

/// Where a relay action sends: `[proto://][label@]host[:port]` (smtpd.conf(5)).
package struct RelayURL: Hashable, Sendable, CustomStringConvertible {
    package var scheme: Scheme
    /// The key of the credentials table; only with a scheme that always uses TLS.
    package var label: String?
    /// A host name, an IPv4 address, or an IPv6 address without its brackets.
    package var host: String
    package var port: UInt16

    package enum Scheme: String, Hashable, Sendable, CaseIterable {
        /// STARTTLS when offered, not verified.
        case smtp
        /// STARTTLS always.
        case smtpTLS = "smtp+tls"
        /// Never TLS.
        case smtpNoTLS = "smtp+notls"
        /// LMTP without TLS; the port must be given.
        case lmtp
        /// TLS from the first byte.
        case smtps

        /// Nil where the URL must say it.
        package var defaultPort: UInt16? {
            switch self {
            case .smtp, .smtpTLS, .smtpNoTLS: 25
            case .smtps: 465
            case .lmtp: nil
            }
        }

        /// Credentials may be sent.
        package var allowsLabel: Bool { self == .smtpTLS || self == .smtps }
    }

    /// Why a text is no relay URL.
    package enum Failure: Error, Hashable, Sendable {
        case unknownScheme(String)
        case malformedLabel
        /// A label where nothing protects the password.
        case labelWithoutTLS
        case malformedHost
        case malformedPort
        case missingPort

        package var text: String {
            switch self {
            case .unknownScheme(let scheme): "unknown scheme `\(scheme)`"
            case .malformedLabel: "empty label"
            case .labelWithoutTLS: "a label needs smtp+tls:// or smtps://"
            case .malformedHost: "malformed host"
            case .malformedPort: "malformed port"
            case .missingPort: "lmtp:// needs a port"
            }
        }
    }

    package init(scheme: Scheme, label: String? = nil, host: String, port: UInt16) {
        self.scheme = scheme
        self.label = label
        self.host = host
        self.port = port
    }

    /// - Throws: ``Failure`` with the part that is wrong.
    package init(parsing text: String) throws(Failure) {
        let parts = try RelayURLParts(text)
        guard let scheme = parts.scheme.isEmpty ? .smtp : Scheme(rawValue: parts.scheme) else {
            throw .unknownScheme(parts.scheme)
        }
        if parts.label != nil, !scheme.allowsLabel { throw .labelWithoutTLS }
        guard let port = parts.port ?? scheme.defaultPort else { throw .missingPort }
        self.init(scheme: scheme, label: parts.label, host: parts.host, port: port)
    }

    /// The shortest text that parses to the same value.
    package var description: String {
        var text = "\(scheme.rawValue)://"
        if let label { text += "\(label)@" }
        text += host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        if port != scheme.defaultPort { text += ":\(port)" }
        return text
    }
}

/// The parts of a relay URL of either language, before its scheme is given a meaning.
struct RelayURLParts {
    /// In lower case, empty when there is none.
    var scheme = ""
    var label: String?
    var host = ""
    var port: UInt16?

    init(_ text: String) throws(RelayURL.Failure) {
        var rest = Array(text.utf8)[...]
        let mark = Array("://".utf8)
        if let end = rest.indices.first(where: { rest[$0...].starts(with: mark) }) {
            scheme = String(decoding: rest[..<end].map(asciiLowercased), as: UTF8.self)
            rest = rest[(end + mark.count)...]
        }
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            guard at != rest.startIndex else { throw .malformedLabel }
            label = String(decoding: rest[..<at], as: UTF8.self)
            rest = rest[(at + 1)...]
        }
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")),
                let address = IPAddress(literal: rest[(rest.startIndex + 1)..<end])
            else { throw .malformedHost }
            host = address.description
            rest = rest[(end + 1)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { throw .malformedHost }
        } else {
            let end = rest.lastIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            host = String(decoding: rest[..<end], as: UTF8.self)
            guard ConfigurationParser.isHostName(host) else { throw .malformedHost }
            rest = rest[end...]
        }
        guard !rest.isEmpty else { return }
        guard let value = Int64(digits: rest.dropFirst()), (1...65_535).contains(value) else { throw .malformedPort }
        port = UInt16(value)
    }
}
