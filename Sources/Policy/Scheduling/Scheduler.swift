import Envelopes

/// What is due: when each envelope of the queue is tried, retried, reported as late, or given up.
///
/// A value without a clock. Durations run on a monotonic clock, whose seconds every method takes as
/// `now`; the wall clock comes in only with ``recovered(_:kind:created:timeToLive:history:wallClock:now:)``,
/// to learn how old an envelope is that was read from the queue. From then on it ages on the monotonic
/// clock (one that also counts while the machine sleeps is best), so a wall clock that is set forward or
/// back by a day expires nothing, holds nothing back and sends nothing again.
///
/// An envelope is *pending* until its try is due, *inflight* from ``tick(now:)`` until its result comes
/// back, *held* while the dispatcher has too much to do for its user or relay, and *suspended* while an
/// operator wants it to rest. The four lanes of pending envelopes and the removals take turns, one
/// envelope at a time, so none of them starves; new mail for relays has a lane apart from retries, so
/// that what piled up during an outage does not stand before it.
///
/// Memory is flat: some 80 to 95 bytes an envelope. Every input costs at most the logarithm of the
/// queue's length, or as much for each envelope it is about.
package struct Scheduler: Sendable {
    package var settings: SchedulerSettings

    var slots = EnvelopeSlots()
    var index = EnvelopeIndex()
    var lanes = [DueHeap](repeating: DueHeap(), count: Lane.allCases.count)
    var holdQueues = HoldQueues()
    var removals = SlotList()
    /// Kinds whose deliveries an operator paused.
    var pausedKinds: Set<DeliveryKind> = []
    /// Whose turn it is: the lanes by their raw values, then the removals.
    private var turn = 0
    /// Notices that are due for other reasons than a result, in their order.
    private var notices: ArraySlice<SchedulerOutput> = []
    /// How often an operator made envelopes due.
    var orders: UInt64 = 0
    /// The monotonic clock when the scheduler started; slots count from here.
    private let origin: Int64

    /// Envelopes whose result is awaited.
    package internal(set) var inflightCount = 0
    /// Messages with at least one envelope.
    package private(set) var messageCount = 0
    /// Envelopes that found their hold queue full and were not handed out since.
    package internal(set) var overflowCount = 0

    /// Envelopes, whatever their state.
    package var count: Int { slots.count }
    /// Envelopes on hold queues.
    package var heldCount: Int { holdQueues.heldCount }
    package var holdQueueCount: Int { holdQueues.count }

    /// The lists of pending envelopes, in the order of their turns.
    enum Lane: Int, CaseIterable {
        case bounce
        case local
        case newRelay
        case deferredRelay
    }

    /// - Parameter now: Seconds of the monotonic clock, as in all methods.
    package init(settings: SchedulerSettings = SchedulerSettings(), now: Int64) {
        self.settings = settings
        self.origin = now
    }

    // MARK: Arrivals

    /// Takes an envelope that was just committed. It is due at once.
    ///
    /// - Parameters:
    ///   - timeToLive: Seconds until it is given up.
    ///   - isSuspended: It came into quarantine.
    /// - Throws: ``SchedulerError/alreadyKnown(_:)``.
    package mutating func submitted(
        _ id: EnvelopeID, kind: DeliveryKind, timeToLive: Int64, isSuspended: Bool = false, now: Int64
    ) throws(SchedulerError) {
        let created = moment(now)
        var slot = EnvelopeSlot(
            id: id.rawValue, created: created, expiry: clamped(Int64(created), plus: timeToLive), next: created,
            attempts: 0, kind: kind)
        if isSuspended { slot.flags.insert(.suspended) }
        try add(slot)
    }

    /// Takes an envelope that was read from the queue at start or discovered there.
    ///
    /// Its age is what the wall clock says, never negative. One whose lifetime ran out meanwhile is still
    /// tried when a try was due before: the server may have been down, or the clock may be wrong.
    ///
    /// - Parameters:
    ///   - timeToLive: Seconds after `created` when it is given up.
    ///   - wallClock: The wall clock at the moment of `now`.
    /// - Throws: ``SchedulerError/alreadyKnown(_:)``.
    package mutating func recovered(
        _ id: EnvelopeID, kind: DeliveryKind, created: Timestamp, timeToLive: Int64, history: DeliveryHistory,
        wallClock: Timestamp, now: Int64
    ) throws(SchedulerError) {
        let age = min(max(0, wallClock - created), Int64(Int32.max))
        let birth = clamped(Int64(moment(now)), plus: -age)
        let firstAge = settings.curve(for: kind).firstAge(at: age, attempts: Int64(history.attempts))
        var slot = EnvelopeSlot(
            id: id.rawValue, created: birth, expiry: clamped(Int64(birth), plus: timeToLive),
            next: clamped(Int64(birth), plus: firstAge), attempts: history.attempts, kind: kind)
        if history.isSuspended { slot.flags.insert(.suspended) }
        if history.attempts > 0 { slot.flags.insert(.deferred) }
        if let lastNotice = history.lastNotice {
            for (number, interval) in warnIntervals.enumerated() where lastNotice - created >= interval {
                slot.noticed |= 1 << UInt8(number)
            }
        }
        try add(slot)
    }

    private mutating func add(_ slot: EnvelopeSlot) throws(SchedulerError) {
        if index.isEmpty(from: Self.firstID(ofMessageWith: slot.id), through: slot.id | 0xFFFF_FFFF) {
            messageCount += 1
        } else if index[slot.id] != nil {
            throw .alreadyKnown(envelopeID(slot.id))
        }
        let number = slots.insert(slot)
        index.insert(slot.id, slot: number)
        enqueue(number)
    }

    // MARK: Time

    /// Hands out what is due, at most ``SchedulerSettings/maximumSchedule`` envelopes.
    ///
    /// Call it again at ``nextDeadline(now:)``, which is `now` while there is more.
    package mutating func tick(now: Int64) -> [SchedulerOutput] {
        let moment = moment(now)
        var outputs: [SchedulerOutput] = []
        var deliveries: [EnvelopeID] = []
        var ordered: [EnvelopeID] = []
        var room = max(1, settings.maximumSchedule)
        while room > 0, let notice = notices.popFirst() {
            outputs.append(notice)
            room -= 1
        }
        // A slice keeps its array.
        if notices.isEmpty { notices = [] }
        var idleTurns = 0
        while room > 0, idleTurns <= lanes.count {
            let served: Bool
            if let lane = Lane(rawValue: turn) {
                served = serve(lane, at: moment, deliveries: &deliveries, ordered: &ordered, outputs: &outputs)
            } else {
                served = serveRemovals(outputs: &outputs)
            }
            turn = (turn + 1) % (lanes.count + 1)
            idleTurns = served ? 0 : idleTurns + 1
            if served { room -= 1 }
        }
        if !deliveries.isEmpty { outputs.append(.deliver(deliveries)) }
        if !ordered.isEmpty { outputs.append(.deliver(ordered, order: orders)) }
        return outputs
    }

    /// The moment of the next ``tick(now:)``, nil when only a new input can make one necessary.
    package func nextDeadline(now: Int64) -> Int64? {
        if removals.count > 0 || !notices.isEmpty { return now }
        var deadline: Int64?
        for lane in lanes {
            guard let (due, slot) = lane.first, mayServe(slots[slot]) else { continue }
            deadline = min(deadline ?? .max, max(now, origin + Int64(due)))
        }
        return deadline
    }

    private mutating func serve(
        _ lane: Lane, at moment: Int32, deliveries: inout [EnvelopeID], ordered: inout [EnvelopeID],
        outputs: inout [SchedulerOutput]
    ) -> Bool {
        guard let (due, number) = lanes[lane.rawValue].first, due <= moment, mayServe(slots[number]) else {
            return false
        }
        let id = envelopeID(slots[number].id)
        if slots[number].expiresWhenDue {
            forget(number)
            outputs.append(.expire(id))
        } else if slots[number].state == .held {
            if let notice = noticeWhileHeld(number, at: moment) { outputs.append(notice) }
        } else {
            withdraw(number)
            clearOverflow(number)
            slots[number].state = .inflight
            slots[number].next = moment
            inflightCount += 1
            if slots[number].flags.remove(.ordered) == nil { deliveries.append(id) } else { ordered.append(id) }
        }
        return true
    }

    private mutating func serveRemovals(outputs: inout [SchedulerOutput]) -> Bool {
        guard removals.count > 0 else { return false }
        let number = removals.first
        let id = envelopeID(slots[number].id)
        forget(number)
        outputs.append(.remove(id))
        return true
    }

    /// False when a try is due but may not be made: its kind is paused, or too much is inflight already.
    private func mayServe(_ slot: EnvelopeSlot) -> Bool {
        slot.expiresWhenDue || slot.state == .held
            || (inflightCount < settings.maximumInflight && !pausedKinds.contains(slot.kind))
    }
}

