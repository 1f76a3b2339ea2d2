import Envelopes

/// What became of the envelopes that were handed out.
extension Scheduler {
    /// The envelope was delivered and is gone from the queue.
    ///
    /// - Throws: ``SchedulerError/notInflight(_:)``, as all results do.
    package mutating func delivered(_ id: EnvelopeID) throws(SchedulerError) {
        forget(try inflightSlot(id))
    }

    /// The envelope was refused for good, or had been here before, and is gone from the queue.
    package mutating func failedPermanently(_ id: EnvelopeID) throws(SchedulerError) {
        forget(try inflightSlot(id))
    }

    /// The try failed; the envelope waits for its next point of the retry curve.
    ///
    /// - Returns: A delay notice when the next try falls at or after a warn interval that the sender
    ///   was not yet told of; at most one, and none for a bounce.
    package mutating func failedTemporarily(_ id: EnvelopeID, now: Int64) throws(SchedulerError) -> SchedulerOutput? {
        let number = try inflightSlot(id)
        slots[number].attempts = slots[number].attempts.addingReportingOverflow(1).overflow
            ? .max : slots[number].attempts + 1
        putOff(number, curve: settings.curve(for: slots[number].kind), now: now)
        guard returnToQueue(number) else { return nil }
        return delayNotice(for: number)
    }

    /// The dispatcher has too much to do for this envelope's user or relay: it waits on the hold queue
    /// that the holder names, until ``released(_:_:now:)``. Beyond
    /// ``SchedulerSettings/maximumHeld`` it is tried again on a short curve instead. Either way the sender
    /// hears of the delay as if it had been tried.
    package mutating func held(_ id: EnvelopeID, holder: UInt64, now: Int64) throws(SchedulerError) {
        let number = try inflightSlot(id)
        let mustReturn = !slots[number].flags.isDisjoint(with: [.suspended, .removalRequested])
        if mustReturn {
            _ = returnToQueue(number)
        } else if holdQueues.count(for: holder) < settings.maximumHeld {
            withdraw(number)
            slots[number].state = .held
            slots[number].flags.insert(.deferred)
            slots[number].notice = nextNotice(for: slots[number])
            holdQueues.append(number, holder: holder, in: &slots)
            enqueue(number)
        } else {
            slots[number].flags.insert(.overflowed)
            overflowCount += 1
            putOff(number, curve: RetryCurve(base: settings.overflowBase), now: now)
            if returnToQueue(number) { note(delayNotice(for: number)) }
        }
    }

    /// The holder can take more: the envelopes that waited longest are pending again.
    ///
    /// - Returns: How many were on its hold queue and left it.
    @discardableResult
    package mutating func released(_ holder: UInt64, _ release: HoldRelease, now: Int64) -> Int {
        let count: Int
        switch release {
        case .first(let limit): count = min(max(0, limit), holdQueues.count(for: holder))
        case .all, .allAsFailed: count = holdQueues.count(for: holder)
        }
        for _ in 0..<count {
            guard let number = holdQueues.first(for: holder) else { break }
            withdraw(number)
            slots[number].state = .pending
            if release == .allAsFailed {
                putOff(number, curve: settings.curve(for: slots[number].kind), now: now)
                note(delayNotice(for: number))
            }
            enqueue(number)
        }
        return count
    }

    private func inflightSlot(_ id: EnvelopeID) throws(SchedulerError) -> SlotNumber {
        guard let number = index[id.rawValue], slots[number].state == .inflight else { throw .notInflight(id) }
        return number
    }

    /// Sets the next try to the next point of a curve, and a little later.
    private mutating func putOff(_ number: SlotNumber, curve: RetryCurve, now: Int64) {
        let slot = slots[number]
        let age = Int64(moment(now)) - Int64(slot.created)
        let nextAge = curve.nextAge(after: age, attempts: Int64(slot.attempts))
        let jitter = RetryCurve.jitter(
            for: slot.id >> 32, attempts: Int64(slot.attempts), wait: nextAge - age, limit: settings.maximumJitter)
        slots[number].next = clamped(Int64(slot.created), plus: nextAge + jitter)
    }

    /// Ends a try: back to the lanes, or to where an operator wanted the envelope meanwhile.
    ///
    /// - Returns: False when the envelope is about to be removed.
    private mutating func returnToQueue(_ number: SlotNumber) -> Bool {
        withdraw(number)
        slots[number].flags.insert(.deferred)
        if slots[number].flags.contains(.removalRequested) {
            slots[number].state = .removing
            removals.append(number, in: &slots)
            return false
        }
        slots[number].state = .pending
        enqueue(number)
        return true
    }
}
