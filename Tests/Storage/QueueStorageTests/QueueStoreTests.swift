import Envelopes
import Platform
import SeededTesting
import Testing

@testable import QueueStorage

@Suite("What every queue store does") struct QueueStoreTests {
    enum Kind: CaseIterable { case memory, log }

    static func store(_ kind: Kind) throws -> any QueueStore {
        switch kind {
        case .memory: MemoryStore(random: Sample.random(1))
        case .log: try Sample.open(SimulatedDevice()).store
        }
    }

    @Test(arguments: Kind.allCases) func `a message is visible only after its flush`(_ kind: Kind) throws {
        let store = try Self.store(kind)
        let id = try store.prepare([1, 2, 3], recipients: ["bob", "eve"])
        #expect(!store.contains(id))
        #expect(store.page(after: nil, limit: 10).isEmpty)
        #expect(store.needsFlush)
        #expect(store.flush().committed == [id])
        #expect(store.contains(id))
        #expect(!store.needsFlush)
        #expect(try store.bytes(of: id) == [1, 2, 3])
        let ids = store.envelopes(of: id)
        #expect(ids.count == 2)
        let found = try #require(try store.envelope(ids[0]))
        #expect(found.transaction == (try Sample.transaction()))
        #expect(found.envelope.id == ids[0])
        #expect(found.history == DeliveryHistory())
    }

    @Test(arguments: Kind.allCases) func `an abandoned message leaves nothing`(_ kind: Kind) throws {
        let store = try Self.store(kind)
        let id = try store.beginMessage()
        try store.appendBody([UInt8](repeating: 1, count: 10_000), to: id)
        store.abandon(id)
        #expect(throws: StoreError.unknownMessage) { try store.appendBody([1], to: id) }
        #expect(!store.needsFlush)
    }

    @Test(arguments: Kind.allCases) func `outcomes are visible at once`(_ kind: Kind) throws {
        let store = try Self.store(kind)
        let id = try store.prepare([1], recipients: ["bob", "eve"])
        _ = store.flush()
        let ids = store.envelopes(of: id)
        var history = DeliveryHistory(attempts: 3, lastAttempt: Timestamp(seconds: 1_800_000_100), lastError: "450 no")
        store.record(history, of: ids[0])
        #expect(try store.envelope(ids[0])?.history == history)
        #expect(store.page(after: nil, limit: 1).first?.attempts == 3)
        _ = store.flush()
        #expect(try store.envelope(ids[0])?.history == history)
        history.isSuspended = true
        history.lastError = String(repeating: "é", count: StoreLimits.errorText)
        store.record(history, of: ids[0])
        #expect(try store.envelope(ids[0])?.history.lastError.utf8.count == StoreLimits.errorText)
        store.recordGone(ids[1])
        #expect(try store.envelope(ids[1]) == nil)
        #expect(store.contains(id))
        store.recordGone(ids[0])
        #expect(!store.contains(id))
        #expect(try store.bytes(of: id) == nil)
        store.record(history, of: ids[0])
        store.recordGone(ids[0])
        #expect(store.statistics.envelopes == 0)
    }

    @Test(arguments: Kind.allCases) func `a bounce keeps its message when the original goes`(_ kind: Kind) throws {
        let store = try Self.store(kind)
        let id = try store.prepare([9, 9])
        _ = store.flush()
        let original = try #require(store.envelopes(of: id).first)
        let bounce = try Sample.envelope(store.makeEnvelopeID(in: id), kind: .bounce(.failed))
        try store.addEnvelopes([bounce], to: id)
        store.recordGone(original)
        #expect(try store.envelope(bounce.id)?.envelope == bounce)
        #expect(store.flush().added == [bounce.id])
        #expect(store.envelopes(of: id) == [bounce.id])
        #expect(try store.envelope(bounce.id)?.envelope == bounce)
        #expect(try store.bytes(of: id) == [9, 9])
    }

    @Test(arguments: Kind.allCases) func `pages list every envelope once in order`(_ kind: Kind) throws {
        let store = try Self.store(kind)
        for _ in 0..<300 { try store.prepare([1], recipients: ["a", "b", "c"]) }
        _ = store.flush()
        var seen: [EnvelopeID] = []
        while true {
            let page = store.page(after: seen.last, limit: 7)
            if page.isEmpty { break }
            seen += page.map(\.id)
        }
        #expect(seen.count == 900)
        #expect(seen == seen.sorted())
        #expect(Set(seen).count == 900)
    }

    @Test func `the null store takes messages and has none`() throws {
        let store = NullStore(random: Sample.random(1))
        let id = try store.prepare([1])
        #expect(store.flush().committed == [id])
        #expect(!store.contains(id))
    }
}
