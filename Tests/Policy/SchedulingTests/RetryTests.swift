import Envelopes
import SeededTesting
import Testing

@testable import Scheduling

@Suite("When an envelope is tried again: created + base * n * n") struct RetryTests {
    @Test func `a relay is tried at 400, 1600, 3600, 6400 seconds and so on until it expires`() throws {
        var scheduler = exactScheduler(now: 1_000)
        try scheduler.submitted(envelope(1), kind: .relay, timeToLive: 4 * day, now: 1_000)
        var tries: [Int64] = []
        var end: Int64?
        while let deadline = scheduler.nextDeadline(now: 0) {
            switch scheduler.tick(now: deadline) {
            case [.deliver([envelope(1)])]:
                tries.append(deadline - 1_000)
                _ = try scheduler.failedTemporarily(envelope(1), now: deadline)
            case [.expire(envelope(1))]:
                end = deadline - 1_000
            case let other:
                Issue.record("unexpected \(other)")
                return
            }
        }
        #expect(tries == (0...29).map { Int64(400 * $0 * $0) })
        #expect(end == 4 * day)
        #expect(scheduler.count == 0)
    }

    @Test(arguments: [DeliveryKind.local, .bounce])
    func `local deliveries and bounces are tried at 10, 40, 90, 160 seconds`(_ kind: DeliveryKind) throws {
        var scheduler = exactScheduler()
        try scheduler.submitted(envelope(1), kind: kind, timeToLive: day, now: 0)
        var tries: [Int64] = []
        for _ in 0..<5 {
            let deadline = try #require(scheduler.nextDeadline(now: 0))
            #expect(scheduler.tick(now: deadline) == [.deliver([envelope(1)])])
            tries.append(deadline)
            _ = try scheduler.failedTemporarily(envelope(1), now: deadline)
        }
        #expect(tries == [0, 10, 40, 90, 160])
    }

    @Test func `a try that took long skips the points of the curve that passed meanwhile`() throws {
        var scheduler = exactScheduler()
        try scheduler.submitted(envelope(1), kind: .relay, timeToLive: 4 * day, now: 0)
        _ = scheduler.tick(now: 0)
        _ = try scheduler.failedTemporarily(envelope(1), now: 1_600)
        #expect(scheduler.nextDeadline(now: 1_600) == 3_600)
        _ = scheduler.tick(now: 3_600)
        _ = try scheduler.failedTemporarily(envelope(1), now: 6_399)
        #expect(scheduler.nextDeadline(now: 6_399) == 6_400)
    }

    @Test func `tries that an operator forced do not push the next one out for weeks`() throws {
        var scheduler = exactScheduler()
        try scheduler.submitted(envelope(1), kind: .relay, timeToLive: 4 * day, now: 0)
        _ = scheduler.tick(now: 0)
        for second in 0..<Int64(1_000) {
            _ = try scheduler.failedTemporarily(envelope(1), now: second / 10)
            #expect(scheduler.scheduleRequested(.all, now: second / 10) == 1)
            #expect(scheduler.tick(now: second / 10) == [.deliver([envelope(1)], order: UInt64(second) + 1)])
        }
        _ = try scheduler.failedTemporarily(envelope(1), now: 100)
        #expect(scheduler.nextDeadline(now: 100) == 1_600)
    }

    @Test func `the step after an age is the smallest whose point lies after it`() {
        var generator = SplitMix64(seed: 1)
        for base in [1, 3, 10, 400, Int64(Int32.max)] {
            let curve = RetryCurve(base: base)
            for _ in 0..<2_000 {
                let age = Int64.random(in: 0...Int64(UInt32.max), using: &generator)
                let n = curve.step(after: age)
                #expect(base * n * n > age)
                #expect(n == 0 || base * (n - 1) * (n - 1) <= age)
            }
            #expect(curve.step(after: 0) == 1)
            #expect(curve.step(after: base - 1) == 1)
            #expect(curve.step(after: base) == 2)
            #expect(curve.step(after: -1) == 0)
        }
    }

    @Test func `jitter is the same every time, at most a tenth of the wait, and keeps a herd apart`() throws {
        var moments: [Int64: Int] = [:]
        for id in UInt64(1)...4_000 {
            let jitter = RetryCurve.jitter(for: id, attempts: 1, wait: 400, limit: 60)
            #expect(jitter == RetryCurve.jitter(for: id, attempts: 1, wait: 400, limit: 60))
            #expect((0...40).contains(jitter))
            moments[jitter, default: 0] += 1
        }
        #expect(moments.count == 41)
        #expect(try #require(moments.values.max()) < 200)
        #expect((UInt64(1)...1_000).allSatisfy { (0...60).contains(RetryCurve.jitter(for: $0, attempts: 9, wait: 90_000, limit: 60)) })
        #expect(RetryCurve.jitter(for: 7, attempts: 1, wait: 9, limit: 60) == 0)
        #expect(RetryCurve.jitter(for: 7, attempts: 1, wait: 400, limit: 0) == 0)
    }

