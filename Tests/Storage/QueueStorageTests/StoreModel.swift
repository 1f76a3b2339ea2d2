import Envelopes
import Glibc
import Platform
import SeededTesting
import Testing

@testable import QueueStorage

/// Drives a store at random and knows what it owes: the promise of security and reliability in code.
///
/// After a crash every message that was reported as committed must be there, with a history it was given, unless it
/// was recorded as gone; what a flush made gone must stay gone; anything else is there as a whole or not at all.
struct StoreModel {
    struct Message {
        var body: [UInt8]
        var envelopes: [EnvelopeID: Envelope] = [:]
    }

    let device = SimulatedDevice()
    var store: LogStore?
    var generator: SplitMix64

    /// Reported as committed.
    var durable: [MessageID: Message] = [:]
    /// Prepared and not reported yet.
    var prepared: [MessageID: Message] = [:]
    /// Reported as failed; the value says whether the device may still hold it.
    var failed: [MessageID: Message] = [:]
    /// Histories an envelope may have after a crash, the last one being what it has now.
    var histories: [EnvelopeID: [DeliveryHistory]] = [:]
    /// Recorded as gone, perhaps not durably.
    var leaving: [EnvelopeID: Envelope] = [:]
    /// Added envelopes that are not reported yet, and what they replace.
    var adding: [EnvelopeID: EnvelopeID] = [:]
    var openings: UInt64 = 0
    /// Broken promises.
    var problems: [String] = []

    /// How payloads are wrapped; another one with each opening.
    let wrappings: [PayloadWrapping]

    init(seed: UInt64, wrappings: [PayloadWrapping] = [PayloadWrapping()]) throws {
        self.wrappings = wrappings
        generator = SplitMix64(seed: seed)
        device.seed(seed &* 977)
        try open()
    }

    /// More of them with MARTLET_CRASH_HISTORIES=n.
    static var seeds: ClosedRange<UInt64> {
        let text = getenv("MARTLET_CRASH_HISTORIES").map { String(cString: $0) }
        return 1...max(1, text.flatMap(UInt64.init) ?? 8)
    }

    static var options: LogStore.Options {
        var options = LogStore.Options()
        options.segmentSize = 24 << 10
        options.largestInlineBody = 2 << 10
        options.bufferedBodies = 16 << 10
        options.batch = 8 << 10
        options.cachedBodies = 4 << 10
        options.cachedEnvelopes = 20
        return options
    }

    mutating func open() throws {
        store = nil
        openings += 1
        store = try LogStore.open(
            device: device, options: Self.options, wrapping: wrappings[Int(openings) % wrappings.count], random: Sample.random(generator.next() ^ openings)
        ).store
    }

    // MARK: Steps

    mutating func step() throws {
        guard let store else { return }
        switch generator.next(below: 20) {
        case 0..<8:
            try receive(store)
        case 8..<12:
            guard let id = anyEnvelope else { return }
            let history = DeliveryHistory(
                attempts: UInt32(generator.next(below: 100)), lastAttempt: Timestamp(seconds: 1_800_000_000),
                lastError: "450 \(generator.next(below: 1000))")
            store.record(history, of: id)
            histories[id, default: [DeliveryHistory()]].append(history)
        case 12..<16:
            guard let id = anyEnvelope else { return }
            if generator.next(below: 3) == 0 {
                guard try addBounce(for: id, store) else { return }
            }
            remove(id)
        case 16..<18:
            _ = store.compactStep(budget: 1000)
            _ = store.prepareStep(budget: 5000)
        default:
            flush()
        }
    }

    private mutating func receive(_ store: LogStore) throws {
        let size = generator.next(below: 10) == 0 ? generator.next(below: 6000) : generator.next(below: 800)
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        // The device may be failing or full.
        guard let id = try? store.beginMessage() else { return }
        var message = Message(body: body)
        for number in 0...generator.next(below: 3) {
            let envelope = try Sample.envelope(store.makeEnvelopeID(in: id), to: "user\(number)")
            message.envelopes[envelope.id] = envelope
        }
        let transaction = try Sample.transaction()
        let envelopes = message.envelopes.values.sorted { $0.id < $1.id }
        do throws(StoreError) {
            try store.appendBody(body, to: id)
            try store.prepareCommit(id, transaction, envelopes)
            prepared[id] = message
        } catch {
            store.abandon(id)
        }
    }

