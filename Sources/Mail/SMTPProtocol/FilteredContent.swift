import MailSyntax

/// Checks what filters make of a message before it is stored: they may change everything, but what comes out must be a
/// message still, in the form that the queue keeps.
///
/// A CR at the end of a line is dropped. Content streams: what is given out for a call is what came in.
package struct FilteredContent: Sendable {
    private var intake: MessageIntake
    private let textLineLimit: Int
    private var ownFault: MessageFault?

    /// Octets that filters may add above the limit of what a client may send: header fields.
    static let margin: Int64 = 1 << 20

    /// - Parameter policy: That of the server; of the header only its syntax is checked again and bare addresses
    ///   completed.
    package init(hostname: Domain, opened: OpenedMessage, limits: SessionLimits) {
        textLineLimit = limits.textLine
        var limits = limits
        let (size, overflow) = limits.messageSize.addingReportingOverflow(Self.margin)
        limits.messageSize = overflow ? .max : size
        limits.headerSize += Int(Self.margin)
        // Our own trace header is among them now.
        limits.receivedFields += 1
        intake = MessageIntake(
            policy: MessageIntake.Policy(hostname: hostname, completesHeader: false, opened: opened, limits: limits))
    }

    /// Why the message is refused; nil while it is not.
    package var fault: MessageFault? { ownFault ?? intake.fault }

    /// Octets given out so far.
    package var storedSize: Int64 { intake.storedSize }

    /// Takes whole lines, each ended by LF, and gives what to store of them: nothing after a fault.
    package mutating func append(_ lines: [UInt8]) -> [UInt8] {
        guard fault == nil else { return [] }
        guard let checked = check(lines) else { return [] }
        return intake.append(checked)
    }

    /// Ends the message and gives the last octets to store.
    package mutating func finish() -> [UInt8] {
        guard fault == nil else { return [] }
        return intake.finish()
    }

    /// The lines without the CR at their ends; nil after a fault.
    private mutating func check(_ lines: [UInt8]) -> [UInt8]? {
        let span = lines.span
        var clean: [UInt8]?
        var lineStart = 0
        var index = 0
        /// What is copied already, once a copy is needed.
        var copied = 0
        while index < span.count {
            let stop = firstLineOctet(in: span, from: index)
            guard stop < span.count else { break }
            switch span[stop] {
            case 0x0A:
                guard stop - lineStart <= textLineLimit - 2 else { return fail(.lineTooLong) }
                lineStart = stop + 1
            case 0x0D:
                guard stop + 1 < span.count, span[stop + 1] == 0x0A else { return fail(.bareCarriageReturn) }
                if clean == nil { clean = [] }
                clean?.append(contentsOf: lines[copied..<stop])
                copied = stop + 1
            default:
                return fail(.nul)
            }
            index = stop + 1
        }
        guard var clean else { return lines }
        clean += lines[copied...]
        return clean
    }

    private mutating func fail(_ fault: MessageFault) -> [UInt8]? {
        ownFault = fault
        return nil
    }
}
