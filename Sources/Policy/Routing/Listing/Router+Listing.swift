import Configuration
import MailSyntax

/// What operators see. Each list is made when it is asked for.
extension Router {
    /// `show relays`, by name.
    package func relayStatuses(now: Moment) -> [RelayStatus] {
        relays.sorted { ($0.value.key.destination.name, $0.key) < ($1.value.key.destination.name, $1.key) }
            .map { number, relay in status(of: relay, number, now) }
    }

    private func status(of relay: Relay, _ number: Int, _ now: Moment) -> RelayStatus {
        let waits = waits(of: number, now)
        let connectors = relay.connectors.sorted { ($0.key?.description ?? "") < ($1.key?.description ?? "") }
        return RelayStatus(
            key: relay.key, references: relay.usage.connections + relay.dials + relay.tasks.count + (relay.held > 0 ? 1 : 0),
            tasks: relay.tasks.count, envelopes: relay.tasks.envelopeCount, connections: relay.usage.connections,
            lastConnection: relay.usage.lastConnection.map(now.seconds(since:)),
            timeout: timers.moment(of: .relay(number)).map { Self.left($0, now) }, waits: waits, held: relay.held,
            window: relay.key.destination.isSmarthost ? relay.window.size : nil,
            connectors: connectors.map { source, connector in
                ConnectorStatus(
                    source: source, references: connector.usage.connections, connections: connector.usage.connections,
                    lastConnection: connector.usage.lastConnection.map(now.seconds(since:)),
                    timeout: connector.failure.flatMap { now < $0.until ? Self.left($0.until, now) : nil },
                    flags: flags(of: connector, waits, now))
            })
    }

    /// Why the mail of a relay waits; empty when there is none.
    private func waits(of number: Int, _ now: Moment) -> [WaitReason] {
        guard let relay = relays[number], !relay.tasks.isEmpty else { return [] }
        let questions = openQuestions.filter { $0.value.contains(number) }.map { WaitReason.asking($0.key) }
        if !questions.isEmpty { return questions.sorted { $0.text < $1.text } }
        guard case .known = relay.plan, case .known = relay.sources else { return [] }
        if !relay.wantsConnection {
            let isFull = relay.key.destination.isSmarthost && relay.sessionCount >= relay.window.size
            if isFull { return [.window(relay.window.size)] }
            let coming = Set(dials.values.filter { $0.relay == number }.flatMap(\.attempts).compactMap { connections[$0]?.route.address })
            if !coming.isEmpty { return coming.map { .connecting($0) }.sorted { $0.text < $1.text } }
            return [.busySessions(relay.sessionCount)]
        }
        return choose(for: number, excluding: [], isRacing: false, now).reasons
    }

    private func flags(of connector: Connector, _ waits: [WaitReason], _ now: Moment) -> ConnectorFlags {
        var flags: ConnectorFlags = []
        if connector.usage.lastConnection == nil { flags.insert(.new) }
        if let failure = connector.failure, now < failure.until { flags.insert(.errorSource) }
        for reason in waits {
            switch reason {
            case .limit(.domain, _): flags.insert(.limitDomain)
            case .limit(.source, _): flags.insert(.limitSource)
            case .limit(.connector, _): flags.insert(.limitConnector)
            case .limit(.relay, _), .window: flags.insert(.limitRelay)
            case .limit(.host, _): flags.insert(.limitHost)
            case .limit(.route, _), .provingRoute, .backingOff: flags.insert(.limitRoute)
            case .disabled: flags.insert(.errorNetwork)
            case .blocked: flags.insert(.errorBlocked)
            case .delay, .transactionDelay: flags.insert(.wait)
            case .asking, .connecting, .busySessions: break
            }
        }
        return flags
    }

    /// `show routes`, by number.
    package func routeStatuses(now: Moment) -> [RouteStatus] {
        let kept = Set(connections.values.compactMap { connection in
            if case .idle = connection.phase { connection.route } else { nil }
        })
        return routes.sorted { $0.value.id < $1.value.id }.map { key, route in
            let timer = timers.moment(of: .route(key))
            return RouteStatus(
                id: route.id, source: key.source, address: key.address, port: key.port, hostName: route.hostName,
                isNew: route.isNew, isDisabled: route.isDisabled(now), hasTimer: timer != nil, isKeptAlive: kept.contains(key),
                connections: route.usage.connections, errors: route.errors, penalty: route.penalty,
                timeout: timer.map { Self.left($0, now) }, lastError: route.lastError)
        }
    }

    /// `show hosts`, by address.
    package func hostStatuses(now: Moment) -> [HostStatus] {
        hosts.map { address, host in
            HostStatus(
                address: address, hostName: host.hostName, references: host.routes, connections: host.usage.connections,
                lastConnection: host.usage.lastConnection.map(now.seconds(since:)))
        }.sorted { $0.address.description < $1.address.description }
    }

    /// `show hoststats`, by domain.
    package func domainStatuses(now: Moment) -> [DomainStatus] {
        domains.sorted { $0.key < $1.key }.map { name, record in
            DomainStatus(
                domain: name, age: now.seconds(since: record.lastUpdate), lastStatus: record.lastStatus,
                deferred: record.deferred.count)
        }
    }

    /// `show mta paused`: pairs of source and domain, nil for any.
    package var blocked: [(source: IPAddress?, domain: String?)] {
        blocks.map { (source: $0.source, domain: $0.domain) }.sorted {
            ($0.source?.description ?? "", $0.domain ?? "") < ($1.source?.description ?? "", $1.domain ?? "")
        }
    }

    /// The part of `show stats` about relaying.
    package var counts: RoutingCounts {
        var counts = RoutingCounts()
        counts.relays = relays.count
        counts.domains = domainUse.count
        counts.sources = sourceUse.count
        counts.hosts = hosts.count
        counts.routes = routes.count
        counts.sessions = connections.count
        for relay in relays.values {
            counts.connectors += relay.connectors.count
            counts.tasks += relay.tasks.count
            counts.envelopes += relay.tasks.envelopeCount
        }
        counts.runningTasks = transfers.count
        for transfer in transfers.values { counts.envelopes += transfer.unsettled.count + transfer.postponed.count }
        for group in groups.values {
            counts.tasks += group.waiting.count
            counts.envelopes += group.waiting.reduce(0) { $0 + $1.task.ids.count }
        }
        return counts
    }
}
