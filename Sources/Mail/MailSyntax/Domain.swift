/// The part of a mailbox after the `@`: a host name or an address literal in brackets.
///
/// Compared without regard to the case of ASCII letters (RFC 5321 section 2.4), kept as written.
package struct Domain: Sendable {
    package let bytes: [UInt8]

    /// The longest domain, in octets (RFC 5321 section 4.5.3.1.2).
    package static let maximumLength = 255

    /// Takes a host name (letters, digits, `-`, `_`, dots between labels, bytes of UTF-8 for RFC 6531)
    /// or `[...]` with an IPv4 or tagged literal (RFC 5321 section 4.1.3).
    ///
    /// - Throws: ``AddressSyntaxError/emptyDomain``, ``AddressSyntaxError/domainTooLong``,
    ///   ``AddressSyntaxError/malformedDomain``.
    package init(validating bytes: [UInt8]) throws(AddressSyntaxError) {
        guard !bytes.isEmpty else { throw .emptyDomain }
        guard bytes.count <= Self.maximumLength else { throw .domainTooLong }
        guard Self.isHostName(bytes) || Self.isLiteral(bytes) else { throw .malformedDomain }
        self.bytes = bytes
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package var lowercased: [UInt8] { bytes.map(asciiLowercased) }

    /// True for `[192.0.2.1]` and the like.
    package var isLiteral: Bool { bytes.first == UInt8(ascii: "[") }

    private static func isHostName(_ bytes: [UInt8]) -> Bool {
        var previous = UInt8(ascii: ".")
        var labelLength = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "."):
                guard labelLength > 0, previous != UInt8(ascii: "-") else { return false }
                labelLength = 0
            case UInt8(ascii: "-"):
                guard labelLength > 0 else { return false }
                labelLength += 1
            default:
                guard isASCIIAlphanumeric(byte) || byte == UInt8(ascii: "_") || byte >= 0x80 else { return false }
                labelLength += 1
            }
            guard labelLength <= 63 else { return false }
            previous = byte
        }
        return labelLength > 0 && previous != UInt8(ascii: "-")
    }

    private static func isLiteral(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 2, bytes[0] == UInt8(ascii: "["), bytes[bytes.count - 1] == UInt8(ascii: "]") else {
            return false
        }
        return IPAddress(literal: bytes[1..<(bytes.count - 1)]) != nil
    }
}

extension Domain: Hashable {
    package static func == (a: Domain, b: Domain) -> Bool {
        guard a.bytes.count == b.bytes.count else { return false }
        for i in a.bytes.indices where asciiLowercased(a.bytes[i]) != asciiLowercased(b.bytes[i]) { return false }
        return true
    }

    package func hash(into hasher: inout Hasher) {
        for byte in bytes { hasher.combine(asciiLowercased(byte)) }
    }
}
