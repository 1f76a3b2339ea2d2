import Configuration
import Envelopes
import MailSyntax

/// Getting a session: connections race for it, address families first (RFC 8305).
extension Router {
    mutating func startDial(for relay: Int, route: RouteKey, hostName: String, _ now: Moment) {
        let dial = nextDial
        nextDial += 1
        dials[dial] = Dial(relay: relay)
        relays[relay]?.dials += 1
        open(route, hostName: hostName, for: dial, now)
    }

    /// Orders one connection for a dial.
    private mutating func open(_ key: RouteKey, hostName: String, for dial: Int, _ now: Moment) {
        guard let number = dials[dial]?.relay, let relay = relays[number] else { return }
        let id = ConnectionID(number: nextConnection)
        nextConnection += 1
        let route = noteConnect(key, hostName: hostName, relay: number, now)
        var connection = Connection(relay: number, route: key, hostName: hostName, dial: dial)
        var security = relay.key.security
        if security == .opportunistic, let until = route.plainTextUntil, now < until {
            security = .never
            connection.isPlainTextFallback = true
        }
        connections[id] = connection
        dials[dial]?.tried.insert(key)
        dials[dial]?.attempts.append(id)
        outputs.append(
            .connect(
                ConnectionOrder(
                    connection: id, relay: relay.key, source: key.source, address: key.address, port: key.port,
                    hostName: hostName, security: security, isLMTP: relay.key.destination.isLMTP,
                    credentials: relay.key.credentials, route: route.id)))
        setStagger(dial, now)
    }

    private mutating func setStagger(_ dial: Int, _ now: Moment) {
        guard let attempts = dials[dial]?.attempts.count, (1...Dial.stagger.count).contains(attempts) else { return }
        timers.set(.dial(dial), at: now.advanced(byMilliseconds: Dial.stagger[attempts - 1]))
    }

    /// Counts a connection wherever it counts.
    private mutating func noteConnect(_ key: RouteKey, hostName: String, relay: Int, _ now: Moment) -> Route {
        var route = routes[key] ?? makeRoute(key, hostName: hostName)
        route.hostName = hostName
        // The penalty fades by one for each period that passed in peace.
        if let until = route.disabledUntil, now >= until {
            let period = max(1, Backoff.seconds(penalty: route.penalty, isSmarthost: false))
            route.penalty = max(0, route.penalty - Int(clamping: now.seconds(since: until) / period))
            route.disabledUntil = nil
        }
        route.usage.connect(now)
        routes[key] = route
        hosts[key.address]?.usage.connect(now)
        hosts[key.address]?.hostName = hostName
        sourceUse[key.source, default: Usage()].connect(now)
        relays[relay]?.connectors[key.source, default: Connector()].usage.connect(now)
        relays[relay]?.usage.connect(now)
        if let name = relays[relay]?.key.destination.name { domainUse[lowercased(name), default: Usage()].connect(now) }
        timers.cancel(.route(key))
        return route
    }

    private mutating func makeRoute(_ key: RouteKey, hostName: String) -> Route {
        let route = Route(id: nextRoute, hostName: hostName)
        nextRoute += 1
        routeKeys[route.id] = key
        hosts[key.address, default: HostUse(hostName: hostName)].routes += 1
        return route
    }

