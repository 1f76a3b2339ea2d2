import Envelopes
import Glibc
import Platform
import Testing

@testable import QueueStorage

@Suite("The queue of a daemon that does not run") struct InspectionTests {
    private func ids(_ store: LogStore) -> [EnvelopeID] { store.page(after: nil, limit: 1_000).map(\.id) }

    /// All files of the store.
    private func files(_ device: SimulatedDevice) -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for directory in [".", "segments", "large", "incoming", "corrupt"] {
            for name in device.names(in: directory) {
                let path = directory == "." ? name : "\(directory)/\(name)"
                result[path] = device.content(path) ?? []
            }
        }
        return result
    }

    @Test(arguments: [true, false]) func `is what a start would find, and stays as it is`(_ isClosed: Bool) throws {
        let device = SimulatedDevice()
        let (store, _) = try Sample.open(device)
        var last: MessageID?
        for number in 0..<40 {
            last = try store.prepare([UInt8](repeating: 7, count: 900), recipients: ["a\(number)", "b"])
            _ = store.flush()
        }
        let message = try #require(last)
        let envelopes = store.envelopes(of: message)
        store.recordGone(envelopes[0])
        store.record(DeliveryHistory(attempts: 3, lastError: "later"), of: envelopes[1])
        _ = store.flush()
        let expected = ids(store)
        if isClosed { _ = store.close() }
        device.kill()
        let before = files(device)
        let seen = try LogStore.inspect(device: device, options: Sample.options)
        #expect(ids(seen) == expected)
        #expect(try seen.listedEnvelope(envelopes[1])?.history.lastError == "later")
        #expect(try seen.listedEnvelope(envelopes[0]) == nil)
        #expect(files(device) == before)
        // A daemon can start while somebody looks.
        #expect(ids(try Sample.open(device).store) == expected)
    }

    @Test func `what is torn, damaged or foreign is passed over and left alone`() throws {
        let device = SimulatedDevice()
        let (store, _) = try Sample.open(device)
        for _ in 0..<10 {
            try store.prepare([UInt8](repeating: 7, count: 900))
            _ = store.flush()
        }
        let segment = "segments/" + (device.names(in: "segments").first { !$0.hasPrefix("spare") } ?? "")
        device.kill()
        var bytes = try #require(device.content(segment))
        bytes[9_000] ^= 0xFF
        device.setContent(segment, bytes)
        device.setContent("segments/foreign", [1, 2, 3])
        device.setContent("large/nonsense", [1])
        let before = files(device)
        let seen = try LogStore.inspect(device: device, options: Sample.options)
        #expect((8...9).contains(ids(seen).count))
        #expect(files(device) == before)
    }

    @Test func `a spool that was never made is empty, and a newer one is refused`() throws {
        #expect(ids(try LogStore.inspect(device: ReadOnlyDevice("/nonexistent/queue"))).isEmpty)
        let device = SimulatedDevice()
        device.setContent("format", Array("martlet queue 9\n".utf8))
        #expect(throws: StoreError.newerFormat(found: 9, understood: 1)) { try LogStore.inspect(device: device) }
    }

    @Test func `the device for looking refuses every change`() throws {
        var template = Array("/tmp/inspection-XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { rmdir(directory) }
        let device = ReadOnlyDevice(directory)
        #expect(throws: SystemError.self) { _ = try device.lock("x") }
        #expect(throws: SystemError.self) { _ = try device.create("x") }
        #expect(throws: SystemError.self) { try device.makeDirectory("x") }
        #expect(throws: SystemError.self) { try device.remove("x") }
        #expect(throws: SystemError.self) { try device.rename("x", to: "y") }
        #expect(throws: SystemError.self) { try device.write([1], to: FileHandle(number: 0), at: 0) }
        #expect(try device.list(".").isEmpty)
    }
}
