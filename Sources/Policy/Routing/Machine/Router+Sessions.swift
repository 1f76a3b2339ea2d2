import Configuration
import Envelopes
import MailSyntax

/// What sessions are given to do.
extension Router {
    /// Messages in a row without a recipient taken, after which a session is ended.
    private static let maximumFruitlessMails = 10

    /// The session can take a message: after its greeting, EHLO, TLS and AUTH, and again behind each
    /// transaction, when every envelope of it has been settled.
    package mutating func ready(_ id: ConnectionID, now: Moment) {
        guard let connection = connections[id] else { return }
        switch connection.phase {
        case .connecting:
            // Whoever tells both at once means both.
            connected(id, now: now)
            established(id, now)
        case .opening:
            established(id, now)
        case .busy:
            if let transfer = transfers.removeValue(forKey: id) { finished(transfer, id, now) }
        case .idle, .pausing, .quitting:
            break
        }
        settleDown(now)
    }

    /// A session has come about: its route is sound.
    private mutating func established(_ id: ConnectionID, _ now: Moment) {
        guard let connection = connections[id] else { return }
        if let dial = connection.dial {
            endDial(dial)
            connections[id]?.dial = nil
        }
        routes[connection.route]?.isNew = false
        routes[connection.route]?.disabledUntil = nil
        routes[connection.route]?.backingOffUntil = nil
        relays[connection.relay]?.refusals[connection.route] = nil
        relays[connection.relay]?.failure = nil
        relays[connection.relay]?.failingUntil = nil
        rest(id, now)
        // It was new and got one connection; now others may follow, of other relays too.
        while let relay = limitQueues[.route(connection.route)]?.popFirst() { touch(relay) }
        limitQueues[.route(connection.route)] = nil
    }

    /// A transaction is over.
    private mutating func finished(_ transfer: Transfer, _ id: ConnectionID, _ now: Moment) {
        // A session settles all before it is ready. Should a server find a way around that, the mail stays.
        for envelope in transfer.unsettled.sorted() {
            let failure = DeliveryFailure(status: "4.5.0", text: "Session went on without a verdict")
            report(envelope, .temporary(failure), id, relay: connections[id]?.relay ?? 0, now)
        }
        guard var connection = connections[id], let relay = relays[connection.relay] else { return }
        connection.mails += 1
        connection.fruitlessMails = transfer.delivered > 0 ? 0 : connection.fruitlessMails + 1
        connections[id] = connection
        if !transfer.postponed.isEmpty { postpone(transfer, relay: connection.relay, id, now) }
        // Whatever the verdict, the host has heard a message to the end.
        routes[connection.route]?.errors = 0
        routes[connection.route]?.penalty = 0
        if transfer.delivered > 0 {
            relays[connection.relay]?.window.messageTaken(limit: relay.limits.connectionsPerRelay, now: now)
        }
        let limits = relay.limits
        let mustQuit =
            isFinishing || connection.mails >= max(1, limits.mailsPerSession)
            || connection.failures >= max(1, limits.maximumFailuresPerSession)
            || connection.fruitlessMails >= Self.maximumFruitlessMails || isRetired(relay.key)
        if mustQuit {
            quit(id)
        } else if limits.transactionDelay > 0 {
            connections[id]?.phase = .pausing
            timers.set(.connection(id), at: now.advanced(bySeconds: Int64(limits.transactionDelay)))
        } else {
            rest(id, now)
        }
        touch(connection.relay)
    }

    /// Recipients beyond what the server takes go into a transaction of their own; next time fewer are sent.
    private mutating func postpone(_ transfer: Transfer, relay: Int, _ id: ConnectionID, _ now: Moment) {
        let postponed = transfer.postponed.sorted()
        guard transfer.taken > 0 else {
            let failure = DeliveryFailure(status: "4.5.3", text: "452 Too many recipients")
            for envelope in postponed { report(envelope, .temporary(failure), id, relay: relay, now) }
            return
        }
        relays[relay]?.recipientLimit = transfer.taken
        relays[relay]?.tasks.putBack(
            RelayTask(key: transfer.task.key, ids: postponed, group: transfer.task.group, tried: transfer.task.tried))
    }

    /// The session waits for a message.
    private mutating func rest(_ id: ConnectionID, _ now: Moment) {
        guard let number = connections[id]?.relay, let keepalive = relays[number]?.limits.keepalive else { return }
        connections[id]?.phase = .idle
        relays[number]?.idle.append(id)
        timers.set(.connection(id), at: now.advanced(bySeconds: Int64(keepalive)))
        touch(number)
    }

    private mutating func quit(_ id: ConnectionID) {
        guard let connection = connections[id] else { return }
        if case .quitting = connection.phase { return }
        connections[id]?.phase = .quitting
        relays[connection.relay]?.quitting += 1
        relays[connection.relay]?.idle.removeAll { $0 == id }
        timers.cancel(.connection(id))
        outputs.append(.quit(id))
    }

    /// No action of the running configuration has these options any more.
    private func isRetired(_ key: RelayKey) -> Bool { !settings.actions.values.contains(key.action) }

    /// Gives the messages that wait to the sessions that wait. The session used last is the likeliest to live.
    mutating func feedIdleSessions(of number: Int, _ now: Moment) {
        while !isFinishing, let id = relays[number]?.idle.last, let limit = relays[number]?.recipientLimit,
            let task = relays[number]?.tasks.next(limit: max(1, limit))
        {
            relays[number]?.idle.removeLast()
            timers.cancel(.connection(id))
            connections[id]?.phase = .busy
            transfers[id] = Transfer(task: task, unsettled: Set(task.ids))
            outputs.append(.transact(id, task.ids))
        }
    }

    /// Ends idle sessions without work: of strangers all but one, which is kept for `session-keepalive`; a
    /// smarthost's all have that time.
    mutating func closeSpareSessions(of number: Int, _ now: Moment) {
        guard let relay = relays[number] else { return }
        if isFinishing || relay.limits.keepalive == 0 || isRetired(relay.key) {
            for id in relay.idle { quit(id) }
        } else if !relay.key.destination.isSmarthost {
            for id in relay.idle.dropLast() { quit(id) }
        }
    }

    /// A session's delay or its time in reserve is over.
    mutating func connectionTimerFired(_ id: ConnectionID, _ now: Moment) {
        switch connections[id]?.phase {
        case .pausing: rest(id, now)
        case .idle: quit(id)
        case .connecting, .opening, .busy, .quitting, nil: break
        }
    }

    // MARK: Results

    /// An envelope of the transaction under way is decided on.
    ///
    /// When the session breaks before the server can have taken anything of the message for it (no reply to
    /// MAIL, or refused with 421 before the data), do not settle it: ``ended(_:_:now:)`` gives it to another
    /// session or fails it. From the final dot on only ``Settlement/outcome(_:)`` is right, for a second try
    /// may be a duplicate.
    package mutating func settled(_ id: ConnectionID, _ envelope: EnvelopeID, as settlement: Settlement, now: Moment) {
        guard let relay = connections[id]?.relay, transfers[id]?.unsettled.remove(envelope) != nil else { return }
        switch settlement {
        case .tooManyRecipients:
            transfers[id]?.postponed.append(envelope)
        case .outcome(let outcome):
            switch outcome {
            case .delivered:
                transfers[id]?.delivered += 1
                connections[id]?.failures = 0
            case .temporary, .permanent, .loop:
                connections[id]?.failures += 1
            }
            report(envelope, outcome, id, relay: relay, now)
        }
    }
}
