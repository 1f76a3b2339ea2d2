import Configuration
import Envelopes
import MailSyntax

/// Where relayed mail goes, over which connections, and when: relays, routes, limits, backoff.
///
/// A value without sockets, clocks, resolver or chance: whoever drives it tells what happened with a method
/// named for it and carries out what ``takeOutputs()`` returns, until ``nextDeadline()`` calls for ``tick(now:)``.
/// Every envelope offered gets exactly one ``RoutingOutput/report(_:_:_:)`` or ``RoutingOutput/hold(_:holder:)``.
///
/// The way of an envelope: it is *offered* (`+Offers`) and joins the task of its message at a relay; the relay
/// learns what it must know (`+Knowledge`); a route is chosen (`+Choosing`) and dialled (`+Dialling`); the session
/// takes messages (`+Sessions`); what goes wrong is judged (`+Failures`), and what failed for the time being is
/// remembered (`+Deferred`).
package struct Router: Sendable {
    package internal(set) var settings: RoutingSettings
    var outputs: [RoutingOutput] = []
    var random: Shuffling

    var relays: [Int: Relay] = [:]
    var relayNumbers: [RelayKey: Int] = [:]
    private var nextRelay = 1
    var groups: [SmarthostSource: SmarthostGroup] = [:]
    /// Who waits for an answer.
    var openQuestions: [RoutingQuestion: Set<Int>] = [:]

    var connections: [ConnectionID: Connection] = [:]
    /// The messages under way, for connections that are busy.
    var transfers: [ConnectionID: Transfer] = [:]
    var nextConnection: UInt64 = 1
    var dials: [Int: Dial] = [:]
    var nextDial = 1
    var routes: [RouteKey: Route] = [:]
    var routeKeys: [UInt64: RouteKey] = [:]
    var nextRoute: UInt64 = 1
    var hosts: [IPAddress: HostUse] = [:]
    var sourceUse: [IPAddress?: Usage] = [:]
    var domainUse: [String: Usage] = [:]
    /// Relays that wait for somebody else's connection to end.
    var limitQueues: [LimitScope: WaitingLine] = [:]
    var blocks: Set<Block> = []

    var domains: [String: DomainRecord] = [:]
    /// Times that servers named and that have not come.
    var hintCount = 0

    var timers = TimerQueue<TimerName>()
    /// Relays to look at before the current method returns.
    private var unsettledRelays: [Int] = []
    var isFinishing = false

    /// - Parameter seed: A random number of the caller's, from which exchangers of equal preference are shuffled.
    package init(settings: RoutingSettings, seed: UInt64, now: Moment) {
        self.settings = settings
        random = Shuffling(seed: seed)
    }

    /// What is to be done now, in order. Call it after every other method.
    package mutating func takeOutputs() -> [RoutingOutput] {
        defer { outputs = [] }
        return outputs
    }

    // MARK: Relays

    /// The relay of a key, made when there is none.
    mutating func relay(for key: RelayKey, now: Moment) -> Int {
        if let number = relayNumbers[key] {
            relays[number]?.idleSince = nil
            return number
        }
        let number = nextRelay
        nextRelay += 1
        relays[number] = Relay(key: key, limits: settings.limits(for: key.destination))
        relayNumbers[key] = number
        return number
    }

    /// Has a relay looked at before the current method returns.
    mutating func touch(_ relay: Int) { unsettledRelays.append(relay) }

    /// Looks at all relays that were touched, until nothing moves by itself.
    mutating func settleDown(_ now: Moment) {
        while let relay = unsettledRelays.popLast() { advance(relay, now) }
    }

    /// Moves a relay on as far as it goes: messages to idle sessions, questions, new sessions, failure, rest.
    private mutating func advance(_ number: Int, _ now: Moment) {
        guard relays[number] != nil else { return }
        feedIdleSessions(of: number, now)
        releaseHeld(of: number, now)
        if let relay = relays[number], relay.tasks.isEmpty {
            rest(number, now)
            return
        }
        guard !isFinishing, hasKnowledge(number, now) else { return }
        liftRoutes(of: number, now)
        while let relay = relays[number], relay.wantsConnection {
            switch choose(for: number, excluding: [], isRacing: false, now).choice {
            case .route(let route, let hostName):
                startDial(for: number, route: route, hostName: hostName, now)
            case .wait(let until, let scopes):
                for scope in scopes { limitQueues[scope, default: WaitingLine()].append(number) }
                timers.set(.relay(number), noLaterThan: until)
                return
            case .failed(let failure, let until):
                // Sessions that live will take what waits.
                if relay.sessionCount == 0, relay.dials == 0 { fail(number, failure, until: until, now) }
                return
            }
        }
    }

    /// Nothing waits: idle sessions leave in time, and the relay is forgotten a while after the last one.
    private mutating func rest(_ number: Int, _ now: Moment) {
        guard let relay = relays[number] else { return }
        closeSpareSessions(of: number, now)
        guard relay.usage.connections == 0, relay.dials == 0, relay.held == 0 else { return }
        let since = relay.idleSince ?? now
        relays[number]?.idleSince = since
        let end = since.advanced(bySeconds: Self.relayMemory)
        if now < end {
            timers.set(.relay(number), noLaterThan: end)
        } else {
            relays[number] = nil
            relayNumbers[relay.key] = nil
            timers.cancel(.relay(number))
        }
    }

    /// Seconds for which a relay without mail is kept, with what it has learnt.
    static let relayMemory: Int64 = 60

    // MARK: Hold queues

    /// The name of a relay's hold queue. The highest bit keeps it apart from those of local users.
    func holder(of relay: Int) -> UInt64 { UInt64(relay) | 1 << 63 }

    private mutating func releaseHeld(of number: Int, _ now: Moment) {
        guard relays[number]?.held ?? 0 > 0, var relay = relays[number] else { return }
        // Held envelopes can be removed by an operator, or come back to another smarthost: do not wait for long.
        if let since = relay.expectedSince, now.seconds(since: since) >= Self.expectedSeconds { relay.expected = 0 }
        if relay.tasks.count + relay.expected <= relay.limits.taskLowWater {
            let count = min(relay.held, max(1, relay.limits.taskRelease))
            relay.held -= count
            relay.expected += count
            relay.expectedSince = now
            outputs.append(.release(holder: holder(of: number), count: count))
        }
        relays[number] = relay
        if relay.held > 0 { timers.set(.relay(number), noLaterThan: now.advanced(bySeconds: Self.expectedSeconds)) }
    }

    private static let expectedSeconds: Int64 = 5
}