    private mutating func addBounce(for id: EnvelopeID, _ store: LogStore) throws -> Bool {
        let bounce = try Sample.envelope(store.makeEnvelopeID(in: id.message), kind: .bounce(.failed))
        do throws(StoreError) {
            try store.addEnvelopes([bounce], to: id.message)
        } catch {
            return false
        }
        durable[id.message]?.envelopes[bounce.id] = bounce
        adding[bounce.id] = id
        return true
    }

    private var anyEnvelope: EnvelopeID? {
        mutating get {
            let all = durable.values.flatMap(\.envelopes.keys).sorted()
            return all.isEmpty ? nil : all[generator.next(below: all.count)]
        }
    }

    private mutating func remove(_ id: EnvelopeID) {
        store?.recordGone(id)
        leaving[id] = durable[id.message]?.envelopes.removeValue(forKey: id)
    }

    mutating func flush() {
        guard let store else { return }
        let result = store.flush()
        for id in result.committed { durable[id] = prepared.removeValue(forKey: id) }
        for (id, _) in result.failed { failed[id] = prepared.removeValue(forKey: id) }
        #expect(result.committed.allSatisfy { store.contains($0) })
        #expect(result.failed.allSatisfy { !store.contains($0.message) })
        for id in result.added { adding[id] = nil }
        guard result.failure == nil else { return }
        // Everything that waited is durable now; a failed batch lies behind the end of its segment.
        if !result.committed.isEmpty { failed = [:] }
        for id in leaving.keys where durable[id.message]?.envelopes.isEmpty == true { durable[id.message] = nil }
        leaving = [:]
        adding = [:]
        for (id, list) in histories { histories[id] = list.last.map { [$0] } }
    }

    /// The process or the machine dies, perhaps in the middle of a flush.
    mutating func crash(power: Bool) throws {
        if generator.next(below: 2) == 0, let job = store?.beginFlush() {
            device.fail(at: 1 + generator.next(below: 8), from: true)
            _ = job.perform()
        }
        if power { device.cutPower() } else { device.kill() }
        try open()
        try check(refusedMayReturn: power)
    }

    // MARK: The promise

    mutating func note(_ holds: Bool, _ problem: String) {
        if !holds { problems.append(problem) }
    }

    /// - Parameter mayReturn: Whether what was refused may be there: when the device failed for good or power was lost
    ///   before the next segment began.
    mutating func check(refusedMayReturn mayReturn: Bool) throws {
        guard let store else { return }
        var present: [MessageID: Set<EnvelopeID>] = [:]
        for facts in store.page(after: nil, limit: .max) { present[facts.id.message, default: []].insert(facts.id) }

        for (id, message) in durable {
            for (envelope, expected) in message.envelopes {
                var original = adding[envelope]
                if original != nil, present[id]?.contains(envelope) != true {
                    // The bounce is not there: what it replaces must be, or what that replaced in turn.
                    while let this = original, present[id]?.contains(this) != true { original = adding[this] }
                    note(original != nil, "neither \(envelope) nor what it replaces")
                    continue
                }
                let found = try store.envelope(envelope)
                note(found?.envelope == expected, "\(envelope) is lost")
                if let found {
                    note((histories[envelope] ?? [DeliveryHistory()]).contains(found.history), "history of \(envelope)")
                }
            }
        }
        var after: [MessageID: Message] = [:]
        for (id, envelopes) in present {
            var message = Message(body: [])
            if let known = durable[id] {
                message.body = known.body
                for envelope in envelopes {
                    message.envelopes[envelope] = known.envelopes[envelope] ?? leaving[envelope]
                    note(message.envelopes[envelope] != nil, "\(envelope) came back")
                }
            } else if let known = prepared[id] ?? (mayReturn ? failed[id] : nil) {
                // Not reported: whole or not at all.
                note(Set(known.envelopes.keys) == envelopes, "half of \(id)")
                message = known
            } else {
                note(false, "\(id) should not be there")
            }
            note(try store.bytes(of: id) == message.body, "body of \(id)")
            after[id] = message
        }
        durable = after
        prepared = [:]
        leaving = [:]
        adding = [:]
        failed = [:]
        var kept: [EnvelopeID: [DeliveryHistory]] = [:]
        for id in present.values.joined() { kept[id] = [try store.envelope(id)?.history ?? DeliveryHistory()] }
        histories = kept
    }
}
