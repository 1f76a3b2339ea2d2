import Configuration
import Envelopes
import MailSyntax

/// What comes with time, and what operators want.
extension Router {
    /// Timers that one ``tick(now:)`` serves, so that other events interleave.
    private static let timersPerTick = 1_000

    /// The moment of the next ``tick(now:)``, nil when only an event can make one necessary.
    package mutating func nextDeadline() -> Moment? { timers.first() }

    /// Does what is due. Call it again at ``nextDeadline()``, which lies in the past while there is more.
    package mutating func tick(now: Moment) {
        for _ in 0..<Self.timersPerTick {
            guard let name = timers.popDue(now) else { break }
            switch name {
            case .relay(let number): touch(number)
            case .dial(let number): continueDial(number, now)
            case .connection(let id): connectionTimerFired(id, now)
            case .route(let key): routeTimerFired(key, now)
            case .domain(let domain): domainTimerFired(domain, now)
            case .hint(let id): hintFired(id)
            }
        }
        settleDown(now)
    }

    /// New settings. What is under way goes on; sessions of actions that are gone end with their message.
    package mutating func reconfigured(_ settings: RoutingSettings, now: Moment) {
        self.settings = settings
        for (source, group) in groups {
            if case .asked = group.urls { continue }
            groups[source] = nil
        }
        for (number, relay) in relays {
            relays[number]?.limits = settings.limits(for: relay.key.destination)
            if case .known = relay.plan { relays[number]?.plan = .unknown }
            if case .known = relay.sources { relays[number]?.sources = .unknown }
            if case .known = relay.credentials { relays[number]?.credentials = .unknown }
            relays[number]?.failure = nil
            touch(number)
        }
        settleDown(now)
    }

    /// `pause mta from … for …`: no connections from a source, to a domain, or both; nil stands for any.
    ///
    /// - Returns: False when it was so already, or for any source to any domain, which the scheduler pauses.
    package mutating func block(source: IPAddress?, domain: String?, now: Moment) -> Bool {
        guard source != nil || domain != nil else { return false }
        return blocks.insert(Block(source: source, domain: domain.map(lowercased))).inserted
    }

    /// `resume mta from … for …`.
    ///
    /// - Returns: False when it was not blocked.
    package mutating func unblock(source: IPAddress?, domain: String?, now: Moment) -> Bool {
        guard blocks.remove(Block(source: source, domain: domain.map(lowercased))) != nil else { return false }
        for number in relays.keys { touch(number) }
        settleDown(now)
        return true
    }

    /// The server is about to end: sessions finish their message and quit, and nothing new is begun. What
    /// waits is not reported, since the queue has it.
    package mutating func finish(now: Moment) {
        isFinishing = true
        for (id, connection) in connections.sorted(by: { $0.key < $1.key }) {
            guard connections[id] != nil else { continue }
            switch connection.phase {
            case .connecting, .opening:
                outputs.append(.abandon(id))
                forget(id, now)
            case .pausing:
                connectionTimerFired(id, now)
            case .idle, .busy, .quitting:
                break
            }
        }
        for dial in Array(dials.keys) { endDial(dial) }
        for number in relays.keys { closeSpareSessions(of: number, now) }
        settleDown(now)
    }

    /// Nothing is under way; after ``finish(now:)`` the driver may go.
    package var isIdle: Bool { connections.isEmpty }
}
