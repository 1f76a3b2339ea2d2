/// One line of a header section, by its form (RFC 5322 section 2.2).
package enum HeaderLine: Hashable, Sendable {
    /// `name:` and the beginning of the value. The name is the first `nameLength` octets; the value begins
    /// at the offset `value`, behind the colon.
    case field(nameLength: Int, value: Int)
    /// White space first: more of the field before.
    case continuation
    /// The line between header and body.
    case empty
    /// None of these: no part of a header.
    case other

    /// Tells what `line` is, given without its line end.
    ///
    /// White space between name and colon, which the obsolete syntax allows (section 4.5), is taken.
    package init(_ line: ArraySlice<UInt8>) {
        guard let first = line.first else {
            self = .empty
            return
        }
        if first == 0x20 || first == 0x09 {
            self = .continuation
            return
        }
        var index = line.startIndex
        while index < line.endIndex, line[index] > 0x20, line[index] < 0x7F, line[index] != UInt8(ascii: ":") {
            index += 1
        }
        let nameLength = index - line.startIndex
        while index < line.endIndex, line[index] == 0x20 || line[index] == 0x09 { index += 1 }
        guard nameLength > 0, index < line.endIndex, line[index] == UInt8(ascii: ":") else {
            self = .other
            return
        }
        self = .field(nameLength: nameLength, value: index + 1 - line.startIndex)
    }
}

/// A field of a header section as it stands in a message.
package struct HeaderField: Hashable, Sendable {
    /// As written; compare it without regard to case.
    package let name: [UInt8]
    /// All octets of the field: name, folded value, line ends.
    package let range: Range<Int>
    /// The octets behind the colon, without the last line end.
    package let value: Range<Int>

    package func isNamed(_ name: String) -> Bool { equalIgnoringASCIICase(self.name, name.utf8) }
}

/// Walks the fields of a header section held in memory. Lines end in LF or CR LF.
package struct HeaderScanner {
    private let bytes: [UInt8]
    /// Where the next field begins; after the last one, where the header ends: at the empty line, at the
    /// first line that is no field, or at the end.
    package private(set) var position: Int

    package init(_ bytes: [UInt8], from position: Int = 0) {
        self.bytes = bytes
        self.position = max(0, position)
    }

    package mutating func next() -> HeaderField? {
        guard position < bytes.count else { return nil }
        let start = position
        let line = self.line(at: start)
        guard case .field(let nameLength, let value) = HeaderLine(bytes[start..<line.end]) else { return nil }
        var last = line
        while last.next < bytes.count {
            let following = self.line(at: last.next)
            guard HeaderLine(bytes[last.next..<following.end]) == .continuation else { break }
            last = following
        }
        position = last.next
        return HeaderField(
            name: Array(bytes[start..<(start + nameLength)]), range: start..<last.next,
            value: (start + value)..<last.end)
    }

    /// The end of a line without its line end, and the start of the next.
    private func line(at start: Int) -> (end: Int, next: Int) {
        guard let feed = bytes[start...].firstIndex(of: 0x0A) else { return (bytes.count, bytes.count) }
        return (feed > start && bytes[feed - 1] == 0x0D ? feed - 1 : feed, feed + 1)
    }
}
