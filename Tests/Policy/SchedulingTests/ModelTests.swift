import Envelopes
import SeededTesting
import Testing

@testable import Scheduling

/// The scheduler's rules without its structures: a dictionary, and a look at everything for every question.
private struct NaiveScheduler {
    struct Item {
        var kind: DeliveryKind
        var created: Int64
        var expiry: Int64
        var next: Int64
        var attempts: Int64 = 0
        var state = State.pending
        var isSuspended = false
        var removal = false
        /// Its sender was told of the delay.
        var isNoticed = false
    }
    enum State: Equatable {
        case pending, inflight, removing
        case held(UInt64)
    }

    var items: [EnvelopeID: Item] = [:]
    /// Arrivals on hold queues in order.
    var holds: [EnvelopeID] = []
    var paused: Set<DeliveryKind> = []
    /// Envelopes whose senders are to be told at the next tick.
    var notices: [EnvelopeID] = []
    /// Seconds.
    static let interval: Int64 = 7_000

    func mayBeNoticed(_ item: Item) -> Bool { !item.isNoticed && item.kind != .bounce }

    /// The next try of one that was not tried was set.
    mutating func noteDelay(of id: EnvelopeID) {
        guard let item = items[id], mayBeNoticed(item), item.next >= item.created + Self.interval else { return }
        items[id]!.isNoticed = true
        notices.append(id)
    }

    func end(_ item: Item) -> Bool {
        if case .held = item.state { return true }
        return item.next >= item.expiry
    }

    func isServable(_ item: Item) -> Bool {
        switch item.state {
        case .inflight: false
        case .removing: true
        case .held: true
        case .pending: !item.isSuspended && (end(item) || !paused.contains(item.kind))
        }
    }

    func due(_ item: Item) -> Int64 {
        switch item.state {
        case .held: mayBeNoticed(item) ? min(item.expiry, item.created + Self.interval) : item.expiry
        case .removing: .min
        default: min(item.next, item.expiry)
        }
    }

    /// The next point of the curve, found by walking.
    mutating func putOff(_ id: EnvelopeID, base: Int64, now: Int64) {
        guard var item = items[id] else { return }
        var step: Int64 = 0
        while item.created + base * step * step <= now { step += 1 }
        if item.attempts > step { step += 1 }
        item.next = item.created + base * step * step
        items[id] = item
    }
}

@Suite("The scheduler against a naive one") struct ModelTests {
    private static let bases: [DeliveryKind: Int64] = [.relay: 400, .local: 10, .bounce: 10]

