import Envelopes
import Platform
import Testing

@testable import QueueStorage

@Suite("The log-structured store") struct LogStoreTests {
    @Test(arguments: [0, 1, 4096, 4097, 70_000]) func `bodies of every size come back after a kill`(_ size: Int) throws {
        let device = SimulatedDevice()
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var store: LogStore? = try Sample.open(device).store
        let id = try #require(try store?.prepare(body))
        #expect(store?.flush().committed == [id])
        #expect(try store?.bytes(of: id) == body)
        #expect(device.names(in: "large").count == (size > 4096 ? 1 : 0))
        device.kill()
        store = nil
        let (again, warnings) = try Sample.open(device)
        #expect(warnings == [])
        #expect(try again.bytes(of: id) == body)
        #expect(again.envelopes(of: id).count == 1)
        again.recordGone(again.envelopes(of: id)[0])
        _ = again.flush()
        #expect(device.names(in: "large").isEmpty)
    }

    @Test func `a thousand recipients cost one body and one compact record`() throws {
        let device = SimulatedDevice()
        var options = Sample.options
        options.segmentSize = 256 << 10
        let store = try Sample.open(device, options: options).store
        let recipients = (0..<1000).map { "user\($0)" }
        let id = try store.prepare([UInt8](repeating: 65, count: 1000), recipients: recipients)
        let syncs = device.syncs
        #expect(store.flush().committed == [id])
        #expect(device.syncs == syncs + 1)
        let segment = try #require(store.segments.last)
        let content = try #require(device.content(segment.name))
        let scan = SegmentScan(content, salt: segment.salt, end: segment.end)
        #expect(scan.entries.count == 1)
        #expect(segment.end - SegmentHeader.size < 1000 + 2 * RecordHeader.size + 1000 * 24)
    }

    @Test func `all that waits shares one sync`() throws {
        let device = SimulatedDevice()
        let store = try Sample.open(device).store
        try store.prepare([1])
        _ = store.flush()
        let syncs = device.syncs
        for _ in 0..<16 { try store.prepare([1, 2, 3]) }
        #expect(store.flush().committed.count == 16)
        #expect(device.syncs == syncs + 1)
    }

    @Test func `a second process is refused`() throws {
        let device = SimulatedDevice()
        let first = try Sample.open(device).store
        #expect(throws: StoreError.inUse) { _ = try Sample.open(device) }
        _ = first.close()
    }

    @Test func `a newer format is refused and left alone`() throws {
        let device = SimulatedDevice()
        device.setContent("format", Array("martlet queue 2\n".utf8))
        device.addOther("segments", isDirectory: true)
        device.addOther("segments/strange", isDirectory: false)
        let before = device.calls
        #expect(throws: StoreError.newerFormat(found: 2, understood: 1)) { _ = try Sample.open(device) }
        #expect(device.calls == before)
        #expect(device.names(in: "segments") == ["strange"])
    }

    @Test func `a segment of a newer version is refused and left alone`() throws {
        let device = SimulatedDevice()
        var header = SegmentHeader(sequence: 1, salt: 5, previousSequence: 0, previousEnd: 0)
        header.version = 3
        device.addOther("segments", isDirectory: true)
        device.setContent("segments/00000001", header.encoded)
        let before = device.calls
        #expect(throws: StoreError.newerFormat(found: 3, understood: 2)) { _ = try Sample.open(device) }
        #expect(device.calls == before)
    }

    @Test func `names that are not ours are set aside`() throws {
        let device = SimulatedDevice()
        for name in ["segments", "large", "incoming"] {
            device.addOther(name, isDirectory: true)
            device.addOther(name + "/fifo-\(name)", isDirectory: false)
            device.addOther(name + "/directory-\(name)", isDirectory: true)
            device.setContent(name + "/file-\(name)", [1, 2, 3])
        }
        device.addOther("segments/0000000a", isDirectory: false)
        device.setContent("segments/0000000b", [])
        device.setContent("segments/0000000c", [UInt8](repeating: 0x4D, count: 70_000))
        device.setContent("incoming/0badcafe", [1])
        device.setContent("large/0badcafe", [1])
        let (store, warnings) = try Sample.open(device)
        #expect(warnings.count == 12)
        #expect(device.names(in: "corrupt").count == 12)
        #expect(device.names(in: "incoming").isEmpty)
        #expect(device.names(in: "large").isEmpty)
        #expect(device.names(in: "segments").count == 1)
        let id = try store.prepare([1])
        #expect(store.flush().committed == [id])
    }

