import MailSyntax

/// Which envelopes of the queue an operator means: `from=*@example.org older=2h state=deferred`.
///
/// Every word must fit; no word at all means every envelope. It is told from process to process as its words, which
/// whoever gets them reads again, and it is evaluated where the envelopes are. What state an envelope is in only the
/// scheduler knows: ``states`` is asked apart.
package struct QueueFilter: Hashable, Sendable {
    /// Each key once.
    package private(set) var words: [String] = []

    private var sender: AddressPattern?
    private var recipient: AddressPattern?
    private var domain: AddressPattern?
    private var user: AddressPattern?
    private var uid: UInt32?
    private var older: Int64?
    private var newer: Int64?
    private var kind: String?
    /// Hexadecimal digits that the id begins with.
    private var prefix: String?
    /// Empty for every state.
    package private(set) var states: Set<State> = []

    /// What may be asked.
    package enum Key: String, SelectionKey {
        case id, from, to, domain, user, uid, older, newer, kind, state
    }

    /// Where an envelope stands.
    package enum State: String, Hashable, Sendable, CaseIterable {
        /// Waits for its first or next try.
        case pending
        /// Waits after a try that failed; as an operator asks, a part of those above.
        case deferred
        case inflight
        /// Waits for its user or relay to have room.
        case held
        /// Rests until an operator resumes it.
        case paused
    }

    package typealias Problem = SelectionProblem<Key>

    /// Every envelope.
    package init() {}

    /// All envelopes of a message.
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
    package func restricted(toUser uid: UInt32) -> QueueFilter? {
        if let asked = self.uid { return asked == uid ? self : nil }
        var filter = self
        filter.uid = uid
        filter.words.append("\(Key.uid.rawValue)=\(uid)")
        return filter
    }

    private mutating func set(_ key: Key, _ value: String) throws(Problem) {
        switch key {
        case .from: sender = AddressPattern(value == "<>" ? "@" : value)
        case .to: recipient = try key.pattern(value)
        case .domain: domain = try key.pattern(value)
        case .user: user = try key.pattern(value)
        case .uid: uid = try key.user(value)
        case .older: older = try key.age(value)
        case .newer: newer = try key.age(value)
        case .kind:
            guard ["mda", "mta", "bounce"].contains(value) else { throw .badValue(key, expected: "mda, mta or bounce") }
            kind = value
        case .id: prefix = try key.prefix(value)
        case .state:
            for name in value.split(separator: ",", omittingEmptySubsequences: false) {
                guard let state = State(rawValue: String(name)) else {
                    throw .badValue(key, expected: State.allCases.map(\.rawValue).joined(separator: ", ") + ", or several with commas")
                }
                states.insert(state)
            }
        }
    }

    private static let longestValue = 320

    // MARK: Evaluation

    /// The ids that can fit: a search need not look at others.
    package var ids: ClosedRange<UInt64> {
        guard let prefix, let value = hexadecimalValue(prefix) else { return 0 ... .max }
        let free = UInt64(16 - prefix.utf8.count) * 4
        let first = free == 64 ? 0 : value << free
        return first ... (first | (free == 0 ? 0 : UInt64.max >> (64 - free)))
    }

    /// Whether only ids decide, so that no envelope needs to be read.
    package var asksIDsOnly: Bool {
        sender == nil && recipient == nil && domain == nil && user == nil && uid == nil && older == nil && newer == nil
            && kind == nil && states.isEmpty
    }

    /// Whether an envelope fits, but for its state.
    ///
    /// - Parameter now: Seconds since 1970.
    package func matches(
        _ envelope: Envelope, _ transaction: Transaction, _ history: DeliveryHistory, now: Int64
    ) -> Bool {
        guard ids.contains(envelope.id.rawValue) else { return false }
        if let kind, envelope.kind.typeName != kind { return false }
        let age = now - envelope.created.seconds
        if let older, age < older { return false }
        if let newer, age > newer { return false }
        if let uid, transaction.source != .local || transaction.user != Self.login(ofUser: uid) { return false }
        if let user, !(transaction.user.map(user.matches) ?? false) { return false }
        if let sender, !sender.matches(transaction.sender.address?.text ?? "@") { return false }
        if let recipient, !recipient.matches(envelope.recipient.text), !recipient.matches(envelope.destination.text) {
            return false
        }
        if let domain, !domain.matches(envelope.destination.domain.text) { return false }
        // Of the states only this one leaves a trace in the queue.
        return states != [.deferred] || history.attempts > 0
    }

    /// Whether an envelope in this state fits. What is deferred is pending too.
    package func matches(_ state: State) -> Bool {
        states.isEmpty || states.contains(state) || state == .deferred && states.contains(.pending)
    }

    /// What a transaction of a local program has as its user.
    package static func login(ofUser uid: UInt32) -> String { "uid \(uid)" }
}

/// Text in which `*` stands for any number of characters; upper and lower case of ASCII are the same.
struct AddressPattern: Hashable, Sendable {
    private let bytes: [UInt8]

    init(_ text: String) { bytes = text.utf8.map(asciiLowercased) }

    /// Takes at most the product of both lengths.
    func matches(_ text: String) -> Bool {
        let text = text.utf8.map(asciiLowercased)
        var place = 0
        var index = 0
        /// Behind the last star, and how far it reaches.
        var retry: (place: Int, index: Int)?
        while index < text.count {
            if place < bytes.count, bytes[place] == UInt8(ascii: "*") {
                place += 1
                retry = (place, index)
            } else if place < bytes.count, bytes[place] == text[index] {
                place += 1
                index += 1
            } else if let (star, reached) = retry {
                retry = (star, reached + 1)
                place = star
                index = reached + 1
            } else {
                return false
            }
        }
        return bytes[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

/// `90`, `90s`, `10m`, `2h`, `1d12h`: numbers with units, and a number alone in seconds; nil for anything else.
func seconds(ofDuration text: String) -> Int64? {
    var total: Int64 = 0
    var number: Int64?
    for byte in text.utf8 {
        if isASCIIDigit(byte) {
            let (product, overflow) = (number ?? 0).multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(byte - 0x30))
            guard !overflow, !carry else { return nil }
            number = sum
            continue
        }
        guard let units = number else { return nil }
        let unit: Int64
        switch byte {
        case UInt8(ascii: "s"): unit = 1
        case UInt8(ascii: "m"): unit = 60
        case UInt8(ascii: "h"): unit = 3_600
        case UInt8(ascii: "d"): unit = 86_400
        default: return nil
        }
        let (part, overflow) = units.multipliedReportingOverflow(by: unit)
        let (sum, carry) = total.addingReportingOverflow(part)
        guard !overflow, !carry else { return nil }
        total = sum
        number = nil
    }
    guard !text.isEmpty else { return nil }
    guard let number else { return total }
    let (sum, overflow) = total.addingReportingOverflow(number)
    return overflow ? nil : sum
}
