import Envelopes
import Testing

@testable import Scheduling

@Suite("Clocks: a wall clock that jumps expires, holds back and re-sends nothing") struct ClockTests {
    private let created = Timestamp(seconds: 1_700_000_000)

    private func recover(
        into scheduler: inout Scheduler, age: Int64, attempts: UInt32, timeToLive: Int64 = 4 * day, now: Int64 = 0
    ) throws {
        try scheduler.recovered(
            envelope(1), kind: .relay, created: created, timeToLive: timeToLive,
            history: DeliveryHistory(attempts: attempts, lastAttempt: created), wallClock: created + age, now: now)
    }

    @Test func `an envelope read at start continues on its curve`() throws {
        var scheduler = exactScheduler(now: 7_777)
        try recover(into: &scheduler, age: 2_000, attempts: 3, now: 7_777)
        #expect(scheduler.nextDeadline(now: 7_777) == 9_377)
    }

    @Test func `one that came due while the server was down is tried at once`() throws {
        var scheduler = exactScheduler()
        try recover(into: &scheduler, age: 5_000, attempts: 2)
        #expect(scheduler.tick(now: 0) == [.deliver([envelope(1)])])
    }

    @Test(arguments: [4 * day, 5 * day, 36_500 * day, Int64.max / 2])
    func `one whose lifetime ran out while the server was down is tried once more, then expires`(_ age: Int64) throws {
        var scheduler = exactScheduler()
        try recover(into: &scheduler, age: age, attempts: 3)
        #expect(scheduler.drain(now: 0) == [.deliver([envelope(1)])])
        _ = try scheduler.failedTemporarily(envelope(1), now: 60)
        #expect(scheduler.drain(now: 60) == [.expire(envelope(1))])
    }

    @Test(arguments: [-1, -day, -36_500 * day, Int64.min / 2])
    func `one from the future, after the clock was set back, is tried soon and lives its full time`(_ age: Int64) throws {
        var scheduler = exactScheduler()
        try recover(into: &scheduler, age: age, attempts: 20)
        let first = try #require(scheduler.nextDeadline(now: 0))
        #expect(first <= 400)
        #expect(scheduler.drain(now: first) == [.deliver([envelope(1)])])
        _ = try scheduler.failedTemporarily(envelope(1), now: first)
        let second = try #require(scheduler.nextDeadline(now: first))
        #expect(second <= 3_600)
        #expect(scheduler.suspendRequested(.all) == 1)
        #expect(scheduler.drain(now: 4 * day - 1) == [])
    }

    @Test func `a running queue never sees the wall clock, whatever later arrivals say about it`() throws {
        var steady = exactScheduler()
        var jumping = exactScheduler()
        for number in UInt32(1)...50 {
            try steady.submitted(envelope(number), kind: .relay, timeToLive: 4 * day, now: Int64(number))
            try jumping.submitted(envelope(number), kind: .relay, timeToLive: 4 * day, now: Int64(number))
        }
        var events: [(Int64, [SchedulerOutput])] = []
        while let deadline = steady.nextDeadline(now: 0) {
            let outputs = steady.tick(now: deadline)
            events.append((deadline, outputs))
            for case .deliver(let ids, _) in outputs { for id in ids { _ = try steady.failedTemporarily(id, now: deadline) } }
        }
        #expect(events.count > 100)
        for (position, (deadline, outputs)) in events.enumerated() {
            // An envelope that appears with a clock a day ahead, or behind, and goes away again.
            let wall = Timestamp(seconds: 1_700_000_000 + deadline + (position % 2 == 0 ? day : -day))
            try jumping.recovered(
                envelope(9, of: 0x200), kind: .local, created: wall + -5, timeToLive: day,
                history: DeliveryHistory(attempts: 1, isSuspended: true), wallClock: wall, now: deadline)
            #expect(jumping.removeRequested(.envelope(envelope(9, of: 0x200))) == 1)
            #expect(jumping.nextDeadline(now: deadline) == deadline)
            let seen = jumping.drain(now: deadline).filter { $0 != .remove(envelope(9, of: 0x200)) }
            for case .deliver(let ids, _) in seen { for id in ids { _ = try jumping.failedTemporarily(id, now: deadline) } }
            #expect(seen == outputs)
        }
        #expect(jumping.count == 0)
    }

    @Test func `a monotonic clock that starts anywhere, or stumbles, does no harm`() throws {
        for start in [Int64.min, -5, 0, Int64.max - 10] {
            var scheduler = exactScheduler(now: start)
            try scheduler.submitted(envelope(1), kind: .relay, timeToLive: day, now: start)
            #expect(scheduler.deliveries(now: start) == [envelope(1)])
        }
        var scheduler = exactScheduler(now: 1_000)
        try scheduler.submitted(envelope(1), kind: .relay, timeToLive: day, now: 900)
        #expect(scheduler.deliveries(now: 0) == [envelope(1)])
        #expect(try scheduler.failedTemporarily(envelope(1), now: 0) == nil)
        #expect(scheduler.nextDeadline(now: 1_000) == 1_400)
    }

    @Test(arguments: [Int64.min, -1, 0])
    func `a lifetime of nothing expires at once`(_ timeToLive: Int64) throws {
        var scheduler = exactScheduler()
        try scheduler.submitted(envelope(1), kind: .relay, timeToLive: timeToLive, now: 0)
        #expect(scheduler.drain(now: 0) == [.expire(envelope(1))])
    }

    @Test func `a lifetime without end does not overflow`() throws {
        var scheduler = exactScheduler()
        try scheduler.submitted(envelope(1), kind: .relay, timeToLive: .max, now: 5)
        try scheduler.recovered(
            envelope(2), kind: .relay, created: Timestamp(seconds: .min), timeToLive: .max,
            history: DeliveryHistory(attempts: .max), wallClock: Timestamp(seconds: .max), now: 5)
        #expect(Set(scheduler.deliveries(now: 5)).contains(envelope(1)))
    }
}
