/// Which events of the history an operator means: `to=bob@example.org newer=2d`.
///
/// Every word must fit; no word at all means every event. It is told from process to process as its words, as
/// ``QueueFilter`` is.
package struct HistoryFilter: Hashable, Sendable {
    /// Each key once.
    package private(set) var words: [String] = []

    private var sender: AddressPattern?
    private var recipient: AddressPattern?
    private var messageID: AddressPattern?
    private var user: AddressPattern?
    private var uid: UInt32?
    private var older: Int64?
    private var newer: Int64?
    /// Hexadecimal digits that the id begins with.
    private var prefix: String?

    /// What may be asked.
    package enum Key: String, SelectionKey {
        case id, from, to
        case messageID = "message-id"
        case user, uid, older, newer
    }

    package typealias Problem = SelectionProblem<Key>

    /// Every event.
    package init() {}

    package init(message: MessageID) {
        prefix = message.description
        words = ["id=\(message)"]
    }

    package init(envelope: EnvelopeID) {
        prefix = envelope.description
        words = ["id=\(envelope)"]
    }

    /// Reads `key=value` words.
    package init(words: [String]) throws(Problem) {
        let given = try SelectionWords<Key>(words, longestValue: Self.longestValue)
        for (key, value) in given.entries { try set(key, value) }
        self.words = given.words
    }

    /// The same for the mail alone that one user of this machine has handed in; nil when it asks for somebody else's.
    package func restricted(toUser uid: UInt32) -> HistoryFilter? {
        if let asked = self.uid { return asked == uid ? self : nil }
        var filter = self
        filter.uid = uid
        filter.words.append("\(Key.uid.rawValue)=\(uid)")
        return filter
    }

    private static let longestValue = 1_000

    private mutating func set(_ key: Key, _ value: String) throws(Problem) {
        switch key {
        case .from: sender = AddressPattern(value == "<>" ? "" : value)
        case .to: recipient = try key.pattern(value)
        case .messageID:
            // As it stands in the header, or without its brackets.
            messageID = try key.pattern(value.isEmpty || value.hasPrefix("<") || value.hasPrefix("*") ? value : "<\(value)>")
        case .user: user = try key.pattern(value)
        case .uid: uid = try key.user(value)
        case .older: older = try key.age(value)
        case .newer: newer = try key.age(value)
        case .id: prefix = try key.prefix(value)
        }
    }

    // MARK: What a search asks

    /// Whether only events of messages fit whose acceptance does.
    fileprivate var asksAcceptance: Bool { sender != nil || messageID != nil || user != nil || uid != nil }
    fileprivate var asksRecipient: Bool { recipient != nil || (prefix.map { $0.utf8.count > 8 } ?? false) }

    fileprivate func isInTime(_ event: HistoryEvent, now: Int64) -> Bool {
        let age = now.subtractingReportingOverflow(event.time.seconds).partialValue
        if let older, age < older { return false }
        if let newer, age > newer { return false }
        return true
    }

    fileprivate func names(_ event: HistoryEvent) -> Bool {
        guard let prefix else { return true }
        guard let envelope = event.envelope else { return event.message.description.hasPrefix(prefix.prefix(8)) }
        return envelope.description.hasPrefix(prefix)
    }

    fileprivate func matches(_ acceptance: HistoryEvent.Acceptance) -> Bool {
        if let sender, !sender.matches(acceptance.sender) { return false }
        if let messageID, !messageID.matches(acceptance.messageID) { return false }
        if let user, !user.matches(acceptance.user) { return false }
        if let uid, acceptance.source != ClientSource.local.text || acceptance.user != QueueFilter.login(ofUser: uid) { return false }
        return true
    }

    fileprivate func matches(recipient text: String) -> Bool { recipient?.matches(text) ?? true }
}

/// Goes through the history from the oldest event on, and keeps in mind which messages are meant: an outcome does not say
/// who had sent the message.
package struct HistorySearch {
    private let filter: HistoryFilter
    /// Seconds since 1970.
    private let now: Int64
    /// Messages whose acceptance fits.
    private var accepted: Set<MessageID> = []
    /// Envelopes whose recipient fits by another name than outcomes have.
    private var envelopes: Set<EnvelopeID> = []
    /// The last acceptance, which is shown once an envelope of it fits.
    private var waiting: HistoryEvent?

    package init(_ filter: HistoryFilter, now: Int64) {
        self.filter = filter
        self.now = now
    }

    /// Takes the next event, and says what is to be shown: nothing, the event, or its acceptance and the event.
    package mutating func take(_ event: HistoryEvent) -> [HistoryEvent] {
        guard filter.names(event) else { return [] }
        switch event.kind {
        case .accepted(let acceptance):
            waiting = nil
            guard filter.matches(acceptance) else {
                // Ids are used again.
                accepted.remove(event.message)
                return []
            }
            if filter.asksAcceptance { accepted.insert(event.message) }
            guard filter.isInTime(event, now: now) else { return [] }
            guard filter.asksRecipient else { return [event] }
            waiting = event
            return []
        case .queued(_, let recipient):
            guard isKnown(event.message) else { return [] }
            guard filter.matches(recipient: recipient.destination) || !recipient.given.isEmpty && filter.matches(recipient: recipient.given)
            else { return [] }
            if filter.asksRecipient, let envelope = event.envelope { envelopes.insert(envelope) }
            guard filter.isInTime(event, now: now) else { return [] }
            defer { waiting = nil }
            if let waiting, waiting.message == event.message { return [waiting, event] }
            return [event]
        case .outcome(_, _, let to, _):
            guard isKnown(event.message), filter.isInTime(event, now: now) else { return [] }
            let isMeant = filter.matches(recipient: to) || (event.envelope.map(envelopes.contains) ?? false)
            return isMeant ? [event] : []
        }
    }

    private func isKnown(_ message: MessageID) -> Bool { !filter.asksAcceptance || accepted.contains(message) }
}
