import Envelopes
import Testing

@testable import Scheduling

@Suite("Turns: no kind of envelope starves another") struct OrderTests {
    @Test func `a batch holds at most the limit, and there is more at once`() throws {
        var scheduler = exactScheduler()
        for number in UInt32(1)...11 { try scheduler.submitted(envelope(number), kind: .relay, timeToLive: day, now: 0) }
        #expect(scheduler.tick(now: 0) == [.deliver((1...10).map { envelope($0) })])
        #expect(scheduler.nextDeadline(now: 0) == 0)
        #expect(scheduler.tick(now: 0) == [.deliver([envelope(11)])])
        #expect(scheduler.nextDeadline(now: 0) == nil)
    }

    @Test func `bounces, local and relayed mail share a batch however many relays wait`() throws {
        var scheduler = exactScheduler()
        for number in UInt32(1)...1_000 { try scheduler.submitted(envelope(number), kind: .relay, timeToLive: day, now: 0) }
        for number in UInt32(1)...20 {
            try scheduler.submitted(envelope(number, of: 0x200), kind: .local, timeToLive: day, now: 9)
            try scheduler.submitted(envelope(number, of: 0x300), kind: .bounce, timeToLive: day, now: 9)
        }
        #expect(scheduler.removeRequested(.envelope(envelope(1_000))) == 1)
        let outputs = scheduler.tick(now: 9)
        #expect(outputs.contains(.remove(envelope(1_000))))
        guard case .deliver(let ids, _) = outputs.last else { Issue.record("no delivery"); return }
        #expect(ids.count == 9)
        #expect(ids.count { $0.message.rawValue == 0x100 } == 3)
        #expect(ids.count { $0.message.rawValue == 0x200 } == 3)
        #expect(ids.count { $0.message.rawValue == 0x300 } == 3)
    }

    @Test func `turns go on from batch to batch, with batches of one too`() throws {
        var scheduler = exactScheduler { $0.maximumSchedule = 1 }
        for number in UInt32(1)...100 { try scheduler.submitted(envelope(number), kind: .bounce, timeToLive: day, now: 0) }
        try scheduler.submitted(envelope(1, of: 0x200), kind: .relay, timeToLive: day, now: 0)
        var waited = 0
        while scheduler.tick(now: 0) != [.deliver([envelope(1, of: 0x200)])] { waited += 1 }
        #expect(waited <= 2)
    }

    @Test func `new mail does not stand behind what piled up during an outage`() throws {
        var scheduler = exactScheduler()
        for number in UInt32(1)...5_000 { try scheduler.submitted(envelope(number), kind: .relay, timeToLive: day, now: 0) }
        for id in scheduler.deliveries(now: 0) { _ = try scheduler.failedTemporarily(id, now: 0) }
        try scheduler.submitted(envelope(1, of: 0x200), kind: .relay, timeToLive: day, now: 10_000)
        let first = scheduler.tick(now: 10_000)
        guard case .deliver(let ids, _) = first.first else { Issue.record("no delivery"); return }
        #expect(ids.contains(envelope(1, of: 0x200)))
        #expect(ids.count == 10)
    }

    @Test func `what comes due first goes first within a lane`() throws {
        var scheduler = exactScheduler()
        for number in (UInt32(1)...30).reversed() {
            try scheduler.submitted(envelope(number), kind: .local, timeToLive: day, now: Int64(number))
        }
        #expect(scheduler.deliveries(now: 100) == (1...30).map { envelope($0) })
    }

    @Test func `at the limit of inflight envelopes nothing more is handed out, but ends are`() throws {
        var scheduler = exactScheduler { $0.maximumInflight = 3 }
        for number in UInt32(1)...5 { try scheduler.submitted(envelope(number), kind: .local, timeToLive: day, now: 0) }
        try scheduler.submitted(envelope(6), kind: .bounce, timeToLive: 0, now: 5)
        #expect(scheduler.deliveries(now: 0).count == 3)
        #expect(scheduler.inflightCount == 3)
        #expect(scheduler.nextDeadline(now: 1) == 5)
        let waiting = try #require(scheduler.envelopes(of: nil, after: nil, now: 0).first { $0.state == .pending(in: 0) }).id
        #expect(scheduler.removeRequested(.envelope(waiting)) == 1)
        #expect(scheduler.drain(now: 5).sorted { "\($0)" < "\($1)" } == [.expire(envelope(6)), .remove(waiting)])
        #expect(scheduler.nextDeadline(now: 5) == nil)
        let id = try #require(scheduler.envelopes(of: nil, after: nil, now: 5).first { $0.state == .inflight(since: 5) }).id
        try scheduler.delivered(id)
        #expect(scheduler.nextDeadline(now: 5) == 5)
        #expect(scheduler.deliveries(now: 5).count == 1)
    }

    @Test func `a paused kind waits without keeping the timer busy, the others go on`() throws {
        var scheduler = exactScheduler()
        try scheduler.submitted(envelope(1), kind: .relay, timeToLive: day, now: 0)
        try scheduler.submitted(envelope(2), kind: .local, timeToLive: day, now: 0)
        #expect(scheduler.paused(.relay) == true)
        #expect(scheduler.paused(.relay) == false)
        #expect(scheduler.deliveries(now: 0) == [envelope(2)])
        #expect(scheduler.nextDeadline(now: 0) == nil)
        #expect(scheduler.resumed(.relay) == true)
        #expect(scheduler.resumed(.relay) == false)
        #expect(scheduler.nextDeadline(now: 0) == 0)
        #expect(scheduler.deliveries(now: 0) == [envelope(1)])
    }

    @Test func `a pause longer than a lifetime ends with a try, not with an expiry`() throws {
        var scheduler = exactScheduler()
        try scheduler.submitted(envelope(1), kind: .relay, timeToLive: day, now: 0)
        #expect(scheduler.paused(.relay) == true)
        #expect(scheduler.drain(now: 9 * day) == [])
        #expect(scheduler.resumed(.relay) == true)
        #expect(scheduler.drain(now: 9 * day) == [.deliver([envelope(1)])])
    }
}
