import MailSyntax

/// What a MIME entity's header says of its body (RFC 2045), as far as passing it on asks.
struct ContentType: Hashable, Sendable {
    /// `type/subtype` in lower case.
    var name: String
    /// Of a multipart, without the hyphens in front.
    var boundary: [UInt8]?

    /// What a header without the field means (RFC 2045 section 5.2).
    static let text = ContentType(name: "text/plain")
    /// The same in a multipart/digest (RFC 2046 section 5.1.5).
    static let message = ContentType(name: "message/rfc822")

    private init(name: String) { self.name = name }

    /// Reads the body of a `Content-Type` field. What cannot be understood is left out.
    init(_ body: ArraySlice<UInt8>) {
        var words = Words(body)
        name = String(decoding: words.next(until: [UInt8(ascii: ";")]).map(asciiLowercased), as: UTF8.self)
        while words.skip(UInt8(ascii: ";")) {
            let parameter = words.next(until: [UInt8(ascii: "="), UInt8(ascii: ";")])
            guard words.skip(UInt8(ascii: "=")) else { continue }
            let value = words.next(until: [UInt8(ascii: ";")])
            // A boundary has seventy octets at most (RFC 2046 section 5.1.1); what is longer is none.
            guard equalIgnoringASCIICase(parameter, "boundary".utf8), (1...70).contains(value.count) else { continue }
            boundary = boundary ?? value
        }
    }

    var isMultipart: Bool { name.hasPrefix("multipart/") }
    var isText: Bool { name.hasPrefix("text/") }
}

/// Cuts a field body at separators, outside of quotes and comments; white space goes away.
private struct Words {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    mutating func skip(_ separator: UInt8) -> Bool {
        guard position < bytes.endIndex, bytes[position] == separator else { return false }
        position += 1
        return true
    }

    mutating func next(until separators: [UInt8]) -> [UInt8] {
        var word: [UInt8] = []
        var depth = 0
        var isQuoted = false
        while position < bytes.endIndex {
            var byte = bytes[position]
            if !isQuoted, depth == 0, separators.contains(byte) { break }
            position += 1
            if isQuoted || depth > 0, byte == UInt8(ascii: "\\"), position < bytes.endIndex {
                byte = bytes[position]
                position += 1
                if depth == 0 { word.append(byte) }
            } else if isQuoted {
                if byte == UInt8(ascii: "\"") { isQuoted = false } else if byte != 0x0D, byte != 0x0A { word.append(byte) }
            } else if byte == UInt8(ascii: "(") {
                depth += 1
            } else if depth > 0 {
                if byte == UInt8(ascii: ")") { depth -= 1 }
            } else if byte == UInt8(ascii: "\"") {
                isQuoted = true
            } else if byte > 0x20 {
                word.append(byte)
            }
        }
        return word
    }
}
