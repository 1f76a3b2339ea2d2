import Configuration
import EventLoop
import MailSyntax

/// Which sessions are open: how many in all, and how many from each client's network.
@EventLoopActor
final class SessionCensus {
    /// Descriptors kept for everything that is no session: agents, files, links. Where there are few in all, half
    /// of them.
    static let reservedDescriptors = 256

    private var sessions: [ObjectIdentifier: SMTPSession] = [:]
    private var byNetwork = NetworkCounts()
    /// Connections that are no session yet: a proxy has not said who is there, or the client's name is looked up.
    private var announced = 0
    private(set) var total: Int64 = 0
    private(set) var totalLocal: Int64 = 0
    /// Sessions that descriptors allow.
    private let possible: Int
    /// Sessions that may be open at once.
    private var maximum: Int
    private var perClient = 0
    private var rates = ConnectionRates()

    init(maximum: Int) {
        possible = maximum
        self.maximum = maximum
    }

    /// Takes the limits of a new configuration; sessions above them go on.
    func setLimits(_ settings: SessionSettings) {
        maximum = settings.maximumSessions > 0 ? min(possible, settings.maximumSessions) : possible
        perClient = settings.maximumSessionsPerClient
        rates.perMinute = settings.maximumConnectionsPerMinute
    }

    var count: Int { sessions.count }

    /// Connections that hold a descriptor.
    private var connections: Int { sessions.count + announced }

    /// Why a client is turned away; the words are for the log.
    enum Refusal: String {
        case tooManySessions = "too many sessions"
        case tooManyOfClient = "too many sessions of this client"
        case tooQuick = "too many connections of this client"
    }

    /// What stands against another session of this client; nil when it is welcome, and its connection counts.
    func refusal(of client: IPAddress, now: MonotonicInstant) -> Refusal? {
        guard connections < maximum else { return .tooManySessions }
        // Programs of this machine could stop the daemon in other ways, and a flood of them is usually mail.
        guard !client.isLoopback else { return nil }
        if perClient > 0, byNetwork[client] >= perClient { return .tooManyOfClient }
        return rates.takes(client.network, at: now.nanoseconds / 1_000_000_000) ? nil : .tooQuick
    }

    /// Counts a connection until its proxy has named the client; false when there is no room for it.
    func announce() -> Bool {
        guard connections < maximum else { return false }
        announced += 1
        return true
    }

    /// What ``announce()`` counted has been named, or is gone.
    func retract() { announced -= 1 }

    /// Counts a client that is let in and has no session yet.
    func expect(_ client: IPAddress) {
        announced += 1
        byNetwork.add(client)
    }

    /// Its session begins: what ``expect(_:)`` counted is counted by ``add(_:from:)`` from now on.
    func meet(_ client: IPAddress) {
        announced -= 1
        byNetwork.remove(client)
    }

    func add(_ session: SMTPSession, from client: IPAddress?) {
        sessions[ObjectIdentifier(session)] = session
        if let client {
            total += 1
            byNetwork.add(client)
        } else {
            totalLocal += 1
        }
    }

    func remove(_ session: SMTPSession, from client: IPAddress?) {
        guard sessions.removeValue(forKey: ObjectIdentifier(session)) != nil else { return }
        if let client { byNetwork.remove(client) }
    }

    /// Tells every session that the server is going down.
    func endAll() {
        for session in sessions.values { session.end() }
    }

    /// Waits until no session is left, or the deadline.
    func allEnded(deadline: MonotonicInstant) async {
        while !sessions.isEmpty, MonotonicInstant.now() < deadline { await pause(until: .now() + .milliseconds(10)) }
    }
}
