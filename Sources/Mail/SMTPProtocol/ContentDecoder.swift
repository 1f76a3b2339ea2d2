import MailSyntax

/// Turns the octets behind DATA or BDAT into lines that end in LF, and finds the end of the data.
///
/// It streams: nothing is held back but what a few states stand for, and runs between line ends are
/// copied whole. After a fault it goes on looking for the end, and gives out nothing.
package struct ContentDecoder {
    /// How the content is marked off.
    package enum Framing: Hashable, Sendable {
        /// A line with one dot ends it, other leading dots are doubled (RFC 5321 section 4.5.2).
        case dotStuffed
        /// Counted by BDAT; a dot is a dot (RFC 3030 section 2).
        case counted
    }

    private enum State {
        case lineStart
        /// Behind a dot that began a line.
        case dot
        /// Behind dot and CR.
        case dotReturn
        case insideLine
        case carriageReturn
    }

    private let framing: Framing
    private let acceptsBareLineFeed: Bool
    private let textLineLimit: Int
    private var state = State.lineStart
    /// Octets of the line so far, without its end.
    private var lineLength = 0
    package private(set) var fault: MessageFault?

    /// - Parameters:
    ///   - acceptsBareLineFeed: LF alone ends a line too, and CR alone is text.
    ///   - textLineLimit: Octets of a line with CR LF.
    package init(_ framing: Framing, acceptsBareLineFeed: Bool, textLineLimit: Int) {
        self.framing = framing
        self.acceptsBareLineFeed = acceptsBareLineFeed
        self.textLineLimit = textLineLimit
    }

    /// Decodes `input[start..<end]` onto `output`.
    ///
    /// - Returns: True when the dot that ends the data was read; `start` is then behind it, else at `end`.
    package mutating func decode(
        _ input: [UInt8], from start: inout Int, to end: Int, onto output: inout [UInt8]
    ) -> Bool {
        let span = input.span.extracting(first: end)
        while start < end {
            switch state {
            case .lineStart:
                takePlainLines(span, from: &start, &output)
                guard start < end else { break }
                if framing == .dotStuffed, span[start] == UInt8(ascii: ".") {
                    state = .dot
                    start += 1
                } else {
                    state = .insideLine
                }
            case .dot:
                switch span[start] {
                case 0x0D:
                    state = .dotReturn
                    start += 1
                case 0x0A where acceptsBareLineFeed:
                    start += 1
                    return true
                default:
                    // The dot was stuffing.
                    state = .insideLine
                }
            case .dotReturn:
                if span[start] == 0x0A {
                    start += 1
                    return true
                }
                state = .carriageReturn
            case .carriageReturn:
                if span[start] == 0x0A {
                    endLine(&output)
                    start += 1
                } else {
                    bareCarriageReturn(&output)
                }
            case .insideLine:
                let stop = firstLineOctet(in: span, from: start)
                take(span.extracting(start..<stop), &output)
                start = stop
                guard stop < end else { break }
                start += 1
                switch span[stop] {
                case 0x0D:
                    // The usual line end, without the detour through a state.
                    if start < end, span[start] == 0x0A {
                        endLine(&output)
                        start += 1
                    } else {
                        state = .carriageReturn
                    }
                case 0x0A:
                    if acceptsBareLineFeed { endLine(&output) } else { fail(.bareLineFeed, &output) }
                default:
                    fail(.nul, &output)
                }
            }
        }
        return false
    }

    /// Ends counted content: what is left of a line gets its end.
    package mutating func finish(onto output: inout [UInt8]) {
        if case .carriageReturn = state { bareCarriageReturn(&output) }
        if case .insideLine = state { endLine(&output) }
    }

    /// Copies the lines that are as nearly all are: whole, with the usual end, and with no dot in front.
    private func takePlainLines(_ span: Span<UInt8>, from start: inout Int, _ output: inout [UInt8]) {
        guard fault == nil else { return }
        output.append(addingCapacity: span.count - start) { room in
            while start < span.count, framing == .counted || span[start] != UInt8(ascii: ".") {
                let stop = firstLineOctet(in: span, from: start)
                guard stop + 1 < span.count, span[stop] == 0x0D, span[stop + 1] == 0x0A, stop - start <= textLineLimit - 2
                else { return }
                room.append(octets: span.extracting(start..<stop))
                room.append(0x0A)
                start = stop + 2
            }
        }
    }

    private mutating func take(_ run: Span<UInt8>, _ output: inout [UInt8]) {
        guard fault == nil else { return }
        lineLength += run.count
        guard lineLength <= textLineLimit - 2 else { return fail(.lineTooLong, &output) }
        output.append(octets: run)
    }

    private mutating func endLine(_ output: inout [UInt8]) {
        state = .lineStart
        lineLength = 0
        if fault == nil { output.append(0x0A) }
    }

    /// A CR was read and no LF follows.
    private mutating func bareCarriageReturn(_ output: inout [UInt8]) {
        state = .insideLine
        if acceptsBareLineFeed { take([0x0D].span, &output) } else { fail(.bareCarriageReturn, &output) }
    }

    private mutating func fail(_ reason: MessageFault, _ output: inout [UInt8]) {
        if fault == nil { fault = reason }
        output.removeAll()
    }
}
