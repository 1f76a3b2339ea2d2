import MailSyntax

/// Makes LF the only line end, and finds the dot that ends a message.
///
/// CR before LF goes away, NUL goes away (the next host would refuse the message for it), the last line
/// gets its end; everything else passes byte for byte. Runs between line ends are copied whole.
struct LineNormalizer {
    private enum State {
        case lineStart
        /// Behind a dot that began a line; it is held back.
        case dot
        case insideLine
        /// The line of one dot was read. What follows is nobody's.
        case ended
    }

    /// CRs held back at most; of a longer run the first ones are text.
    private static let longestReturn = 4

    private let dotEnds: Bool
    private var state = State.lineStart
    private var heldReturns = 0

    /// - Parameter dotEnds: A line of one dot ends the message.
    init(dotEnds: Bool) { self.dotEnds = dotEnds }

    var isEnded: Bool { if case .ended = state { true } else { false } }

    mutating func take(_ input: [UInt8], count: Int, onto output: inout [UInt8]) {
        let span = input.span.extracting(first: count)
        var index = 0
        while index < count {
            if case .ended = state { return }
            let stop = firstLineOctet(in: span, from: index)
            if stop > index { text(input[index..<stop], onto: &output) }
            guard stop < count else { return }
            switch span[stop] {
            case 0x0A: endLine(&output)
            case 0x0D:
                if heldReturns < Self.longestReturn { heldReturns += 1 } else { text([0x0D], onto: &output) }
            default: skipNUL(&output)
            }
            index = stop + 1
        }
    }

    /// Takes the end of the input. A CR at the very end stood for a line end.
    mutating func finish(onto output: inout [UInt8]) {
        switch state {
        case .lineStart where heldReturns == 0, .ended: break
        case .lineStart, .dot, .insideLine: endLine(&output)
        }
    }

    private mutating func text(_ run: ArraySlice<UInt8>, onto output: inout [UInt8]) {
        var run = run
        if case .lineStart = state, dotEnds, heldReturns == 0, run.first == UInt8(ascii: ".") {
            state = .dot
            run = run.dropFirst()
            if run.isEmpty { return }
        }
        if case .dot = state { output.append(UInt8(ascii: ".")) }
        state = .insideLine
        for _ in 0..<heldReturns { output.append(0x0D) }
        heldReturns = 0
        output += run
    }

    /// A NUL leaves nothing behind, but a line that had one is no line of one dot.
    private mutating func skipNUL(_ output: inout [UInt8]) {
        if case .dot = state { output.append(UInt8(ascii: ".")) }
        state = .insideLine
    }

    private mutating func endLine(_ output: inout [UInt8]) {
        heldReturns = 0
        if case .dot = state {
            state = .ended
        } else {
            state = .lineStart
            output.append(0x0A)
        }
    }
}
