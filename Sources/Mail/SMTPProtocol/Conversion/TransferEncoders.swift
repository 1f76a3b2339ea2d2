import MailSyntax

/// Encoders of bodies, line by line: text in and text out, lines ended by LF.

/// Quoted-printable (RFC 2045 section 6.7).
struct QuotedPrintableEncoder: Sendable {
    private static let maximumLine = 76
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Takes a line, with its LF or without one.
    mutating func encode(_ line: ArraySlice<UInt8>, onto output: inout [UInt8]) {
        var text = line
        let hasEnd = text.last == 0x0A
        if hasEnd { text = text.dropLast() }
        var column = 0
        for index in text.indices {
            let byte = text[index]
            let isLast = index == text.endIndex - 1
            // White space at the end of a line does not survive, `From ` is stuffed and a dot alone ends mail,
            // somewhere.
            let isPlain =
                byte == 0x20 || byte == 0x09 ? !isLast : byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "=")
                    && !(column == 0 && (byte == UInt8(ascii: ".") || byte == UInt8(ascii: "F")))
            let width = isPlain ? 1 : 3
            // The last octet of a line may take the place of the soft break.
            if column + width > (isLast ? Self.maximumLine : Self.maximumLine - 1) {
                output += [UInt8(ascii: "="), 0x0A]
                column = 0
            }
            if isPlain {
                output.append(byte)
            } else {
                output += [UInt8(ascii: "="), Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 15)]]
            }
            column += width
        }
        if hasEnd { output.append(0x0A) }
    }
}

/// Base64 in lines of 76 octets (RFC 2045 section 6.8). Line ends of the body are octets of it, as CR LF; the last
/// one belongs to the delimiter behind the part.
struct Base64LineEncoder: Sendable {
    private static let group = 57

    private var pending: [UInt8] = []
    private var owesLineEnd = false

    mutating func encode(_ line: ArraySlice<UInt8>, onto output: inout [UInt8]) {
        if owesLineEnd { pending += [0x0D, 0x0A] }
        owesLineEnd = line.last == 0x0A
        pending += owesLineEnd ? line.dropLast() : line
        var start = 0
        while pending.count - start >= Self.group {
            output += Base64.encoded(Array(pending[start..<(start + Self.group)]))
            output.append(0x0A)
            start += Self.group
        }
        pending.removeSubrange(..<start)
    }

    mutating func finish(onto output: inout [UInt8]) {
        owesLineEnd = false
        guard !pending.isEmpty else { return }
        output += Base64.encoded(pending)
        output.append(0x0A)
        pending = []
    }
}
