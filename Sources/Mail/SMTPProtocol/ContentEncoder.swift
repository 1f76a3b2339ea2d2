import MailSyntax

/// Puts a stored message on the wire: lines ended by CR LF, and for DATA leading dots doubled and a last line
/// with a dot alone (RFC 5321 section 4.5.2).
///
/// What leaves holds neither a bare CR nor a bare LF, and with dots no line of it is a single one, even when the
/// stored message has a CR inside a line: that CR ends a line here too (VU#302671).
package struct ContentEncoder: Sendable {
    /// How the other side knows where the message ends.
    package enum Framing: Hashable, Sendable {
        /// By a line with a dot (DATA).
        case dot
        /// By a count given elsewhere (BDAT).
        case counted
    }

    private enum State {
        case lineStart
        case insideLine
        /// CR LF was written for a CR; an LF that follows belongs to it.
        case carriageReturn
    }

    private let framing: Framing
    private var state = State.lineStart

    package init(_ framing: Framing) { self.framing = framing }

    package mutating func encode(_ bytes: [UInt8], onto output: inout [UInt8]) {
        encode(bytes.span, onto: &output)
    }

    private mutating func encode(_ span: Span<UInt8>, onto output: inout [UInt8]) {
        var index = 0
        while index < span.count {
            switch state {
            case .lineStart:
                if span[index] == UInt8(ascii: "."), framing == .dot { output.append(UInt8(ascii: ".")) }
                state = .insideLine
            case .carriageReturn:
                state = .lineStart
                if span[index] == 0x0A { index += 1 }
            case .insideLine:
                let stop = firstLineOctet(in: span, from: index)
                output.append(octets: span.extracting(index..<stop))
                index = stop
                guard stop < span.count else { break }
                index += 1
                switch span[stop] {
                case 0x0A:
                    output.append(0x0D)
                    output.append(0x0A)
                    state = .lineStart
                case 0x0D:
                    output.append(0x0D)
                    output.append(0x0A)
                    state = .carriageReturn
                default:
                    output.append(span[stop])
                }
            }
        }
    }

    /// Ends the last line where it has no end, and the data.
    package mutating func finish(onto output: inout [UInt8]) {
        if case .insideLine = state { output += [0x0D, 0x0A] }
        state = .lineStart
        if framing == .dot { output += [UInt8(ascii: "."), 0x0D, 0x0A] }
    }
}
