import MailSyntax

/// The header section of a message on its way in: recipients out of it, blind ones away, what is missing
/// added, bare addresses completed.
///
/// Lines end in LF here. One field is held at a time, and with the header written so far it is bounded by
/// ``MessageFilter/longestHeader``.
struct HeaderEditor {
    private let settings: MessageFilter.Settings
    /// The beginning of a line whose end has not come.
    private var partialLine: [UInt8] = []
    /// The field whose continuation lines may come.
    private var field: [UInt8] = []
    private var isFirstLine = true
    private var size = 0

    private var hasFrom = false
    private var hasDate = false
    private var hasMessageID = false
    private var recipients = RecipientList()
    private var resentRecipients = RecipientList()
    private var isResent = false

    init(_ settings: MessageFilter.Settings) { self.settings = settings }

    /// Whom the header names: the Resent fields' recipients where there are such fields (RFC 5322
    /// section 3.6.6: the others belong to the message's first journey).
    var collected: RecipientList { isResent ? resentRecipients : recipients }

    /// Takes normalised text up to the end of the header.
    ///
    /// - Returns: The offset in `text` where the body begins, nil when the header goes on. Whatever of the
    ///   body came earlier has been written.
    mutating func take(_ text: [UInt8], onto output: inout [UInt8]) throws(MessageError) -> Int? {
        var start = 0
        while start < text.count {
            let feed = text[start...].firstIndex(of: 0x0A)
            let end = feed.map { $0 + 1 } ?? text.count
            partialLine += text[start..<end]
            size += end - start
            guard size <= MessageFilter.longestHeader else { throw .headerTooLarge }
            start = end
            if feed == nil, partialLine.count < Self.longestName { return nil }
            if feed == nil, isHeaderLine(partialLine[...]) { return nil }
            // Out of the property while it is read, so that it is not copied.
            var line: [UInt8] = []
            swap(&line, &partialLine)
            if take(line: line, onto: &output) { return start }
            line.removeAll(keepingCapacity: true)
            swap(&line, &partialLine)
        }
        return nil
    }

    /// Takes the end of a message that has no body.
    mutating func finish(onto output: inout [UInt8]) {
        // The normaliser ends every line, so nothing is partial here.
        endField(&output)
        complete(&output)
    }

    /// A line without a colon so far is no field when it is longer than any name.
    private static let longestName = 998

    private func isHeaderLine(_ line: ArraySlice<UInt8>) -> Bool {
        switch HeaderLine(line) {
        case .field: true
        case .continuation: !field.isEmpty
        case .empty, .other: false
        }
    }

    /// Takes one line, or a piece of one that is no header line; true when the header ends with or before it.
    private mutating func take(line: [UInt8], onto output: inout [UInt8]) -> Bool {
        let isFirst = isFirstLine
        isFirstLine = false
        let content = line.last == 0x0A ? line.dropLast() : line[...]
        switch HeaderLine(content) {
        case .field:
            endField(&output)
            field = line
            return false
        case .continuation where !field.isEmpty:
            field += line
            return false
        case .empty:
            endField(&output)
            complete(&output)
            return true
        case .continuation, .other:
            // The separator of an mbox file.
            if isFirst, line.last == 0x0A, line.starts(with: "From ".utf8) { return false }
            endField(&output)
            complete(&output)
            output += line
            return true
        }
    }

    private mutating func endField(_ output: inout [UInt8]) {
        guard !field.isEmpty else { return }
        defer { field.removeAll(keepingCapacity: true) }
        guard case .field(let nameLength, let valueOffset) = HeaderLine(field[...]) else { return }
        var completes = false
        switch String(decoding: field.prefix(nameLength).map(asciiLowercased), as: UTF8.self) {
        case "return-path":
            return
        case "bcc":
            collect(valueOffset, isResent: false)
            return
        case "resent-bcc":
            isResent = true
            collect(valueOffset, isResent: true)
            return
        case "resent-to", "resent-cc":
            isResent = true
            collect(valueOffset, isResent: true)
        case "to", "cc":
            collect(valueOffset, isResent: false)
            completes = true
        case "from":
            hasFrom = true
            completes = true
        case "sender", "reply-to":
            completes = true
        case "date":
            hasDate = true
        case "message-id":
            hasMessageID = true
        default:
            break
        }
        if completes {
            output += field[..<valueOffset]
            output += AddressListParser.qualified(Array(field[valueOffset...]), with: settings.domain)
        } else {
            output += field
        }
    }

    private mutating func collect(_ valueOffset: Int, isResent: Bool) {
        guard settings.collectsRecipients else { return }
        let value = Array(field[valueOffset...])
        if isResent {
            resentRecipients.add(value, domain: settings.domain)
        } else {
            recipients.add(value, domain: settings.domain)
        }
    }

    /// Adds the fields every message has (RFC 5322 section 3.6), and the line that ends the header.
    private mutating func complete(_ output: inout [UInt8]) {
        if !hasFrom { output += Array("From: ".utf8) + settings.from + [0x0A] }
        if !hasDate { output += Array("Date: ".utf8) + settings.date + [0x0A] }
        if !hasMessageID { output += Array("Message-ID: ".utf8) + settings.messageID + [0x0A] }
        output.append(0x0A)
    }
}
