import Envelopes
import Glibc
import MailSyntax
import Platform
import QueueStorage
import Testing

@testable import QueueProcess

@Suite("The spool is kept small and ready") struct SpoolUpkeepTests {
    /// A store in a directory of its own, with segments so small that a short run fills many.
    private func withStore(_ body: (LogStore) throws -> Void) throws {
        var template = Array("/tmp/spool-upkeep-XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { removeAll(directory) }
        var options = LogStore.Options()
        options.segmentSize = 64 << 10
        options.largestInlineBody = 16 << 10
        let device = try UnixStorageDevice(directory + "/queue")
        let (store, _) = try LogStore.open(device: device, options: options, random: { .random(in: .min ... .max) })
        try body(store)
        _ = store.close()
    }

    private func removeAll(_ path: String) {
        // What cannot be listed is no directory.
        for name in (try? Files.list(path)) ?? [] { removeAll(path + "/" + name) }
        remove(path)
    }

    private func queue(_ body: [UInt8], in store: LogStore) throws -> EnvelopeID {
        let id = try store.beginMessage()
        try store.appendBody(body, to: id)
        let address = MailAddress(
            try LocalPart(validating: Array("ada".utf8)), at: try Domain(validating: Array("example.org".utf8)))
        let transaction = Transaction(
            sender: .mailbox(address), source: .local, reverseName: "localhost", helo: "localhost",
            serverName: "mx.example.org", usesTLS: false)
        let envelope = Envelope(
            id: store.makeEnvelopeID(in: id), recipient: address, destination: address, action: "relay", kind: .relay,
            created: Timestamp(seconds: 1_800_000_000), timeToLive: 86_400)
        try store.prepareCommit(id, transaction, [envelope])
        #expect(store.flush().committed == [id])
        return envelope.id
    }

    @Test func `a message that stays does not keep the log of all that came after it`() throws {
        try withStore { store in
            var upkeep = SpoolUpkeep()
            let body = [UInt8](repeating: 7, count: 8 << 10)
            let old = try queue(body, in: store)
            for _ in 0..<400 {
                store.recordGone(try queue(body, in: store))
                _ = upkeep.step(store)
                _ = store.flush()
            }
            #expect(store.statistics.segments <= 8)
            #expect(try store.envelope(old) != nil)
            guard case .bytes(let kept)? = try store.body(old.message) else { return #expect(Bool(false)) }
            #expect(kept == body)
        }
    }

    @Test func `while mail comes in nothing is prepared, afterwards until there is nothing to do`() throws {
        try withStore { store in
            var upkeep = SpoolUpkeep()
            _ = try queue([1], in: store)
            #expect(upkeep.step(store) == SpoolUpkeep.delay)
            var steps = 0
            while upkeep.step(store) != nil, steps < 100 { steps += 1 }
            #expect(steps > 0 && steps < 100)
            _ = try queue([2], in: store)
            #expect(upkeep.step(store) == SpoolUpkeep.delay)
        }
    }
}
