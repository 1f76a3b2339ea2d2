import Configuration
import Envelopes
import MailSyntax

/// One destination with one set of options: what waits for it, and what it is waiting for.
struct Relay: Sendable {
    let key: RelayKey
    var limits: MTALimits
    var tasks = TaskQueue()

    var plan = Knowledge<ExchangerPlan>.unknown
    /// Local addresses to use; nil among them is the system's choice.
    var sources = Knowledge<[IPAddress?]>.unknown
    var credentials = Knowledge<Void>.unknown
    var connectors: [IPAddress?: Connector] = [:]

    var usage = Usage()
    /// Sessions that could take a message at once, the longest idle first.
    var idle: [ConnectionID] = []
    /// Attempts to get one more session.
    var dials = 0
    /// Sessions that have said goodbye and are not gone yet.
    var quitting = 0

    /// What a smarthost takes at a time, as far as is known.
    var window = SmarthostWindow()
    /// The most recipients of a transaction; less when the server said so.
    var recipientLimit: Int

    /// Envelopes on the hold queue.
    var held = 0
    /// Released and not offered again yet.
    var expected = 0
    var expectedSince: Moment?

    /// Routes that do not fit this relay's demands on TLS, though they may fit others'.
    var refusals: [RouteKey: Refusal] = [:]
    /// Why nothing can be sent whatever the route, and until when it is not tried: credentials.
    var failure: Refusal?
    /// Until when another smarthost is the better choice.
    var failingUntil: Moment?
    /// The latest order of an operator to try now that was obeyed.
    var order: UInt64 = 0
    /// What it lifts of the routes waits until they are known.
    var mustLiftRoutes = false
    /// Since when nothing is here any more.
    var idleSince: Moment?

    init(key: RelayKey, limits: MTALimits) {
        self.key = key
        self.limits = limits
        recipientLimit = key.destination.isSmarthost ? Self.smarthostRecipients : Self.strangerRecipients
    }

    /// Recipients that every server must take in a transaction (RFC 5321 section 4.5.3.1.8).
    static let strangerRecipients = 100
    static let smarthostRecipients = 1_000

    /// Sessions and attempts that count when more are considered.
    var sessionCount: Int { usage.connections - quitting }

    /// Whether another session is worth its while.
    ///
    /// Strangers: not when as many are idle or coming as messages wait, and beyond two only while there are
    /// twice as many messages. A smarthost: while its window has room.
    var wantsConnection: Bool {
        guard idle.count + dials < tasks.count else { return false }
        if key.destination.isSmarthost { return sessionCount < window.size }
        return sessionCount <= 2 || sessionCount < tasks.count / 2
    }
}

/// Something that is asked for.
enum Knowledge<Value: Sendable>: Sendable {
    case unknown
    case asked
    case known(Value, since: Moment)
}

/// A relay's use of one local address.
struct Connector: Sendable {
    var usage = Usage()
    /// The address cannot be bound.
    var failure: Refusal?
}

/// How much something is used.
struct Usage: Sendable {
    var connections = 0
    /// When the last connection was begun.
    var lastConnection: Moment?
}

/// Why something is not tried until a moment.
struct Refusal: Sendable {
    var until: Moment
    var text: String
    /// Failures in a row.
    var penalty = 1
}

/// How many sessions a smarthost gets: doubling while it takes them, halving when it refuses one.
struct SmarthostWindow: Sendable {
    static let initial = 5
    private(set) var size = Self.initial
    /// No growth before, so that a server that just refused is not pushed at once.
    private var growsFrom: Moment?

    /// A message was taken. One more session for each message is twice as many for each round.
    mutating func messageTaken(limit: Int, now: Moment) {
        if let growsFrom, now < growsFrom { return }
        growsFrom = nil
        size = min(size + 1, max(1, limit))
    }

    /// A session was refused while others live.
    mutating func sessionRefused(live: Int, now: Moment) {
        size = max(1, min(size, live + 1) / 2)
        growsFrom = now.advanced(bySeconds: 10)
    }
}
