/// Text that ends up in a log, a listing or a terminal: one line, printable, of bounded length.
///
/// The two sides fit together: what the writer writes, the reader takes. A writer may hold the words of a
/// stranger (a file name, a remote server's reply) and must not make its peer refuse the message over
/// them, so it replaces what the reader would refuse. The reader believes no writer.
package enum PrintableLine {
    /// The longest line, in bytes of UTF-8; what goes beyond is cut off by the writer.
    package static let maximumLength = 4096

    /// C0, DEL, C1 and Unicode's separators of lines and paragraphs: what could end the line or move a
    /// terminal's cursor.
    static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        default: false
        }
    }

    static func isValid(_ text: String) -> Bool {
        text.utf8.count <= maximumLength && !text.unicodeScalars.contains(where: isForbidden)
    }

    static func repaired(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            let kept: Unicode.Scalar = isForbidden(scalar) ? "?" : scalar
            guard result.utf8.count + UTF8.width(kept) <= maximumLength else { break }
            result.unicodeScalars.append(kept)
        }
        return result
    }
}

extension WireWriter {
    /// Writes text as one printable line: control characters become `?`, and what is longer than
    /// ``PrintableLine/maximumLength`` is cut.
    package mutating func write(line text: String) {
        write(PrintableLine.isValid(text) ? text : PrintableLine.repaired(text))
    }
}

extension WireReader {
    /// Reads what ``WireWriter/write(line:)`` wrote.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for text that is not UTF-8, not one printable line, or longer
    ///   than ``PrintableLine/maximumLength``.
    package mutating func readLine() throws(WireError) -> String {
        let text = try readString()
        guard PrintableLine.isValid(text) else { throw .invalid("printable line") }
        return text
    }
}