/// An input that contradicts what the scheduler knows: whoever sent it is mistaken.
package enum SchedulerError: Error, Hashable, Sendable {
    /// An envelope arrived twice.
    case alreadyKnown(EnvelopeID)
    /// A result for an envelope that was not handed out.
    case notInflight(EnvelopeID)
}

// MARK: Places of an envelope

extension Scheduler {
    /// Puts an envelope where its state and flags say: a lane, or nowhere.
    mutating func enqueue(_ number: SlotNumber) {
        if slots[number].state == .pending, slots[number].flags.contains(.suspended) { return }
        lanes[lane(of: slots[number]).rawValue].insert(number, in: &slots)
    }

    /// Takes an envelope out of its lane, its hold queue or the removals.
    mutating func withdraw(_ number: SlotNumber) {
        if slots[number].heapPosition >= 0 {
            lanes[lane(of: slots[number]).rawValue].remove(number, in: &slots)
        }
        switch slots[number].state {
        case .held: holdQueues.remove(number, in: &slots)
        case .removing: removals.remove(number, in: &slots)
        case .inflight: inflightCount -= 1
        case .pending: break
        }
    }

    /// Takes an envelope out of everything: it is no longer ours.
    mutating func forget(_ number: SlotNumber) {
        withdraw(number)
        clearOverflow(number)
        let id = slots[number].id
        index.remove(id)
        slots.remove(number)
        if index.isEmpty(from: Self.firstID(ofMessageWith: id), through: id | 0xFFFF_FFFF) { messageCount -= 1 }
    }

