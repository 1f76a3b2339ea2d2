import MailSyntax

/// Lines of `show queue` as octets, made in two steps: whoever holds the envelopes writes them, and whoever knows
/// the schedule puts in where each envelope stands. One buffer for many lines, because a queue may have a million.
package struct ListedLines: Hashable, Sendable {
    /// Where a line is in ``text``. It begins where the line before it ends.
    package struct Line: Hashable, Sendable {
        package let id: EnvelopeID
        /// Behind the flags; one more may follow here.
        package let flagsEnd: Int
        /// Where the state and its seconds belong, with a `|` behind each.
        package let stateStart: Int
        package let end: Int

        package init(id: EnvelopeID, flagsEnd: Int, stateStart: Int, end: Int) {
            self.id = id
            self.flagsEnd = flagsEnd
            self.stateStart = stateStart
            self.end = end
        }
    }

    package private(set) var lines: [Line] = []
    /// Without line ends.
    package private(set) var text: [UInt8] = []

    package init() {}

    /// Takes what another process made; nil for places that are not in order within the text, and for a text
    /// that is not UTF-8 or holds a control character.
    package init?(lines: [Line], text: [UInt8]) {
        var start = 0
        for line in lines {
            // A field stands before the flags.
            guard start < line.flagsEnd, line.flagsEnd <= line.stateStart, line.stateStart <= line.end else { return nil }
            start = line.end
        }
        guard start == text.count, Self.isPrintable(text) else { return nil }
        self.lines = lines
        self.text = text
    }

    private static func isPrintable(_ text: [UInt8]) -> Bool {
        // Nearly always.
        if text.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return true }
        guard let text = String(validating: text, as: UTF8.self) else { return false }
        return !text.unicodeScalars.contains(where: ReportText.isControl)
    }

    /// Writes an envelope's line but for its state.
    package mutating func append(_ envelope: Envelope, _ transaction: Transaction, _ history: DeliveryHistory) {
        append(hexadecimal: envelope.id.rawValue)
        separate()
        text += QueueListing.family(of: transaction.source).utf8
        separate()
        text += envelope.kind.typeName.utf8
        separate()
        var isFirst = true
        for flag in transaction.flagNames(authenticated: "auth") + (history.isSuspended ? ["suspend"] : []) {
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            text += flag.utf8
        }
        let flagsEnd = text.count
        separate()
        // The null reverse path is written `@`: no local part, no domain.
        if let sender = transaction.sender.address { append(sender) } else { text.append(UInt8(ascii: "@")) }
        separate()
        append(envelope.recipient)
        separate()
        append(envelope.destination)
        for number in [
            envelope.created.seconds, envelope.expiry.seconds, history.lastAttempt?.seconds ?? 0, Int64(history.attempts),
        ] {
            separate()
            Self.append(number, to: &text)
        }
        separate()
        let stateStart = text.count
        // The last field may hold the separator.
        append(field: history.lastError.utf8, forbids: nil) { QueueListing.escaped(history.lastError) }
        lines.append(Line(id: envelope.id, flagsEnd: flagsEnd, stateStart: stateStart, end: text.count))
    }

    /// Copies a whole line, without a line end.
    ///
    /// - Parameters:
    ///   - index: Of ``lines``.
    ///   - isHeld: It waits on a hold queue.
    package func appendLine(
        _ index: Int, state: QueueListing.RunState, isHeld: Bool = false, to bytes: inout [UInt8]
    ) {
        let line = lines[index]
        let start = index == 0 ? 0 : lines[index - 1].end
        if isHeld {
            bytes += text[start..<line.flagsEnd]
            // An empty field ends with the separator before it.
            if text[line.flagsEnd - 1] != UInt8(ascii: "|") { bytes.append(UInt8(ascii: ",")) }
            bytes += "hold".utf8
            bytes += text[line.flagsEnd..<line.stateStart]
        } else {
            bytes += text[start..<line.stateStart]
        }
        switch state {
        case .pending(let delay):
            bytes += "pending|".utf8
            Self.append(delay, to: &bytes)
        case .inflight(let elapsed):
            bytes += "inflight|".utf8
            Self.append(elapsed, to: &bytes)
        case .invalid: bytes += "invalid|".utf8
        case .offline: bytes += "offline|".utf8
        }
        bytes.append(UInt8(ascii: "|"))
        bytes += text[line.stateStart..<line.end]
    }

    // MARK: Fields

    private mutating func separate() { text.append(UInt8(ascii: "|")) }

    private mutating func append(_ address: MailAddress) {
        let local = address.localPart.bytes
        guard isDotString(local) else {
            text += QueueListing.field(address.text).utf8
            return
        }
        append(field: local, forbids: UInt8(ascii: "|")) { QueueListing.field(address.localPart.text) }
        text.append(UInt8(ascii: "@"))
        append(field: address.domain.bytes, forbids: UInt8(ascii: "|")) { QueueListing.field(address.domain.text) }
    }

    /// Appends a field as it is where that can be, else as somebody has escaped it.
    private mutating func append(field bytes: some Collection<UInt8>, forbids separator: UInt8?, escaped: () -> String) {
        let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != separator }
        if isPlain { text += bytes } else { text += escaped().utf8 }
    }

    private mutating func append(hexadecimal value: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 0xF)
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
        }
    }

    private static func append(_ value: Int64, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = value.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }
}
