import Configuration
import Envelopes
import MailSyntax

/// Which route the next connection of a relay takes, and why there is none for now.
extension Router {
    enum Choice: Sendable {
        case route(RouteKey, hostName: String)
        /// Nothing before then, unless one of these counts goes down or the relay's own state changes.
        case wait(until: Moment, [LimitScope])
        /// No route is in order. The moment is when the first will be tried again.
        case failed(DeliveryFailure, until: Moment)
    }

    /// What is in the way of one more connection.
    struct Obstacle {
        var reason: WaitReason
        /// Nil when only the end of a connection helps.
        var until: Moment?
        var scope: LimitScope?
    }

    /// Levels are used strictly in order: the next one only when all routes of one are out of order. Within a
    /// level the route with the fewest connections is taken, and of equals the first of the shuffled order.
    ///
    /// - Parameters:
    ///   - isRacing: For a connection beside or after another one that was begun for the same session: it
    ///     has waited for the relay's delays already.
    /// - Returns: The choice, and every reason that was met on the way.
    func choose(
        for number: Int, excluding tried: Set<RouteKey>, isRacing: Bool, _ now: Moment
    ) -> (choice: Choice, reasons: [WaitReason]) {
        guard let relay = relays[number], case .known(let plan, _) = relay.plan, case .known(let sources, _) = relay.sources
        else { preconditionFailure("a route is chosen when the relay knows its hosts and sources") }
        var wait = Wait(now)
        for obstacle in relayObstacles(relay, isRacing: isRacing, now) { wait.note(obstacle) }
        // Whether any route is in order comes first: when none is, there is nothing to wait for.
        let relayWaits = !wait.isEmpty

        var trouble = Trouble(now)
        let name = lowercased(relay.key.destination.name)
        for level in plan.levels {
            var best: (score: (Int, Int, Int), route: RouteKey, hostName: String)?
            for (position, candidate) in level.enumerated() {
                for source in sources where source.map({ $0.isV6 == candidate.address.isV6 }) ?? true {
                    trouble.sawFamily = true
                    let key = RouteKey(source: source, address: candidate.address, port: relay.key.destination.port)
                    if tried.contains(key) { continue }
                    if isBlocked(source, name) {
                        trouble.isBlocked = true
                        continue
                    }
                    if let refusal = relay.connectors[source]?.failure, now < refusal.until {
                        trouble.note(refusal, rank: .source)
                        continue
                    }
                    if let refusal = relay.refusals[key], now < refusal.until {
                        trouble.note(refusal, rank: .security, at: candidate.address)
                        continue
                    }
                    let route = routes[key]
                    if let route, let until = route.disabledUntil, now < until {
                        trouble.note(
                            Refusal(until: until, text: route.lastError), rank: route.errorIsSMTP ? .smtp : .network,
                            at: candidate.address)
                        continue
                    }
                    if let obstacle = obstacle(relay, key, isRacing: isRacing, now) {
                        wait.note(obstacle)
                        wait.hasRoutes = true
                        continue
                    }
                    let stoodBack = route?.lostRaceUntil.map { now < $0 } ?? false
                    let score = (stoodBack ? 1 : 0, route?.usage.connections ?? 0, position)
                    if best.map({ score < $0.score }) ?? true { best = (score, key, candidate.hostName) }
                }
            }
            if let best, !relayWaits { return (.route(best.route, hostName: best.hostName), wait.reasons + trouble.reasons) }
            if best != nil || wait.hasRoutes { return (wait.choice, wait.reasons + trouble.reasons) }
        }
        return (.failed(trouble.failure, until: trouble.until), trouble.reasons)
    }

    private func isBlocked(_ source: IPAddress?, _ domain: String) -> Bool {
        guard !blocks.isEmpty else { return false }
        if blocks.contains(Block(source: nil, domain: domain)) { return true }
        guard let source else { return false }
        return blocks.contains(Block(source: source, domain: domain)) || blocks.contains(Block(source: source, domain: nil))
    }

    /// What holds for the relay whatever the route.
    private func relayObstacles(_ relay: Relay, isRacing: Bool, _ now: Moment) -> [Obstacle] {
        let name = lowercased(relay.key.destination.name)
        let limits = relay.limits
        return [
            full(domainUse[name], .domain, limits.connectionsPerDomain, .domain(name)),
            full(relay.usage, .relay, limits.connectionsPerRelay, nil),
            isRacing ? nil : early(domainUse[name]?.lastConnection, .domain, limits.connectionDelayDomain, now),
            isRacing ? nil : early(relay.usage.lastConnection, .relay, limits.connectionDelayRelay, now),
        ].compactMap { $0 }
    }

