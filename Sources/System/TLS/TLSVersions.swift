import COpenSSL

/// The protocol versions a connection may use. There is nothing before TLS 1.2.
package struct TLSVersions: OptionSet, Hashable, Sendable {
    /// One bit a version.
    package let rawValue: UInt8
    /// From such bits.
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// RFC 5246.
    package static let v1_2 = TLSVersions(rawValue: 1)
    /// RFC 8446.
    package static let v1_3 = TLSVersions(rawValue: 2)
    /// What is used when nothing is said.
    package static let all: TLSVersions = [.v1_2, .v1_3]

    /// Reads a list such as `tlsv1.2,tlsv1.3` or `all:!tlsv1.3`, in the form that libtls reads: words between commas
    /// or colons, each adding to the list or, with `!`, taking from it; a list that begins with `!` takes from all.
    ///
    /// - Throws: ``TLSSetupFailure/unknownProtocol(_:)``, ``TLSSetupFailure/oldProtocol(_:)`` and
    ///   ``TLSSetupFailure/noProtocols(_:)``.
    package init(parsing list: String) throws(TLSSetupFailure) {
        var result: TLSVersions = []
        var isFirst = true
        for part in list.utf8.split(whereSeparator: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ":") }) {
            var word = part.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            while let last = word.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") { word.removeLast() }
            let isTaken = word.first == UInt8(ascii: "!")
            if isTaken { word.removeFirst() }
            if isFirst, isTaken { result = .all }
            isFirst = false
            let versions = try Self.named(String(decoding: word, as: UTF8.self).lowercased(), isTaken: isTaken)
            if isTaken { result.subtract(versions) } else { result.formUnion(versions) }
        }
        guard !result.isEmpty else { throw .noProtocols(list) }
        self = result
    }

    private static func named(_ word: String, isTaken: Bool) throws(TLSSetupFailure) -> TLSVersions {
        switch word {
        case "all", "legacy", "default", "secure", "tlsv1": return .all
        case "tlsv1.2": return .v1_2
        case "tlsv1.3": return .v1_3
        case "sslv2", "sslv3", "tlsv1.0", "tlsv1.1":
            // Taking away what is not there does no harm.
            guard isTaken else { throw .oldProtocol(word) }
            return []
        default: throw .unknownProtocol(word)
        }
    }

    var lowest: CInt { contains(.v1_2) ? TLS1_2_VERSION : TLS1_3_VERSION }
    var highest: CInt { contains(.v1_3) ? TLS1_3_VERSION : TLS1_2_VERSION }
}