    @Test func `a thousand messages that failed in one second do not come back in one second`() throws {
        var scheduler = Scheduler(now: 0)
        for number in UInt32(1)...1_000 {
            try scheduler.submitted(envelope(1, of: number), kind: .relay, timeToLive: day, now: 0)
        }
        for id in scheduler.deliveries(now: 0) { _ = try scheduler.failedTemporarily(id, now: 0) }
        #expect(scheduler.deliveries(now: 399) == [])
        var largest = 0
        for second in Int64(400)...440 { largest = max(largest, scheduler.deliveries(now: second).count) }
        #expect(scheduler.inflightCount == 1_000)
        #expect(largest < 60)
    }
}

@Suite("Recipients of one message") struct RecipientTests {
    @Test func `come back together, so that they can share a transaction`() throws {
        var scheduler = Scheduler(now: 0)
        for number in UInt32(1)...10 {
            try scheduler.submitted(envelope(number), kind: .relay, timeToLive: day, now: 0)
            try scheduler.submitted(envelope(number, of: 0x200), kind: .relay, timeToLive: day, now: 0)
        }
        for id in scheduler.deliveries(now: 0) { _ = try scheduler.failedTemporarily(id, now: 0) }
        let batch = scheduler.tick(now: try #require(scheduler.nextDeadline(now: 0)))
        guard case .deliver(let ids, _) = batch.first else { Issue.record("no delivery"); return }
        #expect(ids.count == 10)
        #expect(Set(ids.map(\.message)).count == 1)
    }
}

@Suite("Delay notices (bounce warn-interval)") struct DelayNoticeTests {
    private func notices(
        _ intervals: [Int64], kind: DeliveryKind = .relay, timeToLive: Int64 = 4 * day
    ) throws -> [(at: Int64, after: Int64)] {
        var scheduler = exactScheduler { $0.bounceWarnIntervals = intervals }
        try scheduler.submitted(envelope(1), kind: kind, timeToLive: timeToLive, now: 0)
        var result: [(at: Int64, after: Int64)] = []
        while let deadline = scheduler.nextDeadline(now: 0) {
            guard case .deliver = scheduler.tick(now: deadline).first else { continue }
            if case .notifyDelay(envelope(1), let interval) = try scheduler.failedTemporarily(envelope(1), now: deadline) {
                result.append((deadline, interval))
            }
        }
        return result
    }

    @Test func `one is asked for when the next try falls at or after the interval`() throws {
        let single = try notices([4 * 3_600])
        // The points of the curve around four hours are 10000 and 14400.
        #expect(single.map(\.at) == [10_000])
        #expect(single.map(\.after) == [14_400])
        #expect(try notices([14_401]).map(\.at) == [14_400])
    }

    @Test func `each interval gives one notice, at most one after each try`() throws {
        let several = try notices([400, 401, 100_000])
        #expect(several.map(\.at) == [0, 400, 90_000])
        #expect(several.map(\.after) == [400, 401, 100_000])
    }

    @Test func `the first four intervals count`() throws {
        #expect(try notices([400, 1_600, 3_600, 6_400, 10_000]).map(\.after) == [400, 1_600, 3_600, 6_400])
    }

    @Test func `a bounce gives none`() throws {
        #expect(try notices([10], kind: .bounce).isEmpty)
    }

    @Test func `one that was sent before a restart is not sent again`() throws {
        let created = Timestamp(seconds: 1_700_000_000)
        for (lastNotice, expected) in [
            (nil, SchedulerOutput.notifyDelay(envelope(1), after: 1_600)),
            (created + 1_600, .notifyDelay(envelope(1), after: 3_600)),
            (created + 3_600, nil),
        ] as [(Timestamp?, SchedulerOutput?)] {
            var scheduler = exactScheduler(now: 50) { $0.bounceWarnIntervals = [1_600, 3_600] }
            try scheduler.recovered(
                envelope(1), kind: .relay, created: created, timeToLive: day,
                history: DeliveryHistory(attempts: 2, lastNotice: lastNotice), wallClock: created + 3_000, now: 50)
            #expect(scheduler.tick(now: 50) == [.deliver([envelope(1)])])
            #expect(try scheduler.failedTemporarily(envelope(1), now: 50) == expected)
        }
    }
}
