import Envelopes
import SeededTesting
import Testing

@testable import QueueStorage

@Suite("The index in memory") struct IndexTests {
    private struct Number: SortedElement, Equatable {
        var key: UInt32
        var value = 0
    }

    @Test func `sorted blocks do what a sorted dictionary does`() {
        var generator = SplitMix64(seed: 11)
        var blocks = SortedBlocks<Number>()
        var model: [UInt32: Int] = [:]
        for round in 0..<24_000 {
            // It grows, then shrinks, within keys that meet again.
            let key = UInt32(generator.next(below: 8_000))
            let grows = (round / 6_000) % 2 == 0
            if generator.next(below: 10) < (grows ? 8 : 2) {
                #expect(blocks.insert(Number(key: key, value: round)) == (model[key] == nil))
                if model[key] == nil { model[key] = round }
            } else {
                #expect(blocks.remove(key)?.value == model.removeValue(forKey: key))
            }
            let other = UInt32(generator.next(below: 8_000))
            #expect(blocks[other]?.value == model[other])
            if blocks.update(other, { $0.value += 1 }) { model[other]? += 1 }
        }
        #expect(blocks.count == model.count)
        var seen: [Number] = []
        blocks.forEach(after: 99) {
            seen.append($0)
            return true
        }
        #expect(seen == model.filter { $0.key > 99 }.sorted { $0.key < $1.key }.map { Number(key: $0.key, value: $0.value) })
    }

    @Test(arguments: 1...20) func `summaries replayed together give what they give one by one`(_ seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        var (index, model) = (QueueIndex(), QueueIndex())
        var replay = SummaryReplay()
        for segment in UInt32(1)...6 {
            var entries: [LogEntry] = []
            for _ in 0..<60 {
                // Few messages, so that they meet again; numbers that use all bits.
                let key = UInt32(generator.next(below: 25) + 1) &* 0x0A3D_70A3
                let message = try #require(MessageID(rawValue: key))
                let ids = try (1...3).map { try #require(EnvelopeID(message, $0)) }
                let envelopes = try ids.map { IndexedEnvelope(MessageRecord.Entry(envelope: try Sample.envelope($0))) }
                switch generator.next(below: 5) {
                case 0, 1: entries.append(.message(IndexedMessage(key: key, bodyOffset: segment, bodyLength: 1, size: 7), envelopes))
                case 2: entries.append(.envelopes(message: key, [envelopes[2]]))
                case 3:
                    let history = DeliveryHistory(attempts: UInt32(generator.next(below: 9)))
                    entries.append(.history(HistoryFacts(history, of: ids[0]), offset: UInt32(generator.next(below: 99))))
                default: entries.append(.gone(message: key, numbers: generator.next(below: 3) == 0 ? [] : [2]))
                }
            }
            for entry in entries { model.replay(entry, in: segment) }
            let isTaken = replay.add(encodedEntries(entries), of: segment)
            // What makes no sense leaves nothing behind.
            let isTakenWithMore = replay.add(encodedEntries(entries) + [0xFF], of: segment)
            #expect(isTaken && !isTakenWithMore)
            if segment == 4 { replay.finish(in: &index) }
        }
        replay.finish(in: &index)
        func all<Element>(_ blocks: SortedBlocks<Element>, from key: Element.Key) -> [Element] {
            var result: [Element] = []
            blocks.forEach(after: key) {
                result.append($0)
                return true
            }
            return result
        }
        #expect(all(index.messages, from: 0) == all(model.messages, from: 0))
        #expect(all(index.envelopes, from: 0) == all(model.envelopes, from: 0))
        #expect(index.liveBytes == model.liveBytes && index.segments.count == model.segments.count)
        #expect(index.messages.count > 5)
    }

    /// House section 8, and the budget of 300 MB for a million envelopes over all processes.
    @Test func `an envelope costs at most 100 bytes, its own message included`() throws {
        var generator = SplitMix64(seed: 12)
        var index = QueueIndex()
        for _ in 0..<50_000 {
            guard let message = MessageID(rawValue: UInt32(truncatingIfNeeded: generator.next())),
                let id = EnvelopeID(message, UInt32(truncatingIfNeeded: generator.next()) | 1)
            else { continue }
            let envelope = IndexedEnvelope(MessageRecord.Entry(envelope: try Sample.envelope(id)))
            index.insert(
                IndexedMessage(key: message.rawValue, bodyOffset: 0, bodyLength: 1, size: 1), [envelope], in: 1)
        }
        #expect(MemoryLayout<IndexedEnvelope>.stride == 48)
        #expect(MemoryLayout<IndexedMessage>.stride == 28)
        #expect(index.memory / index.envelopes.count <= 100)
    }

    @Test func `a cache keeps the newest within its limit`() {
        var cache = BoundedCache<Int, Int>(limit: 10)
        for key in 0..<1000 { cache.insert(key, for: key, cost: 3) }
        #expect((0..<1000).filter { cache[$0] != nil } == [997, 998, 999])
        cache.insert(5, for: 5, cost: 11)
        #expect(cache[5] == nil)
        cache.remove(998)
        cache.insert(1, for: 1, cost: 3)
        #expect(cache[997] == 997)
    }
}