    private func obstacle(_ relay: Relay, _ key: RouteKey, isRacing: Bool, _ now: Moment) -> Obstacle? {
        let limits = relay.limits
        let source = sourceUse[key.source]
        let connector = relay.connectors[key.source]?.usage
        let host = hosts[key.address]?.usage
        let route = routes[key]
        if let obstacle = full(source, .source, limits.connectionsPerSource, .source(key.source))
            ?? full(connector, .connector, limits.connectionsPerConnector, nil)
            ?? full(host, .host, limits.connectionsPerHost, .host(key.address))
            ?? full(route?.usage, .route, limits.connectionsPerRoute, .route(key))
        {
            return obstacle
        }
        if let route, route.isNew, route.usage.connections > 0 {
            return Obstacle(reason: .provingRoute(key.address), scope: .route(key))
        }
        if let until = route?.backingOffUntil, now < until {
            return Obstacle(reason: .backingOff(key.address, seconds: Self.left(until, now)), until: until)
        }
        if !isRacing,
            let obstacle = early(source?.lastConnection, .source, limits.connectionDelaySource, now)
                ?? early(connector?.lastConnection, .connector, limits.connectionDelayConnector, now)
        {
            return obstacle
        }
        return early(host?.lastConnection, .host, limits.connectionDelayHost, now)
            ?? early(route?.usage.lastConnection, .route, limits.connectionDelayRoute, now)
            ?? early(route?.lastDisconnection, .reconnection, limits.reconnectionDelayRoute, now)
    }

    private func full(_ usage: Usage?, _ limit: ConnectionLimit, _ maximum: Int, _ scope: LimitScope?) -> Obstacle? {
        // A limit of zero would keep mail for ever without a word; one connection is the least there is.
        guard let usage, usage.connections >= max(1, maximum) else { return nil }
        return Obstacle(reason: .limit(limit, maximum: max(1, maximum)), scope: scope)
    }

    private func early(_ last: Moment?, _ delay: ConnectionDelay, _ seconds: Int, _ now: Moment) -> Obstacle? {
        guard let last, seconds > 0 else { return nil }
        let until = last.advanced(bySeconds: Int64(seconds))
        guard now < until else { return nil }
        return Obstacle(reason: .delay(delay, seconds: Self.left(until, now)), until: until)
    }

    /// Seconds that are left, rounded up.
    static func left(_ until: Moment, _ now: Moment) -> Int64 { max(0, -now.seconds(since: until)) }
}

/// What is waited for, gathered over all routes of a level.
private struct Wait {
    let now: Moment
    var until: Moment?
    var scopes: [LimitScope] = []
    var reasons: [WaitReason] = []
    /// A route is among what waits.
    var hasRoutes = false

    init(_ now: Moment) { self.now = now }

    var isEmpty: Bool { reasons.isEmpty }

    mutating func note(_ obstacle: Router.Obstacle) {
        if let moment = obstacle.until { until = min(until ?? moment, moment) }
        if let scope = obstacle.scope, !scopes.contains(scope) { scopes.append(scope) }
        if !reasons.contains(obstacle.reason) { reasons.append(obstacle.reason) }
    }

    var choice: Router.Choice {
        let recheck = now.advanced(bySeconds: Backoff.limitRecheck)
        return .wait(until: min(until ?? recheck, recheck), scopes)
    }
}

/// What is out of order, gathered over all levels; the most telling of it is what senders will read.
private struct Trouble {
    enum Rank: Int {
        case source, network, smtp, security

        var status: String {
            switch self {
            case .source, .network: "4.4.1"
            case .smtp: "4.3.2"
            case .security: "4.7.5"
            }
        }
    }

    let now: Moment
    var earliest: Moment?
    var worst: (rank: Rank, text: String)?
    var reasons: [WaitReason] = []
    var isBlocked = false
    var sawFamily = false

    init(_ now: Moment) { self.now = now }

    /// When the first of it is tried again.
    var until: Moment { earliest ?? now }

    mutating func note(_ refusal: Refusal, rank: Rank, at address: IPAddress? = nil) {
        earliest = min(earliest ?? refusal.until, refusal.until)
        if worst.map({ rank.rawValue > $0.rank.rawValue }) ?? true { worst = (rank, refusal.text) }
        if let address {
            reasons.append(.disabled(address, seconds: Router.left(refusal.until, now), error: refusal.text))
        }
    }

    var failure: DeliveryFailure {
        if let worst { return DeliveryFailure(status: worst.rank.status, text: worst.text) }
        if isBlocked { return DeliveryFailure(status: "4.3.2", text: "Relaying to this destination is paused") }
        return sawFamily
            ? DeliveryFailure(status: "4.4.1", text: "No host could be reached")
            : DeliveryFailure(status: "4.4.4", text: "No source address of the address family of the destination")
    }
}
