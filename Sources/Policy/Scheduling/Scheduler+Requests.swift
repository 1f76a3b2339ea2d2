import Envelopes

/// What an operator asks. Each request returns how many envelopes it changed.
extension Scheduler {
    /// Deliveries of a kind stop; what is inflight goes on. Until they resume, what waits behind a try that is
    /// due does not expire either.
    ///
    /// - Returns: False when they were paused already.
    package mutating func paused(_ kind: DeliveryKind) -> Bool {
        pausedKinds.insert(kind).inserted
    }

    /// - Returns: False when deliveries of the kind were not paused.
    package mutating func resumed(_ kind: DeliveryKind) -> Bool {
        pausedKinds.remove(kind) != nil
    }

    /// Removes envelopes without a report. One that is inflight is removed when it comes back, unless it
    /// is delivered by then.
    package mutating func removeRequested(_ selection: EnvelopeSelection) -> Int {
        forEachSlot(of: selection) { scheduler, number in
            switch scheduler.slots[number].state {
            case .removing:
                return false
            case .inflight:
                return scheduler.slots[number].flags.insert(.removalRequested).inserted
            case .pending, .held:
                scheduler.withdraw(number)
                scheduler.slots[number].state = .removing
                scheduler.removals.append(number, in: &scheduler.slots)
                return true
            }
        }
    }

    /// Makes envelopes due now, held ones too; not those that are inflight or suspended. They are handed out
    /// with the number of this order.
    package mutating func scheduleRequested(_ selection: EnvelopeSelection, now: Int64) -> Int {
        orders += 1
        return makeDue(selection, isOrdered: true, now: now)
    }

    /// The dispatcher has reason to believe that these would pass now: makes them due, as far as they wait.
    package mutating func retryAdvised(_ ids: [EnvelopeID], now: Int64) {
        _ = makeDue(.envelopes(ids), isOrdered: false, now: now)
    }

    private mutating func makeDue(_ selection: EnvelopeSelection, isOrdered: Bool, now: Int64) -> Int {
        let moment = moment(now)
        return forEachSlot(of: selection) { scheduler, number in
            switch scheduler.slots[number].state {
            case .removing, .inflight:
                return false
            case .pending, .held:
                if scheduler.slots[number].flags.contains(.suspended) { return false }
                scheduler.withdraw(number)
                scheduler.slots[number].state = .pending
                // One that is overdue keeps its place before those that are not.
                scheduler.slots[number].next = min(scheduler.slots[number].next, moment)
                if isOrdered { scheduler.slots[number].flags.insert(.ordered) }
                scheduler.enqueue(number)
                return true
            }
        }
    }

    /// Lets envelopes rest, neither tried nor expired, until ``resumeRequested(_:)``. One that is inflight
    /// rests when it comes back undelivered.
    package mutating func suspendRequested(_ selection: EnvelopeSelection) -> Int {
        forEachSlot(of: selection) { scheduler, number in
            if scheduler.slots[number].flags.contains(.suspended) { return false }
            switch scheduler.slots[number].state {
            case .removing:
                return false
            case .inflight:
                break
            case .pending, .held:
                scheduler.withdraw(number)
                scheduler.slots[number].state = .pending
            }
            scheduler.slots[number].flags.insert(.suspended)
            return true
        }
    }

    /// Puts suspended envelopes back to where their times say.
    package mutating func resumeRequested(_ selection: EnvelopeSelection) -> Int {
        forEachSlot(of: selection) { scheduler, number in
            guard scheduler.slots[number].flags.remove(.suspended) != nil else { return false }
            if scheduler.slots[number].state == .pending { scheduler.enqueue(number) }
            return true
        }
    }

    /// Calls `body` for each selected envelope and counts how often it says that it changed something.
    private mutating func forEachSlot(
        of selection: EnvelopeSelection, _ body: (inout Scheduler, SlotNumber) -> Bool
    ) -> Int {
        var selected: [SlotNumber] = []
        switch selection {
        case .envelope(let id):
            if let number = index[id.rawValue] { selected.append(number) }
        case .envelopes(let ids):
            for id in ids {
                if let number = index[id.rawValue] { selected.append(number) }
            }
        case .message(let message):
            let first = UInt64(message.rawValue) << 32
            index.forEach(from: first, through: first | 0xFFFF_FFFF) { _, number in
                selected.append(number)
                return true
            }
        case .all:
            selected.reserveCapacity(index.count)
            index.forEach(from: 0, through: .max) { _, number in
                selected.append(number)
                return true
            }
        }
        var changed = 0
        for number in selected where body(&self, number) { changed += 1 }
        return changed
    }
}
