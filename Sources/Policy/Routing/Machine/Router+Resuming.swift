import Envelopes
import MailSyntax

/// What operators lift of what errors brought about: a route's with `resume route`, and with `schedule` that of all routes
/// that the mail needs.
extension Router {
    /// `resume route`: lifts what holds a route back. False when there is none with this number.
    package mutating func resumeRoute(_ id: UInt64, now: Moment) -> Bool {
        guard let key = routeKeys[id] else { return false }
        lift(key, now)
        for (number, relay) in relays {
            guard relay.refusals[key] != nil || relay.failure != nil || relay.failingUntil != nil else { continue }
            relays[number]?.refusals[key] = nil
            relays[number]?.failure = nil
            relays[number]?.failingUntil = nil
            lookForSmarthost(relay.key.destination, at: now)
            touch(number)
        }
        settleDown(now)
        return true
    }

    /// `schedule`: lifts what errors left behind at a relay, once for each order. The envelopes of an order come one
    /// after the other; were each of them to lift it again, a host that is still away would be called for each.
    mutating func obey(_ order: UInt64, at number: Int) {
        guard let relay = relays[number], relay.order < order else { return }
        relays[number]?.order = order
        relays[number]?.refusals = [:]
        relays[number]?.failure = nil
        relays[number]?.failingUntil = nil
        for source in relay.connectors.keys { relays[number]?.connectors[source]?.failure = nil }
        relays[number]?.mustLiftRoutes = true
    }

    /// Lifts what holds back the routes of a relay that knows them, if an order asks for it.
    mutating func liftRoutes(of number: Int, _ now: Moment) {
        guard let relay = relays[number], relay.mustLiftRoutes, case .known(let plan, _) = relay.plan,
            case .known(let sources, _) = relay.sources
        else { return }
        relays[number]?.mustLiftRoutes = false
        for candidate in plan.levels.joined() {
            for source in sources where source.map({ $0.isV6 == candidate.address.isV6 }) ?? true {
                lift(RouteKey(source: source, address: candidate.address, port: relay.key.destination.port), now)
            }
        }
    }

    private mutating func lift(_ key: RouteKey, _ now: Moment) {
        guard routes[key] != nil else { return }
        routes[key]?.disabledUntil = nil
        routes[key]?.penalty = 0
        routes[key]?.errors = 0
        routes[key]?.backingOffUntil = nil
        routes[key]?.lostRaceUntil = nil
        routes[key]?.plainTextUntil = nil
        keepRoute(key, now)
    }
}
