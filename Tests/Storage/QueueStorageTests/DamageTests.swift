import Envelopes
import SeededTesting
import Testing

@testable import QueueStorage

@Suite("Damaged files are set aside and hide nothing sound") struct DamageTests {
    /// A queue of messages, one flush each, and what is in them.
    static func filled(
        _ count: Int = 20, closing: Bool = false
    ) throws -> (device: SimulatedDevice, bodies: [MessageID: [UInt8]]) {
        let device = SimulatedDevice()
        let store = try Sample.open(device).store
        var bodies: [MessageID: [UInt8]] = [:]
        for number in 0..<count {
            let body = [UInt8](repeating: UInt8(number), count: 500 + number)
            bodies[try store.prepare(body, recipients: ["a", "b"])] = body
            _ = store.flush()
        }
        if closing { _ = store.close() }
        device.kill()
        return (device, bodies)
    }

    /// Every message is whole, set aside, or absent; how many are whole.
    static func sound(_ store: LogStore, _ bodies: [MessageID: [UInt8]]) throws -> Int {
        var count = 0
        for (id, body) in bodies where store.contains(id) {
            do throws(StoreError) {
                for envelope in store.envelopes(of: id) { _ = try store.envelope(envelope) }
                _ = try store.body(id)
            } catch {
                guard case .damaged = error else { throw error }
                #expect(store.setAside(id) != nil)
                #expect(!store.contains(id))
                continue
            }
            #expect(try store.bytes(of: id) == body)
            count += 1
        }
        return count
    }

    @Test(arguments: [false, true]) func `one flipped bit costs one message at most`(_ closing: Bool) throws {
        var generator = SplitMix64(seed: 5)
        for _ in 0..<60 {
            let (device, bodies) = try Self.filled(closing: closing)
            let name = "segments/00000001"
            var content = try #require(device.content(name))
            let end = 4096 + 20 * 800
            let place = generator.next(below: 8) == 0 ? content.count - 1 - generator.next(below: 32) : generator.next(below: end)
            content[place] ^= 1 << UInt8(generator.next(below: 8))
            device.setContent(name, content)
            let (store, _) = try Sample.open(device)
            #expect(try Self.sound(store, bodies) >= bodies.count - 1)
            // It goes on working.
            let id = try store.prepare([1, 2, 3])
            #expect(store.flush().committed == [id])
            device.kill()
            let again = try Sample.open(device, seed: 9).store
            #expect(again.contains(id))
            #expect(try Self.sound(again, bodies) >= bodies.count - 1)
        }
    }

    @Test func `a truncated segment keeps what stands before`() throws {
        let whole = try Self.filled(closing: true)
        let content = try #require(whole.device.content("segments/00000001"))
        var last = 0
        for size in stride(from: 0, through: content.count, by: 2777) {
            let (device, bodies) = try Self.filled(closing: true)
            device.setContent("segments/00000001", Array(content[..<size]))
            let (store, _) = try Sample.open(device)
            let count = try Self.sound(store, bodies)
            #expect(count >= last)
            last = count
            let id = try store.prepare([1])
            #expect(store.flush().committed == [id])
        }
        #expect(last == 20)
    }

    @Test func `random bytes in any file never stop a start`() throws {
        var generator = SplitMix64(seed: 6)
        for _ in 0..<50 {
            let (device, bodies) = try Self.filled(60)
            for _ in 0...generator.next(below: 3) {
                let names = device.names(in: "segments").map { "segments/" + $0 } + ["format"]
                let name = names[generator.next(below: names.count)]
                var content = try #require(device.content(name))
                let start = generator.next(below: content.count)
                for place in start..<min(content.count, start + 1 + generator.next(below: 3000)) {
                    content[place] = UInt8(truncatingIfNeeded: generator.next())
                }
                device.setContent(name, content)
            }
            let (store, _) = try Sample.open(device)
            _ = try Self.sound(store, bodies)
            let id = try store.prepare([1])
            #expect(store.flush().committed == [id])
        }
    }

    @Test func `a lost header does not lose the records`() throws {
        let (device, bodies) = try Self.filled()
        var content = try #require(device.content("segments/00000001"))
        content.replaceSubrange(0..<4096, with: [UInt8](repeating: 0, count: 4096))
        device.setContent("segments/00000001", content)
        let (store, _) = try Sample.open(device)
        #expect(try Self.sound(store, bodies) == bodies.count)
    }

    @Test func `damage is reported and copied once`() throws {
        let (device, bodies) = try Self.filled()
        var content = try #require(device.content("segments/00000001"))
        content[4096 + 3000] ^= 1
        device.setContent("segments/00000001", content)
        let (store, warnings) = try Sample.open(device)
        #expect(warnings.count == 1)
        #expect(device.names(in: "corrupt").count == 1)
        #expect(try Self.sound(store, bodies) == bodies.count - 1)
        _ = store.close()
        device.kill()
        #expect(try Sample.open(device).warnings.isEmpty)
    }

    @Test func `a changed or missing body file is found out`() throws {
        for change in 0..<3 {
            let device = SimulatedDevice()
            let store = try Sample.open(device).store
            let body = [UInt8](repeating: 65, count: 10_000)
            let id = try store.prepare(body)
            _ = store.flush()
            device.kill()
            switch change {
            case 0: device.setContent("large/\(id)", Array(body.dropLast()))
            case 1: device.setContent("large/\(id)", body.dropLast() + [66])
            default: try device.remove("large/\(id)")
            }
            let again = try Sample.open(device).store
            do throws(StoreError) {
                _ = try again.body(id)
                Issue.record("change \(change) was not found")
            } catch {
                guard case .damaged = error else { throw error }
            }
            #expect(again.setAside(id) != nil)
            #expect(again.flush().failure == nil)
            #expect(!again.contains(id))
            #expect(device.names(in: "corrupt") == (change == 2 ? [] : ["\(id)"]))
        }
    }

    @Test func `a record inside a message is not taken for one`() throws {
        let device = SimulatedDevice()
        let store = try Sample.open(device).store
        let salt = try #require({
            _ = try store.prepare([1])
            _ = store.flush()
            return store.segments.last?.salt
        }())
        // A guess at everything but the salt: the body begins behind one header.
        var forged: [UInt8] = []
        let start = try #require(store.segments.last?.end) + RecordHeader.size
        NewRecord(kind: .gone, message: 1, payload: GoneRecord(numbers: []).encoded)
            .append(to: &forged, start: start, batch: 2, salt: salt ^ 1)
        try store.prepare(forged)
        _ = store.flush()
        let segment = try #require(store.segments.last)
        var content = try #require(device.content(segment.name))
        content[start - 1] ^= 1
        let scan = SegmentScan(content, salt: segment.salt, end: segment.end)
        #expect(!scan.entries.contains { if case .gone = $0 { true } else { false } })
        #expect(scan.gaps.count == 1)
    }
}
