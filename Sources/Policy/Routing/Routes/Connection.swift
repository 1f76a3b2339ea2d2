import Envelopes
import MailSyntax

/// A connection, from the order to open it until it is closed.
struct Connection: Sendable {
    enum Phase: Sendable {
        /// Left by `connected`.
        case connecting
        /// Greeting, EHLO, TLS, AUTH. Left by `ready`.
        case opening
        /// Could take a message.
        case idle
        /// Waits for `session-transaction-delay`.
        case pausing
        case busy
        /// QUIT was ordered.
        case quitting
    }

    let relay: Int
    let route: RouteKey
    let hostName: String
    /// Until the session is ready.
    var dial: Int?
    var phase = Phase.connecting
    var isPlainTextFallback = false
    /// Messages that were sent, or tried.
    var mails = 0
    /// Messages in a row of which no recipient was taken.
    var fruitlessMails = 0
    /// Recipients in a row that were refused.
    var failures = 0
}

/// A message under way.
struct Transfer: Sendable {
    var task: RelayTask
    var unsettled: Set<EnvelopeID>
    /// For the next transaction.
    var postponed: [EnvelopeID] = []
    var delivered = 0
    var taken: Int { task.ids.count - unsettled.count - postponed.count }
}

/// The wish for one session, and the connections that race for it (RFC 8305).
struct Dial: Sendable {
    let relay: Int
    /// Routes that were tried or are being tried.
    var tried: Set<RouteKey> = []
    /// Connections that are not ready yet; once one is open it is the only one.
    var attempts: [ConnectionID] = []
    var isDecided = false

    /// Milliseconds after which one more address is tried beside those that have not answered.
    static let stagger: [Int64] = [250, 10_000, 30_000]
}
