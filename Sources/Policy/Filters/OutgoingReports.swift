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
    private var hasCommitted = false

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
        Self.lines(bytes, held: &received) { line in
            events.append(.serverLine(line))
            if !hasGreeting {
                hasGreeting = true
                let words = line.dropFirst(4).split(separator: 0x20)
                events.append(.greeted(hostname: Self.hostname(words.first)))
            }
            if line.starts(with: "334".utf8) { awaitsSecret = true }
        }
    }

    /// Only a name that is one: anything may stand in a greeting.
    private static func hostname(_ word: ArraySlice<UInt8>?) -> String {
        guard let word, let domain = try? Domain(validating: Array(word)) else { return "" }
        return domain.text
    }

    /// These octets are sent to the server.
    package mutating func send(_ bytes: [UInt8]) {
        guard !isInContent else { return }
        Self.lines(bytes, held: &sent) { line in
            if awaitsSecret {
                awaitsSecret = false
                return events.append(.clientLine(Array("********".utf8)))
            }
            let words = line.split(separator: 0x20, maxSplits: 2)
            let verb = String(decoding: words.first ?? [], as: UTF8.self)
            switch verb {
            case "AUTH" where words.count > 2:
                events.append(.clientLine(words[0] + [0x20] + words[1] + Array(" ********".utf8)))
            case "EHLO" where words.count > 1, "HELO" where words.count > 1, "LHLO" where words.count > 1:
                events.append(.clientLine(line))
                events.append(.identified(method: verb, name: String(decoding: words[1], as: UTF8.self)))
            default: events.append(.clientLine(line))
            }
        }
    }

    private static func lines(_ bytes: [UInt8], held: inout [UInt8], _ body: ([UInt8]) -> Void) {
        var start = 0
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            var line = held + bytes[start..<end]
            if line.last == 0x0D { line.removeLast() }
            body(Array(line.prefix(maximumLine)))
            held = []
            start = end + 1
        }
        held += bytes[start...].prefix(max(0, maximumLine - held.count))
    }

    /// A transaction begins.
    package mutating func begin(_ message: MessageID, sender: String) {
        self.message = message
        hasCommitted = false
        events.append(.transactionBegun(message))
        events.append(.mail(message, .accepted, address: Array(sender.utf8)))
    }

    /// The content begins.
    package mutating func contentBegins() {
        guard !isInContent else { return }
        isInContent = true
        if let message { events.append(.data(message, .accepted)) }
    }

    /// A recipient has its result.
    package mutating func settled(_ envelope: EnvelopeID, _ address: String, _ outcome: ReportEvent.Outcome) {
        guard let message else { return }
        events.append(.envelope(envelope))
        events.append(.recipient(message, outcome, address: Array(address.utf8)))
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
