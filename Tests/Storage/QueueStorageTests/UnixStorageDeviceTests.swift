import Envelopes
import Glibc
import Platform
import Testing

@testable import QueueStorage

@Suite("The store on a real file system") struct UnixStorageDeviceTests {
    /// A directory that goes with its content.
    final class Scratch {
        let path: String

        init() throws {
            var template = Array("/tmp/queue-storage-XXXXXX".utf8CString)
            path = try #require(mkdtemp(&template).map { String(cString: $0) })
        }

        deinit { Self.removeAll(path) }

        private static func removeAll(_ path: String) {
            // What cannot be listed is no directory.
            for name in (try? Files.list(path)) ?? [] { removeAll(path + "/" + name) }
            remove(path)
        }
    }

    @Test func `messages, outcomes and big bodies come back`() throws {
        let scratch = try Scratch()
        let small = [UInt8](repeating: 1, count: 1000)
        let big = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        var ids: [MessageID] = []
        for round in 0..<2 {
            let (store, warnings) = try Sample.open(UnixStorageDevice(scratch.path + "/queue"), seed: UInt64(round))
            #expect(warnings == [])
            if round == 0 {
                ids = [try store.prepare(small), try store.prepare(big)]
                #expect(Set(store.flush().committed) == Set(ids))
                for envelope in store.envelopes(of: ids[0]) {
                    store.record(DeliveryHistory(attempts: 2, lastError: "no"), of: envelope)
                }
                #expect(store.flush().failure == nil)
            }
            #expect(try store.bytes(of: ids[0]) == small)
            #expect(try store.bytes(of: ids[1]) == big)
            #expect(store.page(after: nil, limit: 9).map(\.attempts).sorted() == [0, 2])
        }
    }

    @Test func `files are for their owner alone`() throws {
        let scratch = try Scratch()
        let store = try Sample.open(UnixStorageDevice(scratch.path + "/queue")).store
        try store.prepare([UInt8](repeating: 1, count: 10_000))
        _ = store.flush()
        #expect(try Files.status(scratch.path + "/queue")?.permissions == 0o700)
        for directory in ["segments", "large", "incoming", "corrupt"] {
            let path = scratch.path + "/queue/" + directory
            #expect(try Files.status(path)?.permissions == 0o700)
            for name in try Files.list(path) { #expect(try Files.status(path + "/" + name)?.permissions == 0o600) }
        }
        for name in ["lock", "format"] {
            #expect(try Files.status(scratch.path + "/queue/" + name)?.permissions == 0o600)
        }
    }

    @Test func `a link or a pipe under one of our names is neither followed nor waited for`() throws {
        let scratch = try Scratch()
        let queue = scratch.path + "/queue"
        _ = try Sample.open(UnixStorageDevice(queue)).store.close()
        let victim = scratch.path + "/victim"
        try Files.writeAll(Files.open(victim, O_WRONLY | O_CREAT), [1, 2, 3])
        #expect(symlink(victim, queue + "/segments/00000007") == 0)
        #expect(symlink(victim, queue + "/segments/spare-0") == 0)
        #expect(symlink(victim, queue + "/large/00000007") == 0)
        #expect(mkfifo(queue + "/segments/00000008", 0o600) == 0)
        #expect(mkfifo(queue + "/incoming/00000008", 0o600) == 0)
        let (store, warnings) = try Sample.open(UnixStorageDevice(queue))
        #expect(warnings.count == 5)
        #expect(try Files.list(queue + "/corrupt").count == 5)
        try store.prepare([1])
        #expect(store.flush().committed.count == 1)
        #expect(try Files.read(victim) == [1, 2, 3])
    }

    @Test func `a second opener is refused until the first is gone`() throws {
        let scratch = try Scratch()
        var first: LogStore? = try Sample.open(UnixStorageDevice(scratch.path + "/queue")).store
        #expect(throws: StoreError.inUse) { _ = try Sample.open(UnixStorageDevice(scratch.path + "/queue")) }
        _ = first?.close()
        first = nil
        _ = try Sample.open(UnixStorageDevice(scratch.path + "/queue"))
    }
}
