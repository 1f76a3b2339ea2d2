import Configuration
import Envelopes
import MailSyntax

/// What the end of a connection means for its route, its relay and its mail.
extension Router {
    /// The connection is closed, or was never opened.
    package mutating func ended(_ id: ConnectionID, _ end: ConnectionEnd, now: Moment) {
        guard let connection = connections[id] else { return }
        forget(id, now)
        switch connection.phase {
        case .connecting, .opening:
            judge(end, of: connection, now)
            if let dial = connection.dial {
                dials[dial]?.attempts.removeAll { $0 == id }
                continueDial(dial, now)
            }
        case .busy:
            if let transfer = transfers.removeValue(forKey: id) { interrupted(transfer, connection, id, end, now) }
        case .idle, .pausing, .quitting:
            // A server may end a session that has nothing to do.
            break
        }
        settleDown(now)
    }

    /// A session that did not come about.
    private mutating func judge(_ end: ConnectionEnd, of connection: Connection, _ now: Moment) {
        let key = connection.route
        switch end {
        case .quit:
            break
        case .unreachable(let text):
            refuse(connection, text, isSMTP: false, now)
        case .refused(let text), .broken(let text):
            refuse(connection, text, isSMTP: true, now)
        case .sourceUnavailable(let text):
            let until = now.advanced(bySeconds: Backoff.unusableSource)
            relays[connection.relay]?.connectors[key.source, default: Connector()].failure = Refusal(until: until, text: text)
        case .tlsFailed(let text):
            if relays[connection.relay]?.key.security == .opportunistic, !connection.isPlainTextFallback {
                // At once, on the same route, without STARTTLS; and so for a while.
                routes[key]?.plainTextUntil = now.advanced(bySeconds: Backoff.plainText)
                routes[key]?.usage.lastConnection = nil
                routes[key]?.lastDisconnection = nil
                if let dial = connection.dial { dials[dial]?.tried.remove(key) }
            } else {
                refuse(key, for: connection.relay, text, now)
            }
        case .untrusted(let text):
            refuse(key, for: connection.relay, text, now)
        case .authenticationFailed(let text):
            let penalty = (relays[connection.relay]?.failure?.penalty ?? 0) + 1
            let until = now.advanced(bySeconds: Backoff.seconds(penalty: penalty, isSmarthost: true))
            relays[connection.relay]?.failure = Refusal(until: until, text: text, penalty: penalty)
            // What was refused is not tried again before it was asked for again.
            if case .known = relays[connection.relay]?.credentials { relays[connection.relay]?.credentials = .unknown }
            // Other addresses of the host would be asked the same.
            if let dial = connection.dial { endDial(dial) }
        case .localFailure(let text):
            if let dial = connection.dial { endDial(dial) }
            if relays[connection.relay]?.sessionCount == 0 {
                fail(
                    connection.relay, DeliveryFailure(status: "4.3.0", text: text),
                    until: now.advanced(bySeconds: Backoff.limitRecheck), now)
            }
        }
    }

    /// The network or the host refuses the route. While other sessions live on it, it has only had enough.
    private mutating func refuse(_ connection: Connection, _ text: String, isSMTP: Bool, _ now: Moment) {
        let key = connection.route
        guard let route = routes[key] else { return }
        let relay = relays[connection.relay]
        if route.usage.connections > 0, !route.isNew {
            routes[key]?.backingOffUntil = now.advanced(bySeconds: Backoff.afterRefusedSession)
            routes[key]?.lastError = text
            let live = relay?.usage.connections ?? 0
            relays[connection.relay]?.window.sessionRefused(live: live, now: now)
            return
        }
        disable(key, text, isSMTP: isSMTP, isSmarthost: relay?.key.destination.isSmarthost ?? false, now)
    }

    private mutating func disable(_ key: RouteKey, _ text: String, isSMTP: Bool, isSmarthost: Bool, _ now: Moment) {
        guard var route = routes[key] else { return }
        route.penalty += 1
        route.errors += 1
        route.isNew = true
        route.lastError = text
        route.errorIsSMTP = isSMTP
        route.disabledUntil = now.advanced(
            bySeconds: Backoff.seconds(penalty: route.penalty, isSmarthost: isSmarthost))
        routes[key] = route
        keepRoute(key, now)
    }

    /// The route does not fit what this relay demands of TLS.
    private mutating func refuse(_ key: RouteKey, for number: Int, _ text: String, _ now: Moment) {
        guard let relay = relays[number] else { return }
        let penalty = (relay.refusals[key]?.penalty ?? 0) + 1
        let seconds = Backoff.seconds(penalty: penalty, isSmarthost: relay.key.destination.isSmarthost)
        relays[number]?.refusals[key] = Refusal(until: now.advanced(bySeconds: seconds), text: text, penalty: penalty)
    }

    /// A session broke with a message under way.
    ///
    /// What was not settled cannot have been taken. One that had already done something gets the benefit of the
    /// doubt: servers end sessions after a time or a number of messages, and the next session will do. One that
    /// was fresh would break again.
    private mutating func interrupted(
        _ transfer: Transfer, _ connection: Connection, _ id: ConnectionID, _ end: ConnectionEnd, _ now: Moment
    ) {
        let number = connection.relay
        let open = (transfer.postponed + transfer.unsettled).sorted()
        if connection.mails > 0 || transfer.delivered > 0, !isFinishing {
            if !open.isEmpty {
                relays[number]?.tasks.putBack(
                    RelayTask(key: transfer.task.key, ids: open, group: transfer.task.group, tried: transfer.task.tried))
            }
        } else {
            let status = if case .refused = end { "4.3.2" } else { "4.4.2" }
            let failure = DeliveryFailure(status: status, text: end.text)
            for envelope in open { report(envelope, .temporary(failure), id, relay: number, now) }
            let key = connection.route
            routes[key]?.errors += 1
            routes[key]?.lastError = end.text
            if let route = routes[key], route.errors >= Backoff.maximumErrors, route.usage.connections == 0 {
                let isSmarthost = relays[number]?.key.destination.isSmarthost ?? false
                disable(key, end.text, isSMTP: true, isSmarthost: isSmarthost, now)
            }
        }
        if case .refused = end {
            let live = relays[number]?.usage.connections ?? 0
            relays[number]?.window.sessionRefused(live: live, now: now)
        }
        touch(number)
    }

    /// Nothing can be sent for now: what waits at a relay goes to another smarthost of its group, or fails.
    mutating func fail(_ number: Int, _ failure: DeliveryFailure, until: Moment, _ now: Moment) {
        guard let relay = relays[number] else { return }
        relays[number]?.failingUntil = until
        var tasks = relays[number]?.tasks.removeAll() ?? []
        if case .temporary = failure.outcome { tasks = movedOn(tasks, relay.key.action, now) }
        for task in tasks {
            for id in task.ids { report(id, failure.outcome, nil, relay: number, isUnreachable: true, now) }
        }
        if relay.held > 0 {
            relays[number]?.held = 0
            relays[number]?.expected = 0
            outputs.append(.releaseAll(holder: holder(of: number)))
        }
        if until > now { lookForSmarthost(relay.key.destination, at: until) }
        touch(number)
    }
}