    mutating func clearOverflow(_ number: SlotNumber) {
        if slots[number].flags.remove(.overflowed) != nil { overflowCount -= 1 }
    }

    /// Which lane an envelope waits in. It depends on `deferred`, which changes only outside the lanes.
    func lane(of slot: EnvelopeSlot) -> Lane {
        switch slot.kind {
        case .bounce: .bounce
        case .local: .local
        case .relay: slot.flags.contains(.deferred) ? .deferredRelay : .newRelay
        }
    }

    /// Tells a sender that his message still waits, at the next tick.
    mutating func note(_ notice: SchedulerOutput?) {
        if let notice { notices.append(notice) }
    }

    /// The warn intervals that count, in the order of the configuration.
    var warnIntervals: ArraySlice<Int64> {
        settings.bounceWarnIntervals.prefix(SchedulerSettings.maximumWarnIntervals)
    }

    /// Seconds since the scheduler's start, as slots hold them: 68 years fit.
    func moment(_ now: Int64) -> Int32 {
        clamped(0, plus: max(0, now.subtractingReportingOverflow(origin).partialValue))
    }

    /// A sum within the times a slot can hold.
    func clamped(_ seconds: Int64, plus distance: Int64) -> Int32 {
        let (sum, overflow) = seconds.addingReportingOverflow(distance)
        if overflow { return distance < 0 ? .min : .max }
        return Int32(clamping: sum)
    }

    func envelopeID(_ rawValue: UInt64) -> EnvelopeID {
        // Every id in a slot was taken from an EnvelopeID.
        EnvelopeID(rawValue: rawValue)!
    }

    /// The lower end of the ids of one message, which no envelope has.
    static func firstID(ofMessageWith id: UInt64) -> UInt64 { id & 0xFFFF_FFFF_0000_0000 }
}
