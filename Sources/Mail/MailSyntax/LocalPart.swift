/// The part of a mailbox before the `@`, kept byte for byte as it was written.
///
/// Only the host named by the domain may interpret it (RFC 5321 section 2.4), so two local parts
/// that differ only in case are different here. A quoted local part is kept unquoted, as the
/// content its quotes stand for; ``MailAddress/bytes`` adds the quotes again where they are needed.
package struct LocalPart: Hashable, Sendable {
    package let bytes: [UInt8]

    /// The longest local part taken, in octets. RFC 5321 section 4.5.3.1.1 asks for 64; OpenSMTPD
    /// takes 255, and lists with VERP senders need more than 64.
    package static let maximumLength = 255

    /// Checks what every local part must keep to; its grammar is the parser's business.
    ///
    /// - Throws: ``AddressSyntaxError/emptyLocalPart``, ``AddressSyntaxError/localPartTooLong`` above
    ///   ``maximumLength`` octets, ``AddressSyntaxError/forbiddenOctet(_:at:)`` for a control character.
    package init(validating bytes: [UInt8]) throws(AddressSyntaxError) {
        guard !bytes.isEmpty else { throw .emptyLocalPart }
        guard bytes.count <= Self.maximumLength else { throw .localPartTooLong }
        if let offset = bytes.firstIndex(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw .forbiddenOctet(bytes[offset], at: offset)
        }
        self.bytes = bytes
    }

    /// The local part as text, for logs and file names; bytes that are not UTF-8 are replaced.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// ASCII letters in lower case, as keys of tables and names of system users are.
    package var lowercased: [UInt8] { bytes.map(asciiLowercased) }

    /// The local part as it stands in a path: between quotes where the grammar of a dot-string does not
    /// hold it.
    package var quoted: [UInt8] {
        if isDotString(bytes) { return bytes }
        var result = [UInt8(ascii: "\"")]
        for byte in bytes {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { result.append(UInt8(ascii: "\\")) }
            result.append(byte)
        }
        result.append(UInt8(ascii: "\""))
        return result
    }
}