    @Test(arguments: 1...12)
    func `both agree through weeks of random events`(_ seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        var scheduler = exactScheduler { $0.maximumHeld = 6; $0.bounceWarnIntervals = [NaiveScheduler.interval] }
        var naive = NaiveScheduler()
        var now: Int64 = 0

        for _ in 0..<1_500 {
            now += [0, 1, 7, 60, 900, 7_200].randomElement(using: &generator)!
            let known = naive.items.keys.sorted()
            let someone = known.randomElement(using: &generator) ?? envelope(1)
            let inflight = known.filter { naive.items[$0]?.state == .inflight }.randomElement(using: &generator)
            switch Int.random(in: 0..<17, using: &generator) {
            case 0...4:
                let id = envelope(UInt32.random(in: 1...40, using: &generator), of: UInt32.random(in: 1...9, using: &generator))
                let kind = DeliveryKind.allCases.randomElement(using: &generator)!
                let lifetime = Int64.random(in: 0...2 * day, using: &generator)
                if naive.items[id] == nil {
                    try scheduler.submitted(id, kind: kind, timeToLive: lifetime, now: now)
                    naive.items[id] = .init(kind: kind, created: now, expiry: now + lifetime, next: now)
                } else {
                    #expect(throws: SchedulerError.alreadyKnown(id)) {
                        try scheduler.submitted(id, kind: kind, timeToLive: lifetime, now: now)
                    }
                }
            case 5, 6:
                guard let inflight else { continue }
                if Bool.random(using: &generator) {
                    try scheduler.delivered(inflight)
                } else {
                    try scheduler.failedPermanently(inflight)
                }
                naive.items[inflight] = nil
            case 7...9:
                guard let inflight, let item = naive.items[inflight] else { continue }
                let notice = try scheduler.failedTemporarily(inflight, now: now)
                naive.items[inflight]!.attempts += 1
                naive.items[inflight]!.state = item.removal ? .removing : .pending
                naive.putOff(inflight, base: Self.bases[item.kind]!, now: now)
                if !item.removal { naive.noteDelay(of: inflight) }
                #expect((notice != nil) == (naive.notices == [inflight]))
                naive.notices = []
            case 10, 11:
                guard let inflight, let item = naive.items[inflight] else { continue }
                let holder = UInt64.random(in: 1...3, using: &generator)
                let waiting = naive.items.values.count { $0.state == .held(holder) }
                try scheduler.held(inflight, holder: holder, now: now)
                if item.removal {
                    naive.items[inflight]!.state = .removing
                } else if item.isSuspended {
                    naive.items[inflight]!.state = .pending
                } else if waiting < 6 {
                    naive.items[inflight]!.state = .held(holder)
                    naive.holds.append(inflight)
                } else {
                    naive.items[inflight]!.state = .pending
                    naive.putOff(inflight, base: 3, now: now)
                    naive.noteDelay(of: inflight)
                }
            case 12:
                let holder = UInt64.random(in: 1...3, using: &generator)
                let waiting = naive.holds.filter { naive.items[$0]?.state == .held(holder) }
                let release: HoldRelease = [.first(2), .all, .allAsFailed].randomElement(using: &generator)!
                let gone = release == .first(2) ? Array(waiting.prefix(2)) : waiting
                #expect(scheduler.released(holder, release, now: now) == gone.count)
                for id in gone {
                    naive.items[id]!.state = .pending
                    guard release == .allAsFailed else { continue }
                    naive.putOff(id, base: Self.bases[naive.items[id]!.kind]!, now: now)
                    naive.noteDelay(of: id)
                }
                naive.holds.removeAll { gone.contains($0) }
            case 13:
                let change = Int.random(in: 0..<4, using: &generator)
                let selection: EnvelopeSelection = [.envelope(someone), .envelope(someone), .message(someone.message)]
                    .randomElement(using: &generator)!
                let ids = known.filter { id in
                    if case .message(let message) = selection { id.message == message } else { id == someone }
                }
                var expected = 0
                for id in ids {
                    let item = naive.items[id]!
                    let rests = item.state != .inflight && item.state != .removing
                    switch change {
                    case 0 where !item.removal && item.state != .removing:
                        if rests { naive.items[id]!.state = .removing } else { naive.items[id]!.removal = true }
                    case 1 where rests && !item.isSuspended:
                        naive.items[id]!.state = .pending
                        naive.items[id]!.next = min(item.next, now)
                    case 2 where !item.isSuspended && item.state != .removing:
                        naive.items[id]!.isSuspended = true
                        if rests { naive.items[id]!.state = .pending }
                    case 3 where item.isSuspended:
                        naive.items[id]!.isSuspended = false
                    default:
                        continue
                    }
                    expected += 1
                    if naive.items[id]!.state == .pending || naive.items[id]!.state == .removing {
                        naive.holds.removeAll { $0 == id }
                    }
                }
                let changed = switch change {
                case 0: scheduler.removeRequested(selection)
                case 1: scheduler.scheduleRequested(selection, now: now)
                case 2: scheduler.suspendRequested(selection)
                default: scheduler.resumeRequested(selection)
                }
                #expect(changed == expected)
            case 14:
                let kind = DeliveryKind.allCases.randomElement(using: &generator)!
                #expect(scheduler.paused(kind) == naive.paused.insert(kind).inserted)
            default:
                for kind in DeliveryKind.allCases {
                    #expect(scheduler.resumed(kind) == (naive.paused.remove(kind) != nil))
                }
            }

            // Ends behind a paused try are not seen before it: compare the timer only without a pause.
            if naive.paused.isEmpty {
                let first = naive.items.values.filter(naive.isServable).map(naive.due).min()
                #expect(scheduler.nextDeadline(now: now) == (naive.notices.isEmpty ? first.map { max(now, $0) } : now))
            }
            for output in scheduler.drain(now: now) {
                switch output {
                case .deliver(let ids, _):
                    for id in ids {
                        let item = try #require(naive.items[id])
                        #expect(item.state == .pending && !item.isSuspended && item.next <= now && item.next < item.expiry)
                        #expect(!naive.paused.contains(item.kind))
                        naive.items[id]!.state = .inflight
                    }
                case .expire(let id):
                    let item = try #require(naive.items[id])
                    naive.items[id] = nil
                    #expect(naive.end(item) && item.expiry <= now && !item.isSuspended)
                    naive.holds.removeAll { $0 == id }
                case .remove(let id):
                    #expect(naive.items[id]?.state == .removing)
                    naive.items[id] = nil
                case .notifyDelay(let id, let interval):
                    #expect(interval == NaiveScheduler.interval)
                    if naive.notices.first == id {
                        naive.notices.removeFirst()
                    } else {
                        let item = try #require(naive.items[id])
                        #expect(naive.holds.contains(id) && naive.mayBeNoticed(item) && item.created + interval <= now)
                        naive.items[id]!.isNoticed = true
                    }
                }
            }
            if naive.paused.isEmpty {
                #expect(!naive.items.values.contains { naive.isServable($0) && naive.due($0) <= now })
            }
            #expect(naive.notices.isEmpty)
            #expect(scheduler.count == naive.items.count)
            #expect(scheduler.inflightCount == naive.items.values.count { $0.state == .inflight })
            #expect(scheduler.heldCount == naive.holds.count)
            #expect(scheduler.messageCount == Set(naive.items.keys.map(\.message)).count)
        }
        #expect(scheduler.envelopes(of: nil, after: nil, now: now).map(\.id)
            == Array(naive.items.keys.sorted().prefix(scheduler.settings.maximumEnvelopeBatch)))
        #expect(naive.items.count > 20)
    }

    @Test(arguments: 1...6)
    func `the index agrees with a dictionary while it grows and shrinks`(_ seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var index = EnvelopeIndex()
        var model: [UInt64: SlotNumber] = [:]
        for round in 0..<8 {
            for _ in 0..<4_000 {
                // A narrow range makes the same ids come and go; growing and shrinking rounds take turns.
                let id = UInt64.random(in: 0..<6_000, using: &generator) << 30
                if Int.random(in: 0..<10, using: &generator) < (round % 2 == 0 ? 8 : 2) {
                    guard model[id] == nil else { continue }
                    let slot = SlotNumber.random(in: 0..<SlotNumber.max, using: &generator)
                    index.insert(id, slot: slot)
                    model[id] = slot
                } else {
                    index.remove(id)
                    model[id] = nil
                }
            }
            #expect(index.count == model.count)
            var listed: [UInt64] = []
            index.forEach(from: 0, through: .max) { id, slot in
                #expect(model[id] == slot)
                listed.append(id)
                return true
            }
            #expect(listed == model.keys.sorted())
            for id in 0..<UInt64(6_000) where index[id << 30] != model[id << 30] { Issue.record("differs at \(id)") }
        }
    }
}