    @Test func `segments are given back when their messages are gone`() throws {
        let device = SimulatedDevice()
        let store = try Sample.open(device).store
        let body = [UInt8](repeating: 7, count: 3000)
        for _ in 0..<300 {
            let id = try store.prepare(body)
            #expect(store.flush().committed == [id])
            for envelope in store.envelopes(of: id) { store.recordGone(envelope) }
            _ = store.flush()
        }
        #expect(store.statistics.segments <= 2)
        #expect(device.names(in: "segments").count <= 4)
    }

    @Test func `compaction gives back a log that one old message holds`() throws {
        let device = SimulatedDevice()
        var store: LogStore? = try Sample.open(device).store
        let body = [UInt8](repeating: 7, count: 3000)
        let old = try #require(try store?.prepare(body, recipients: ["a", "b"]))
        _ = store?.flush()
        let envelopes = try #require(store?.envelopes(of: old))
        let history = DeliveryHistory(attempts: 4, lastAttempt: Timestamp(seconds: 1_800_000_400), lastError: "later")
        store?.record(history, of: envelopes[0])
        store?.recordGone(envelopes[1])
        for _ in 0..<300 {
            let id = try #require(try store?.prepare(body))
            for envelope in store?.envelopes(of: id) ?? [] { store?.recordGone(envelope) }
            _ = store?.flush()
            for envelope in store?.envelopes(of: id) ?? [] { store?.recordGone(envelope) }
        }
        #expect(store?.statistics.segments ?? 0 > 6)
        while store?.compactStep(budget: 1000) == true { _ = store?.flush() }
        #expect(store?.statistics.compactedMessages ?? 0 > 0)
        #expect(store?.statistics.segments ?? 9 <= 5)
        for round in 0..<2 {
            #expect(store?.envelopes(of: old) == [envelopes[0]])
            #expect(try store?.envelope(envelopes[0])?.history == history)
            #expect(try store?.bytes(of: old) == body)
            if round == 0 {
                device.kill()
                store = nil
                store = try Sample.open(device).store
            }
        }
    }

    @Test func `a full disk refuses messages, takes outcomes and recovers`() throws {
        let device = SimulatedDevice()
        let store = try Sample.open(device).store
        let body = [UInt8](repeating: 7, count: 3000)
        device.setRoom(3 * Sample.options.segmentSize)
        var accepted: [MessageID] = []
        while true {
            do {
                let id = try store.prepare(body)
                let result = store.flush()
                if result.failed.first?.error == .outOfSpace { break }
                #expect(result.committed == [id])
                accepted.append(id)
            } catch StoreError.outOfSpace {
                break
            }
        }
        #expect(accepted.count > 30)
        #expect(store.statistics.messages == accepted.count)
        let history = DeliveryHistory(attempts: 1, lastError: String(repeating: "x", count: 500))
        for id in accepted {
            for envelope in store.envelopes(of: id) { store.record(history, of: envelope) }
            #expect(store.flush().failure == nil)
        }
        for id in accepted.dropLast() {
            for envelope in store.envelopes(of: id) { store.recordGone(envelope) }
        }
        #expect(store.flush().failure == nil)
        let id = try store.prepare(body)
        #expect(store.flush().committed == [id])
    }

    @Test func `a clean close is found again without reading the records`() throws {
        let device = SimulatedDevice()
        for round in 0..<5 {
            let (store, warnings) = try Sample.open(device, seed: UInt64(round))
            #expect(warnings.isEmpty)
            #expect(store.statistics.messages == round)
            #expect(store.head?.isSealed == (round > 0 ? true : nil))
            try store.prepare([UInt8(round)])
            #expect(store.close().committed.count == 1)
        }
        #expect(device.names(in: "segments").filter { !$0.hasPrefix("spare") }.count == 1)
    }
}