/// What a timer is for.
enum TimerName: Hashable, Sendable {
    /// Look at the relay again.
    case relay(Int)
    /// One more address for a race.
    case dial(Int)
    /// The session's wait before its next message, or its time in reserve, is over.
    case connection(ConnectionID)
    /// The route's disabling ends, or it is forgotten.
    case route(RouteKey)
    /// What is remembered of a domain is done with, or its smarthost is looked for.
    case domain(String)
    /// A server said when to come again.
    case hint(EnvelopeID)
}

/// What a limit counts, where relays share it.
enum LimitScope: Hashable, Sendable {
    case domain(String)
    case source(IPAddress?)
    case host(IPAddress)
    case route(RouteKey)
}

/// Relays that wait for the same thing, each once, in the order in which they came.
struct WaitingLine: Sendable {
    private var order: ArraySlice<Int> = []
    private var members: Set<Int> = []

    var isEmpty: Bool { order.isEmpty }

    mutating func append(_ relay: Int) {
        if members.insert(relay).inserted { order.append(relay) }
    }

    mutating func popFirst() -> Int? {
        guard let relay = order.popFirst() else { return nil }
        members.remove(relay)
        return relay
    }
}

/// Nil stands for any.
struct Block: Hashable, Sendable {
    var source: IPAddress?
    var domain: String?
}

/// A remote address and who uses it.
struct HostUse: Sendable {
    var hostName: String
    var usage = Usage()
    /// How many.
    var routes = 0
}

extension RoutingSettings {
    /// The limits for a destination. A smarthost has defaults of its own, for it is ours and shall be used.
    func limits(for destination: RelayDestination) -> MTALimits {
        let name = lowercased(destination.name)
        return destination.isSmarthost
            ? mta.smarthostLimitsByDomain[name] ?? mta.smarthostLimits : mta.limitsByDomain[name] ?? mta.limits
    }
}
