import Envelopes
import Testing

@testable import Scheduling

@Suite("Hold queues") struct HoldTests {
    /// Envelopes 1 to `count`, all handed out and held for a holder.
    private func holding(_ count: UInt32, maximum: Int = 1_000, warnings: [Int64] = []) throws -> Scheduler {
        var scheduler = exactScheduler {
            $0.maximumHeld = maximum
            $0.bounceWarnIntervals = warnings
        }
        for number in 1...count { try scheduler.submitted(envelope(number), kind: .relay, timeToLive: day, now: 0) }
        for id in scheduler.deliveries(now: 0) { try scheduler.held(id, holder: 77, now: 0) }
        return scheduler
    }

    @Test func `a held envelope is neither tried nor inflight`() throws {
        var scheduler = try holding(3)
        #expect(scheduler.heldCount == 3)
        #expect(scheduler.holdQueueCount == 1)
        #expect(scheduler.inflightCount == 0)
        #expect(scheduler.drain(now: 3_600) == [])
        #expect(scheduler.status(of: envelope(1), now: 0)?.state == .held)
    }

    @Test func `a release lets those go that waited longest`() throws {
        var scheduler = try holding(5)
        #expect(scheduler.released(77, .first(2), now: 10) == 2)
        #expect(scheduler.deliveries(now: 10) == [envelope(1), envelope(2)])
        #expect(scheduler.released(77, .first(0), now: 10) == 0)
        #expect(scheduler.released(77, .first(-1), now: 10) == 0)
        #expect(scheduler.released(78, .all, now: 10) == 0)
        #expect(scheduler.released(77, .first(100), now: 10) == 3)
        #expect(Set(scheduler.deliveries(now: 10)) == [envelope(3), envelope(4), envelope(5)])
        #expect(scheduler.holdQueueCount == 0)
    }

    @Test func `a release of all as failed waits for the next point of the curve`() throws {
        var scheduler = try holding(3)
        #expect(scheduler.released(77, .allAsFailed, now: 500) == 3)
        #expect(scheduler.drain(now: 1_599) == [])
        #expect(scheduler.deliveries(now: 1_600).count == 3)
    }

    @Test func `one slow destination does not hold up another`() throws {
        var scheduler = try holding(1_000)
        try scheduler.submitted(envelope(1, of: 0x200), kind: .relay, timeToLive: day, now: 1)
        #expect(scheduler.tick(now: 1) == [.deliver([envelope(1, of: 0x200)])])
    }

    @Test func `a full hold queue sends the next envelope back for seconds`() throws {
        var scheduler = try holding(5, maximum: 4)
        #expect(scheduler.heldCount == 4)
        #expect(scheduler.overflowCount == 1)
        #expect(scheduler.nextDeadline(now: 0) == 3)
        #expect(scheduler.deliveries(now: 2) == [])
        #expect(scheduler.deliveries(now: 3) == [envelope(5)])
        #expect(scheduler.overflowCount == 0)
        #expect(scheduler.status(of: envelope(5), now: 3)?.attempts == 0)
        try scheduler.held(envelope(5), holder: 77, now: 3)
        #expect(scheduler.deliveries(now: 12) == [envelope(5)])
        #expect(scheduler.released(77, .first(1), now: 12) == 1)
        try scheduler.held(envelope(5), holder: 77, now: 12)
        #expect(scheduler.heldCount == 4)
        #expect(scheduler.overflowCount == 0)
    }

    @Test func `a held envelope expires in time`() throws {
        var scheduler = try holding(2)
        #expect(scheduler.nextDeadline(now: 0) == day)
        #expect(scheduler.drain(now: day - 1) == [])
        #expect(scheduler.drain(now: day).count == 2)
        #expect(scheduler.heldCount == 0)
        #expect(scheduler.holdQueueCount == 0)
        #expect(scheduler.released(77, .all, now: day) == 0)
    }

