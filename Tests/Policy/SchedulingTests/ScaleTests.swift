import Envelopes
import SeededTesting
import Testing

@testable import Scheduling

@Suite("A long queue") struct ScaleTests {
    #if DEBUG
        static let count = 60_000
    #else
        static let count = 1_000_000
    #endif

    @Test func `costs at most 110 bytes an envelope and gives them back`() throws {
        #expect(MemoryLayout<EnvelopeSlot>.stride == 48)
        var generator = SplitMix64(seed: 3)
        var scheduler = Scheduler(now: 0)
        let clock = ContinuousClock()
        let ids = (0..<Self.count).map { _ in EnvelopeID(rawValue: generator.next() | 1 << 32 | 1)! }
        let wall = Timestamp(seconds: 1_700_000_000)
        let loading = clock.measure {
            for (number, id) in ids.enumerated() {
                // A clash of random ids is one envelope less.
                try? scheduler.recovered(
                    id, kind: number % 3 == 0 ? .local : .relay, created: wall + -Int64(number % 200_000),
                    timeToLive: 4 * day, history: DeliveryHistory(attempts: UInt32(number % 20)), wallClock: wall, now: 0)
            }
        }
        let each = Double(scheduler.footprint) / Double(scheduler.count)
        #expect(each <= 110)

        // Weeks pass: everything is tried, fails and expires.
        scheduler.settings.maximumSchedule = 1_000
        var expired = 0
        var tries = 0
        let draining = try clock.measure {
            while let deadline = scheduler.nextDeadline(now: 0) {
                for output in scheduler.tick(now: deadline) {
                    switch output {
                    case .deliver(let ids, _):
                        tries += ids.count
                        for id in ids { _ = try scheduler.failedTemporarily(id, now: deadline + 3 * day) }
                    case .expire: expired += 1
                    case .remove, .notifyDelay: Issue.record("unexpected \(output)")
                    }
                }
            }
        }
        print("\(Self.count) envelopes: loaded in \(loading), \(each) bytes each, \(tries) tries in \(draining)")
        #expect(expired >= Self.count - 1)
        #expect(scheduler.count == 0)
        #expect(scheduler.footprint < 10_000)
    }
}

extension Scheduler {
    /// Bytes the containers hold, unused capacity included.
    fileprivate var footprint: Int {
        slots.footprint + index.footprint + lanes.reduce(0) { $0 + $1.footprint }
    }
}
