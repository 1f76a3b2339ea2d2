import Envelopes
import MailSyntax
import SMTPProtocol

/// What filters are told of a session with another server (subsystem smtp-out), read off the octets that pass in both
/// directions: the session itself needs no knowledge of filters.
package struct OutgoingReports: Sendable {
    private var events: [ReportEvent] = []
    /// The beginnings of lines whose ends have not come.
    private var received: [UInt8] = []
    private var sent: [UInt8] = []
    private var hasGreeting = false
    /// The line that comes answers a challenge.
    private var awaitsSecret = false
    /// What is sent is a message, of which only the end is told.
    private var isInContent = false
    private var message: MessageID?
    private var sender = ""
    private var hasCommitted = false
    /// The commands of the transaction that are not answered, in their order.
    private var unanswered: ArraySlice<Command> = []
    /// Recipients of whom the server has said something.
    private var answered: Set<[UInt8]> = []

    private enum Command {
        case mail
        case rcpt([UInt8])
        case data
        case other
    }

    /// Octets of a line that are told.
    private static let maximumLine = 4_096

    package init() {}

    /// The events since the last call.
    package mutating func take() -> [ReportEvent] {
        defer { events = [] }
        return events
    }

    /// The server has sent these octets.
    package mutating func receive(_ bytes: [UInt8]) {
        for line in Self.lines(bytes, held: &received) {
            events.append(.serverLine(line))
            if !hasGreeting {
                hasGreeting = true
                let words = line.dropFirst(4).split(separator: 0x20)
                events.append(.greeted(hostname: Self.hostname(words.first)))
            }
            if line.starts(with: "334".utf8) { awaitsSecret = true }
            takeReply(line)
        }
    }

    /// A line of a reply says what became of the command that waits longest; only the last line counts.
    private mutating func takeReply(_ line: [UInt8]) {
        guard let message, let kind = line.first, line.dropFirst(3).first != UInt8(ascii: "-"), let command = unanswered.popFirst()
        else { return }
        let outcome: ReportEvent.Outcome =
            switch kind {
            case UInt8(ascii: "4"): .unavailable
            case UInt8(ascii: "5"): .refused
            default: .accepted
            }
        switch command {
        case .mail: events.append(.mail(message, outcome, address: Array(sender.utf8)))
        case .rcpt(let address):
            answered.insert(address)
            events.append(.recipient(message, outcome, address: address))
        case .data where outcome != .accepted: events.append(.data(message, outcome))
        case .data, .other: break
        }
    }

    /// Only a name that is one: anything may stand in a greeting.
    private static func hostname(_ word: ArraySlice<UInt8>?) -> String {
        guard let word, let domain = try? Domain(validating: Array(word)) else { return "" }
        return domain.text
    }

    /// These octets are sent to the server.
    package mutating func send(_ bytes: [UInt8]) {
        for line in Self.lines(isInContent ? commands(before: bytes) : bytes, held: &sent) {
            if awaitsSecret {
                awaitsSecret = false
                events.append(.clientLine(Array("********".utf8)))
                continue
            }
            let words = line.split(separator: 0x20, maxSplits: 2)
            let verb = String(decoding: words.first ?? [], as: UTF8.self)
            var command = Command.other
            switch verb {
            case "AUTH" where words.count > 2:
                events.append(.clientLine(words[0] + [0x20] + words[1] + Array(" ********".utf8)))
            case "EHLO" where words.count > 1, "HELO" where words.count > 1, "LHLO" where words.count > 1:
                events.append(.clientLine(line))
                events.append(.identified(method: verb, name: String(decoding: words[1], as: UTF8.self)))
            default:
                events.append(.clientLine(line))
                switch verb {
                case "MAIL": command = .mail
                case "RCPT": command = .rcpt(Self.path(of: line))
                case "DATA": command = .data
                default: break
                }
            }
            if message != nil { unanswered.append(command) }
        }
    }

    /// A short message is sent in one piece with its commands: those that stand before its first chunk.
    private func commands(before bytes: [UInt8]) -> [UInt8] {
        guard unanswered.isEmpty, answered.isEmpty, bytes.starts(with: "MAIL ".utf8) else { return [] }
        var end = 0
        while !bytes[end...].starts(with: "BDAT ".utf8), let line = bytes[end...].firstIndex(of: 0x0A) { end = line + 1 }
        return Array(bytes[..<end])
    }

    /// What stands between the brackets.
    private static func path(of line: [UInt8]) -> [UInt8] {
        var path: [UInt8] = []
        var isQuoted = false
        var isEscaped = false
        for octet in line.drop(while: { $0 != UInt8(ascii: "<") }).dropFirst() {
            if octet == UInt8(ascii: ">"), !isQuoted { break }
            if octet == UInt8(ascii: "\""), !isEscaped { isQuoted.toggle() }
            isEscaped = octet == UInt8(ascii: "\\") && !isEscaped
            path.append(octet)
        }
        return path
    }

    /// The whole lines without their ends; what is behind the last waits.
    private static func lines(_ bytes: [UInt8], held: inout [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            var line = held + bytes[start..<end]
            if line.last == 0x0D { line.removeLast() }
            lines.append(Array(line.prefix(maximumLine)))
            held = []
            start = end + 1
        }
        held += bytes[start...].prefix(max(0, maximumLine - held.count))
        return lines
    }

    /// A transaction begins.
    package mutating func begin(_ message: MessageID, sender: String) {
        self.message = message
        self.sender = sender
        hasCommitted = false
        unanswered = []
        answered = []
        events.append(.transactionBegun(message))
    }

    /// The content begins.
    package mutating func contentBegins() {
        guard !isInContent else { return }
        isInContent = true
        if let message { events.append(.data(message, .accepted)) }
    }

    /// A recipient has its result, which comes at the end; what the server said of it alone was told before.
    package mutating func settled(_ envelope: EnvelopeID, _ address: String, _ outcome: ReportEvent.Outcome) {
        guard let message else { return }
        events.append(.envelope(envelope))
        // One that the server never heard of.
        if answered.insert(Array(address.utf8)).inserted {
            events.append(.recipient(message, outcome, address: Array(address.utf8)))
        }
        if outcome == .accepted { hasCommitted = true }
    }

    /// The transaction is over.
    package mutating func end(size: Int64) {
        if isInContent { events.append(.clientLine([UInt8(ascii: ".")])) }
        isInContent = false
        sent = []
        guard let message else { return }
        self.message = nil
        events.append(hasCommitted ? .committed(message, size: size) : .rolledBack(message))
        events.append(.transactionReset(message))
    }
}