    /// Takes a connection out of all counts, and looks at whoever waited for that.
    mutating func forget(_ id: ConnectionID, _ now: Moment) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        timers.cancel(.connection(id))
        let key = connection.route
        let number = connection.relay
        routes[key]?.usage.connections -= 1
        routes[key]?.lastDisconnection = now
        hosts[key.address]?.usage.connections -= 1
        sourceUse[key.source]?.connections -= 1
        relays[number]?.connectors[key.source]?.usage.connections -= 1
        relays[number]?.usage.connections -= 1
        relays[number]?.idle.removeAll { $0 == id }
        if case .quitting = connection.phase { relays[number]?.quitting -= 1 }
        var scopes: [LimitScope] = [.route(key), .host(key.address), .source(key.source)]
        if let name = relays[number].map({ lowercased($0.key.destination.name) }) {
            domainUse[name]?.connections -= 1
            scopes.append(.domain(name))
        }
        for scope in scopes { wakeFirst(of: scope) }
        keepRoute(key, now)
        touch(number)
    }

    /// One connection less: one of those who wait may use the room. If it does not, its own timer has it look
    /// again, and so have theirs.
    private mutating func wakeFirst(of scope: LimitScope) {
        guard let relay = limitQueues[scope]?.popFirst() else { return }
        touch(relay)
        if limitQueues[scope]?.isEmpty ?? false { limitQueues[scope] = nil }
    }

    /// Sets the timer that ends a route's rest, or its memory.
    mutating func keepRoute(_ key: RouteKey, _ now: Moment) {
        guard let route = routes[key], route.usage.connections == 0 else { return }
        let memory = now.advanced(bySeconds: Backoff.routeMemory)
        if let until = route.disabledUntil, now < until {
            timers.set(.route(key), at: until)
        } else {
            timers.set(.route(key), at: memory)
        }
    }

    /// The timer of a route: it may be used again, or it is forgotten.
    mutating func routeTimerFired(_ key: RouteKey, _ now: Moment) {
        guard let route = routes[key], route.usage.connections == 0 else { return }
        if let until = route.disabledUntil, now >= until,
            now < until.advanced(bySeconds: Backoff.routeMemory)
        {
            timers.set(.route(key), at: until.advanced(bySeconds: Backoff.routeMemory))
            return
        }
        routes[key] = nil
        routeKeys[route.id] = nil
        hosts[key.address]?.routes -= 1
        if hosts[key.address]?.routes == 0 { hosts[key.address] = nil }
        if sourceUse[key.source]?.connections == 0, !routes.keys.contains(where: { $0.source == key.source }) {
            sourceUse[key.source] = nil
        }
    }

    // MARK: The race

    /// The connection is open (TCP); the session begins. Decides races.
    package mutating func connected(_ id: ConnectionID, now: Moment) {
        guard let connection = connections[id], case .connecting = connection.phase else { return }
        connections[id]?.phase = .opening
        if let number = connection.dial, let dial = dials[number] {
            for other in dial.attempts where other != id { lose(other, of: number, now) }
            dials[number]?.attempts = [id]
            dials[number]?.isDecided = true
            timers.cancel(.dial(number))
        }
        routes[connection.route]?.lostRaceUntil = nil
        settleDown(now)
    }

    private mutating func lose(_ id: ConnectionID, of dial: Int, _ now: Moment) {
        guard let route = connections[id]?.route else { return }
        outputs.append(.abandon(id))
        forget(id, now)
        routes[route]?.lostRaceUntil = now.advanced(bySeconds: Backoff.lostRace)
        // Nothing is known against it, should the winner disappoint.
        dials[dial]?.tried.remove(route)
    }

    /// No answer for a while, or an attempt failed: tries one more address.
    mutating func continueDial(_ number: Int, _ now: Moment) {
        guard let dial = dials[number], !(dial.isDecided && !dial.attempts.isEmpty) else { return }
        dials[number]?.isDecided = false
        guard let relay = relays[dial.relay] else { return endDial(number) }
        if !isFinishing, !relay.tasks.isEmpty, case .known = relay.plan, case .known = relay.sources,
            case .route(let route, let hostName) = choose(for: dial.relay, excluding: dial.tried, isRacing: true, now).choice,
            dial.attempts.isEmpty || isSameLevel(route, as: dial, of: relay)
        {
            open(route, hostName: hostName, for: number, now)
        } else if dial.attempts.isEmpty {
            endDial(number)
        }
    }

    /// A host of a worse preference does not race: it is only for when the better ones are out of order.
    private func isSameLevel(_ route: RouteKey, as dial: Dial, of relay: Relay) -> Bool {
        guard case .known(let plan, _) = relay.plan, let first = dial.attempts.first.flatMap({ connections[$0]?.route })
        else { return false }
        return plan.levels.contains { level in
            level.contains { $0.address == route.address } && level.contains { $0.address == first.address }
        }
    }

    /// The session is there, or will not be.
    mutating func endDial(_ number: Int) {
        guard let dial = dials.removeValue(forKey: number) else { return }
        timers.cancel(.dial(number))
        relays[dial.relay]?.dials -= 1
        touch(dial.relay)
    }
}

extension Usage {
    mutating func connect(_ now: Moment) {
        connections += 1
        lastConnection = now
    }
}
