import MailSyntax

/// A milter: a server that is asked about sessions in the Sendmail mail filter protocol (smtpd.conf(5)).
package struct MilterSettings: Hashable, Sendable {
    package var address: MilterAddress
    package var onFailure = FailurePolicy.refuse
    /// Seconds for the connection.
    package var connectTimeout: Int64 = 30
    /// Seconds for an answer before the end of a message.
    package var timeout: Int64 = 30
    /// Seconds for the answer at the end of a message, and between two signs that it is still at work there.
    package var messageTimeout: Int64 = 300

    /// What sessions hear when the milter cannot be reached or does not answer as it must.
    package enum FailurePolicy: UInt8, Hashable, Sendable {
        /// A temporary refusal.
        case refuse = 1
        /// As if the milter were not there.
        case accept
    }

    package init(address: MilterAddress) { self.address = address }
}

/// Where a milter listens, in the words that Sendmail and Postfix use.
package enum MilterAddress: Hashable, Sendable, CustomStringConvertible {
    /// `inet:HOST:PORT`, `inet6:HOST:PORT`, or Sendmail's `inet:PORT@HOST`; an address of six has brackets in the
    /// former. `inet6` tries addresses of that family alone.
    case network(host: String, port: UInt16, isV6: Bool)
    /// `unix:PATH` or `local:PATH`.
    case local(path: String)

    /// Why a text is no such address.
    package enum Failure: Error, Hashable, Sendable {
        case unknownScheme(String)
        case malformedHost
        case malformedPort
        case malformedPath

        package var text: String {
            switch self {
            case .unknownScheme(let scheme): "unknown scheme `\(scheme)`"
            case .malformedHost: "malformed host"
            case .malformedPort: "malformed port"
            case .malformedPath: "the path must be absolute and have 107 bytes at most"
            }
        }
    }

    package init(parsing text: String) throws(Failure) {
        let bytes = Array(text.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { throw .unknownScheme(text) }
        let scheme = String(decoding: bytes[..<colon].map(asciiLowercased), as: UTF8.self)
        let rest = bytes[(colon + 1)...]
        switch scheme {
        case "unix", "local":
            guard rest.first == UInt8(ascii: "/"), rest.count <= 107, !rest.contains(0) else { throw .malformedPath }
            self = .local(path: String(decoding: rest, as: UTF8.self))
        case "inet", "inet6":
            let host: ArraySlice<UInt8>
            let port: ArraySlice<UInt8>
            if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
                (port, host) = (rest[..<at], rest[(at + 1)...])
            } else {
                guard let last = rest.lastIndex(of: UInt8(ascii: ":")) else { throw .malformedPort }
                (host, port) = (rest[..<last], rest[(last + 1)...])
            }
            guard let number = Int64(digits: port), (1...65_535).contains(number) else { throw .malformedPort }
            self = .network(host: try Self.host(host), port: UInt16(number), isV6: scheme == "inet6")
        default: throw .unknownScheme(scheme)
        }
    }

    /// A host name, or an address without its brackets.
    private static func host(_ bytes: ArraySlice<UInt8>) throws(Failure) -> String {
        var bare = bytes
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") { bare = bytes.dropFirst().dropLast() }
        if let address = IPAddress(literal: bare) ?? IPAddress(bare) { return address.description }
        let text = String(decoding: bytes, as: UTF8.self)
        guard ConfigurationParser.isHostName(text) else { throw .malformedHost }
        return text
    }

    /// A text that parses to the same value.
    package var description: String {
        switch self {
        case .network(let host, let port, let isV6):
            let text = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
            return "\(isV6 ? "inet6" : "inet"):\(text):\(port)"
        case .local(let path): return "unix:\(path)"
        }
    }
}
