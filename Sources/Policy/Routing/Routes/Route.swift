import MailSyntax

/// A local address and a port of a host: what the network and the host judge us by.
struct RouteKey: Hashable, Sendable {
    /// Nil for the system's choice.
    var source: IPAddress?
    var address: IPAddress
    var port: UInt16
}

/// What is known of one route. Shared by all relays that use it, and kept an hour after its last use.
struct Route: Sendable {
    let id: UInt64
    var hostName: String
    var usage = Usage()
    var lastDisconnection: Moment?
    /// No session has come about, or not since the last error.
    var isNew = true
    /// Sessions that broke in a row.
    var errors = 0
    /// Errors that disabled it, less one for each period that passed since.
    var penalty = 0
    var disabledUntil: Moment?
    var lastError = ""
    /// The error was a word of the server, not a failure of the network.
    var errorIsSMTP = false
    /// More sessions were refused while some live: wait a little.
    var backingOffUntil: Moment?
    /// Another address of the same race was quicker, for which it stands back until then.
    var lostRaceUntil: Moment?
    /// STARTTLS failed here: opportunistic sessions do without until then.
    var plainTextUntil: Moment?

    init(id: UInt64, hostName: String) {
        self.id = id
        self.hostName = hostName
    }

    func isDisabled(_ now: Moment) -> Bool { disabledUntil.map { now < $0 } ?? false }
}

/// The delays of routes and relays after errors, in seconds.
enum Backoff {
    static let base: Int64 = 15
    static let maximum: Int64 = 3_600
    /// A smarthost is looked for again each minute at least: all of its mail waits for it, and it is ours.
    static let smarthostMaximum: Int64 = 60

    static func seconds(penalty: Int, isSmarthost: Bool) -> Int64 {
        let penalty = Int64(min(penalty, 100))
        return min(base * penalty * penalty, isSmarthost ? smarthostMaximum : maximum)
    }

    /// Seconds between looks at a limit that others may lift.
    static let limitRecheck: Int64 = 5
    /// Seconds for which a route gets no further session after it refused one while others live.
    static let afterRefusedSession: Int64 = 5
    /// Seconds for which a local address that could not be bound is not tried.
    static let unusableSource: Int64 = 60
    /// Seconds for which the winner of a race is preferred.
    static let lostRace: Int64 = 600
    /// Seconds for which a host is spoken to in plain text after its STARTTLS failed.
    static let plainText: Int64 = 3_600
    /// Broken sessions in a row after which a route is disabled.
    static let maximumErrors = 5
    /// Seconds for which an unused route, and what it taught, is remembered.
    static let routeMemory: Int64 = 3_600
}