    @Test func `a held envelope can be removed, suspended and scheduled`() throws {
        var scheduler = try holding(3)
        #expect(scheduler.removeRequested(.envelope(envelope(1))) == 1)
        #expect(scheduler.suspendRequested(.envelope(envelope(2))) == 1)
        #expect(scheduler.scheduleRequested(.envelope(envelope(3)), now: 50) == 1)
        #expect(scheduler.heldCount == 0)
        #expect(Set(scheduler.drain(now: 50)) == [.remove(envelope(1)), .deliver([envelope(3)], order: 1)])
        #expect(scheduler.resumeRequested(.all) == 1)
        #expect(scheduler.deliveries(now: 50) == [envelope(2)])
    }

    // MARK: Delay notices

    @Test func `the sender of a held envelope hears of the delay when it is time, and it keeps its place`() throws {
        var scheduler = try holding(2, warnings: [4 * 3_600, 8 * 3_600])
        #expect(scheduler.nextDeadline(now: 0) == Int64(4 * 3_600))
        #expect(scheduler.drain(now: 4 * 3_600 - 1) == [])
        let first = [1, 2].map { SchedulerOutput.notifyDelay(envelope($0), after: 4 * 3_600) }
        #expect(scheduler.drain(now: 4 * 3_600) == first)
        #expect(scheduler.heldCount == 2 && scheduler.inflightCount == 0)
        #expect(scheduler.nextDeadline(now: 4 * 3_600) == Int64(8 * 3_600))
        #expect(scheduler.drain(now: 8 * 3_600).count == 2)
        #expect(scheduler.nextDeadline(now: 8 * 3_600) == day)
        #expect(scheduler.released(77, .first(1), now: 9 * 3_600) == 1)
        #expect(scheduler.deliveries(now: 9 * 3_600) == [envelope(1)])
        // It was told, whatever comes of the try.
        #expect(try scheduler.failedTemporarily(envelope(1), now: 9 * 3_600) == nil)
        #expect(scheduler.drain(now: day).contains(.expire(envelope(2))))
    }

    @Test func `of intervals that are over when it comes there, the longest is told alone`() throws {
        var scheduler = exactScheduler { $0.bounceWarnIntervals = [3_600, 60, 9 * 3_600] }
        try scheduler.submitted(envelope(1), kind: .local, timeToLive: day, now: 0)
        #expect(scheduler.deliveries(now: 0) == [envelope(1)])
        try scheduler.held(envelope(1), holder: 5, now: 4_000)
        #expect(scheduler.nextDeadline(now: 4_000) == 4_000)
        #expect(scheduler.drain(now: 4_000) == [.notifyDelay(envelope(1), after: 3_600)])
        #expect(scheduler.nextDeadline(now: 4_000) == Int64(9 * 3_600))
    }

    @Test func `neither paused deliveries nor many under way keep a notice back`() throws {
        var scheduler = try holding(1, warnings: [60])
        scheduler.settings.maximumInflight = 0
        _ = scheduler.paused(.relay)
        #expect(scheduler.drain(now: 60) == [.notifyDelay(envelope(1), after: 60)])
    }

    @Test func `one whose end comes first is not told of a delay`() throws {
        var scheduler = try holding(1, warnings: [day])
        #expect(scheduler.drain(now: day) == [.expire(envelope(1))])
    }

    @Test func `what a full hold queue sends back, and what it lets go as failed, is told as after a failure`() throws {
        var scheduler = try holding(2, maximum: 1, warnings: [1_000])
        #expect(scheduler.deliveries(now: 3) == [envelope(2)])
        try scheduler.held(envelope(2), holder: 77, now: 999)
        // The next try comes when the interval is over.
        #expect(scheduler.nextDeadline(now: 999) == 999)
        #expect(scheduler.drain(now: 999) == [.notifyDelay(envelope(2), after: 1_000)])
        #expect(scheduler.released(77, .allAsFailed, now: 999) == 1)
        #expect(scheduler.drain(now: 999) == [.notifyDelay(envelope(1), after: 1_000)])
        #expect(scheduler.deliveries(now: 1_600) == [envelope(2), envelope(1)])
    }
}
