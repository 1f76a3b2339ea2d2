import Envelopes

/// When senders hear that their messages still wait.
extension Scheduler {
    /// After a failed try: a notice when the next one falls at or after a warn interval that the sender was not yet told
    /// of; at most one, and none for a bounce.
    mutating func delayNotice(for number: SlotNumber) -> SchedulerOutput? {
        let slot = slots[number]
        guard slot.kind != .bounce else { return nil }
        for (position, interval) in warnIntervals.enumerated() {
            let bit = UInt8(1) << UInt8(position)
            guard slot.noticed & bit == 0, slot.next >= clamped(Int64(slot.created), plus: interval) else { continue }
            slots[number].noticed |= bit
            return .notifyDelay(envelopeID(slot.id), after: interval)
        }
        return nil
    }

    // MARK: On a hold queue

    /// When the first notice is due that was not sent; the far future for none.
    func nextNotice(for slot: EnvelopeSlot) -> Int32 {
        guard slot.kind != .bounce else { return .max }
        var next = Int32.max
        for (position, interval) in warnIntervals.enumerated() where slot.noticed & 1 << UInt8(position) == 0 {
            next = min(next, clamped(Int64(slot.created), plus: interval))
        }
        return next
    }

    /// Time has come to tell the sender of a held envelope. It keeps its place on the hold queue.
    ///
    /// - Returns: One notice, of the longest interval that is over; nil when there is none any more, since the settings
    ///   have changed.
    mutating func noticeWhileHeld(_ number: SlotNumber, at moment: Int32) -> SchedulerOutput? {
        lanes[lane(of: slots[number]).rawValue].remove(number, in: &slots)
        var longest: Int64?
        for (position, interval) in warnIntervals.enumerated() {
            let bit = UInt8(1) << UInt8(position)
            guard slots[number].noticed & bit == 0, clamped(Int64(slots[number].created), plus: interval) <= moment
            else { continue }
            slots[number].noticed |= bit
            longest = max(longest ?? interval, interval)
        }
        slots[number].notice = nextNotice(for: slots[number])
        enqueue(number)
        return longest.map { .notifyDelay(envelopeID(slots[number].id), after: $0) }
    }
}
