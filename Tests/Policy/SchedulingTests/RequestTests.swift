import Envelopes
import Testing

@testable import Scheduling

@Suite("What operators ask (smtpctl pause, resume, remove, schedule, show queue)") struct RequestTests {
    private func scheduler(_ numbers: ClosedRange<UInt32>) throws -> Scheduler {
        var scheduler = exactScheduler()
        for number in numbers {
            try scheduler.submitted(envelope(number), kind: .relay, timeToLive: day, now: 0)
            try scheduler.submitted(envelope(number, of: 0x200), kind: .local, timeToLive: day, now: 0)
        }
        return scheduler
    }

    @Test func `an envelope arrives once`() throws {
        var scheduler = try scheduler(1...2)
        #expect(throws: SchedulerError.alreadyKnown(envelope(1))) {
            try scheduler.submitted(envelope(1), kind: .relay, timeToLive: day, now: 0)
        }
        #expect(scheduler.count == 4)
        #expect(scheduler.messageCount == 2)
    }

    @Test func `a result counts only for what was handed out`() throws {
        var scheduler = try scheduler(1...1)
        #expect(throws: SchedulerError.notInflight(envelope(1))) { try scheduler.delivered(envelope(1)) }
        #expect(throws: SchedulerError.notInflight(envelope(9))) { try scheduler.failedPermanently(envelope(9)) }
        #expect(throws: SchedulerError.notInflight(envelope(1))) { try scheduler.held(envelope(1), holder: 1, now: 0) }
        _ = scheduler.drain(now: 0)
        try scheduler.delivered(envelope(1))
        #expect(throws: SchedulerError.notInflight(envelope(1))) {
            _ = try scheduler.failedTemporarily(envelope(1), now: 0)
        }
        #expect(scheduler.count == 1)
        #expect(scheduler.messageCount == 1)
    }

    @Test func `selections are one envelope, one message, or all`() throws {
        var scheduler = try scheduler(1...10)
        #expect(scheduler.suspendRequested(.envelope(envelope(1))) == 1)
        #expect(scheduler.suspendRequested(.envelope(envelope(1))) == 0)
        #expect(scheduler.suspendRequested(.envelope(envelope(99))) == 0)
        #expect(scheduler.suspendRequested(.message(MessageID(rawValue: 0x100)!)) == 9)
        #expect(scheduler.suspendRequested(.message(MessageID(rawValue: 0x101)!)) == 0)
        #expect(scheduler.suspendRequested(.all) == 10)
        #expect(scheduler.drain(now: 2 * day) == [])
        #expect(scheduler.nextDeadline(now: 0) == nil)
        #expect(scheduler.resumeRequested(.message(MessageID(rawValue: 0x200)!)) == 10)
        #expect(Set(scheduler.deliveries(now: 0)) == Set((1...10).map { envelope($0, of: 0x200) }))
    }

    @Test func `what is suspended is not scheduled, and does not expire before it is resumed`() throws {
        var scheduler = exactScheduler()
        try scheduler.submitted(envelope(1), kind: .relay, timeToLive: day, now: 0)
        _ = scheduler.drain(now: 0)
        _ = try scheduler.failedTemporarily(envelope(1), now: day - 5)
        #expect(scheduler.suspendRequested(.all) == 1)
        #expect(scheduler.scheduleRequested(.all, now: day - 4) == 0)
        #expect(scheduler.drain(now: 30 * day) == [])
        #expect(scheduler.resumeRequested(.all) == 1)
        #expect(scheduler.drain(now: 30 * day) == [.expire(envelope(1))])
    }

    @Test func `what is inflight is suspended or removed when it comes back`() throws {
        var scheduler = try scheduler(1...4)
        _ = scheduler.drain(now: 0)
        #expect(scheduler.removeRequested(.envelope(envelope(1))) == 1)
        #expect(scheduler.removeRequested(.envelope(envelope(1))) == 0)
        #expect(scheduler.removeRequested(.envelope(envelope(2))) == 1)
        #expect(scheduler.removeRequested(.envelope(envelope(3))) == 1)
        #expect(scheduler.suspendRequested(.envelope(envelope(4))) == 1)
        #expect(scheduler.scheduleRequested(.all, now: 0) == 0)
        #expect(scheduler.drain(now: 0) == [])
        try scheduler.delivered(envelope(1))
        _ = try scheduler.failedTemporarily(envelope(2), now: 0)
        try scheduler.held(envelope(3), holder: 5, now: 0)
        _ = try scheduler.failedTemporarily(envelope(4), now: 0)
        #expect(scheduler.heldCount == 0)
        #expect(scheduler.drain(now: day - 1) == [.remove(envelope(2)), .remove(envelope(3))])
        #expect(scheduler.status(of: envelope(4), now: 0)?.isSuspended == true)
    }

    @Test func `what arrives in quarantine waits until it is resumed`() throws {
        var scheduler = exactScheduler()
        try scheduler.submitted(envelope(1), kind: .local, timeToLive: day, isSuspended: true, now: 0)
        #expect(scheduler.status(of: envelope(1), now: 0)?.isSuspended == true)
        #expect(scheduler.drain(now: 10) == [])
        #expect(scheduler.resumeRequested(.envelope(envelope(1))) == 1)
        #expect(scheduler.deliveries(now: 10) == [envelope(1)])
    }

    @Test func `schedule makes a waiting envelope due now`() throws {
        var scheduler = exactScheduler()
        try scheduler.submitted(envelope(1), kind: .relay, timeToLive: day, now: 0)
        _ = scheduler.drain(now: 0)
        _ = try scheduler.failedTemporarily(envelope(1), now: 0)
        #expect(scheduler.drain(now: 10) == [])
        #expect(scheduler.scheduleRequested(.all, now: 10) == 1)
        #expect(scheduler.nextDeadline(now: 10) == 10)
        #expect(scheduler.deliveries(now: 10) == [envelope(1)])
    }

    @Test func `what an operator made due is handed out apart, with the number of his order, once`() throws {
        var scheduler = try scheduler(1...4)
        _ = scheduler.drain(now: 0)
        for number in UInt32(1)...3 { _ = try scheduler.failedTemporarily(envelope(number), now: 0) }
        try scheduler.held(envelope(4), holder: 5, now: 0)
        #expect(scheduler.scheduleRequested(.envelope(envelope(1)), now: 10) == 1)
        #expect(scheduler.scheduleRequested(.envelopes([envelope(2), envelope(4)]), now: 10) == 2)
        scheduler.retryAdvised([envelope(3)], now: 10)
        let outputs = scheduler.drain(now: 10)
        #expect(outputs.contains(.deliver([envelope(3)])))
        let ordered = outputs.compactMap { if case .deliver(let ids, order: 2) = $0 { ids } else { nil } }
        #expect(Set(ordered.joined()) == Set([1, 2, 4].map { envelope($0) }))
        _ = try scheduler.failedTemporarily(envelope(1), now: 10)
        #expect(scheduler.deliveries(now: 10) == [])
        let later = scheduler.drain(now: 20_000)
        #expect(later.contains { if case .deliver(let ids, order: nil) = $0 { ids.contains(envelope(1)) } else { false } }, "\(later)")
    }

    @Test func `a state shows the seconds to the next try and since the last`() throws {
        var scheduler = try scheduler(1...1)
        #expect(scheduler.status(of: envelope(1), now: 5)?.state == .pending(in: -5))
        _ = scheduler.drain(now: 10)
        #expect(scheduler.status(of: envelope(1), now: 25)?.state == .inflight(since: 15))
        _ = try scheduler.failedTemporarily(envelope(1), now: 30)
        #expect(scheduler.status(of: envelope(1), now: 30) == EnvelopeStatus(
            id: envelope(1), kind: .relay, state: .pending(in: 370), attempts: 1, isSuspended: false))
        #expect(scheduler.removeRequested(.envelope(envelope(1))) == 1)
        #expect(scheduler.status(of: envelope(1), now: 30)?.state == .removing)
        #expect(scheduler.status(of: envelope(7), now: 30) == nil)
    }

    @Test func `pages list everything once, in order, while the queue changes`() throws {
        var scheduler = exactScheduler { $0.maximumEnvelopeBatch = 7; $0.maximumMessageBatch = 3 }
        for message in UInt32(1)...10 {
            for number in UInt32(1)...5 {
                try scheduler.submitted(envelope(number, of: message), kind: .relay, timeToLive: day, now: 0)
            }
        }
        try scheduler.submitted(envelope(.max, of: .max), kind: .relay, timeToLive: day, now: 0)
        var messages: [UInt32] = []
        var previous: MessageID?
        while true {
            let page = scheduler.messages(after: previous)
            #expect(page.count <= 3)
            guard let last = page.last else { break }
            messages += page.map(\.rawValue)
            previous = last
            // What was listed goes away; what follows is not missed for it.
            _ = scheduler.removeRequested(.message(page[0]))
            _ = scheduler.drain(now: -1)
        }
        #expect(messages == Array(1...10) + [.max])

        var envelopes: [EnvelopeID] = []
        while true {
            let page = scheduler.envelopes(of: nil, after: envelopes.last, now: 0)
            #expect(page.count <= 7)
            if page.isEmpty { break }
            envelopes += page.map(\.id)
        }
        #expect(envelopes.count == scheduler.count)
        #expect(envelopes == envelopes.sorted())
        let third = scheduler.envelopes(of: MessageID(rawValue: 3)!, after: nil, now: 0).map(\.id)
        #expect(third == (1...5).map { envelope($0, of: 3) })
        #expect(scheduler.envelopes(of: MessageID(rawValue: 3)!, after: third.last, now: 0).isEmpty)
        #expect(scheduler.envelopes(of: MessageID(rawValue: .max)!, after: envelope(.max, of: .max), now: 0).isEmpty)
    }
}
