import MailSyntax

/// Content as lines of the phase data-line. Whole messages pass here, so every line is copied once and nothing else.
extension FilterLines {
    /// Octets that are written between two looks at the room in the output.
    private static let block = 32 << 10

    /// Appends the prefix and each line behind it, leading dots doubled as on the wire.
    ///
    /// - Parameter lines: Whole lines, each ended by LF.
    package static func append(content lines: [UInt8], prefix: [UInt8], onto output: inout [UInt8]) {
        let lines = lines.span
        let prefix = prefix.span
        var start = 0
        while start < lines.count {
            var end = endOfLine(in: lines, from: start)
            output.append(addingCapacity: max(block, prefix.count + 1 + end - start)) { room in
                while start < lines.count, room.freeCapacity > prefix.count + end - start {
                    room.append(octets: prefix)
                    if lines[start] == UInt8(ascii: ".") { room.append(UInt8(ascii: ".")) }
                    room.append(octets: lines.extracting(start..<end))
                    start = end
                    end = endOfLine(in: lines, from: start)
                }
            }
        }
    }

    /// Behind the LF of the line that begins at `start`; the length when it has none.
    static func endOfLine(in span: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while true {
            let stop = firstLineOctet(in: span, from: index)
            guard stop < span.count else { return span.count }
            if span[stop] == 0x0A { return stop + 1 }
            index = stop + 1
        }
    }
}
