import WireFormat

/// Lines of a listing on their way to a terminal: UTF-8 without control characters but the line feed at the end of each.
///
/// The writer replaces what a stranger may have slipped in; the reader believes no writer.
package struct ListingText: WireMessage, Hashable {
    package let text: String

    /// Empty, or with a line feed at its end.
    package init(lines: some Sequence<String>) {
        var text = ""
        for line in lines {
            for scalar in line.unicodeScalars { text.unicodeScalars.append(Self.isForbidden(scalar) ? "?" : scalar) }
            text += "\n"
        }
        self.text = text
    }

    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        default: false
        }
    }

    package func encode(into writer: inout WireWriter) { writer.write(text) }

    /// - Throws: ``WireError/invalid(_:)`` for a control character or a last line without its end.
    package init(from reader: inout WireReader) throws(WireError) {
        let text = try reader.readString()
        guard text.isEmpty || text.utf8.last == 0x0A,
            text.unicodeScalars.allSatisfy({ $0 == "\n" || !Self.isForbidden($0) })
        else { throw .invalid("lines of a listing") }
        self.text = text
    }

    /// The lines in pieces that frames take: of `size` bytes or little more, none of them empty but a lone one.
    package static func pieces(of lines: [String], size: Int = 256 << 10) -> [ListingText] {
        var pieces: [ListingText] = []
        var start = 0
        var bytes = 0
        for index in lines.indices {
            bytes += lines[index].utf8.count + 1
            if bytes >= size {
                pieces.append(ListingText(lines: lines[start...index]))
                start = index + 1
                bytes = 0
            }
        }
        if start < lines.count || pieces.isEmpty { pieces.append(ListingText(lines: lines[start...])) }
        return pieces
    }
}
