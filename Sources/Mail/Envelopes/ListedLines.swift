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
        appendFlags(of: transaction, history)
        let flagsEnd = text.count
        separate()
        // The null reverse path is written `@`: no local part, no domain.
        if let sender = transaction.sender.address { append(sender) } else { text.append(UInt8(ascii: "@")) }
        separate()
        append(envelope.recipient)
        separate()
        append(envelope.destination)
        append(number: envelope.created.seconds)
        append(number: envelope.expiry.seconds)
        append(number: history.lastAttempt?.seconds ?? 0)
        append(number: Int64(history.attempts))
        separate()
        let stateStart = text.count
        // The last field may hold the separator.
        append(field: history.lastError.utf8.span, forbids: nil) { QueueListing.escaped(history.lastError) }
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

    private mutating func append(number: Int64) {
        separate()
        Self.append(number, to: &text)
    }

    private mutating func appendFlags(of transaction: Transaction, _ history: DeliveryHistory) {
        // Few envelopes have one.
        guard transaction.isAuthenticated || transaction.isInternal || history.isSuspended else { return }
        var flags = transaction.flagNames(authenticated: "auth")
        if history.isSuspended { flags.append("suspend") }
        text += flags.joined(separator: ",").utf8
    }

    private mutating func append(_ address: MailAddress) {
        let local = address.localPart.bytes
        guard isDotString(local) else {
            text += QueueListing.field(address.text).utf8
            return
        }
        append(field: local.span, forbids: UInt8(ascii: "|")) { QueueListing.field(address.localPart.text) }
        text.append(UInt8(ascii: "@"))
        append(field: address.domain.bytes.span, forbids: UInt8(ascii: "|")) { QueueListing.field(address.domain.text) }
    }

    /// Appends a field as it is where that can be, else as somebody has escaped it.
    private mutating func append(field bytes: Span<UInt8>, forbids separator: UInt8?, escaped: () -> String) {
        var isPlain = true
        for index in bytes.indices {
            let byte = bytes[index]
            if byte < 0x20 || byte >= 0x7F || byte == UInt8(ascii: "\\") || byte == separator { isPlain = false }
        }
        guard isPlain else {
            text += escaped().utf8
            return
        }
        text.append(addingCapacity: bytes.count) { room in
            for index in bytes.indices { room.append(bytes[index]) }
        }
    }

    private mutating func append(hexadecimal value: UInt64) {
        text.append(addingCapacity: 16) { room in
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 0xF)
                room.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
            }
        }
    }

    private static func append(_ value: Int64, to bytes: inout [UInt8]) {
        var power: UInt64 = 1
        while power <= value.magnitude / 10 { power *= 10 }
        // As long as the longest, which is the lowest.
        bytes.append(addingCapacity: 20) { room in
            if value < 0 { room.append(UInt8(ascii: "-")) }
            while power > 0 {
                room.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value.magnitude / power % 10))
                power /= 10
            }
        }
    }
}
