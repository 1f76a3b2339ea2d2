import Envelopes
import MailSyntax
import Platform
import SeededTesting

@testable import QueueStorage

/// Values and a small store that the tests share.
enum Sample {
    static func address(_ local: String, _ domain: String = "example.org") throws -> MailAddress {
        MailAddress(
            try LocalPart(validating: Array(local.utf8)), at: try Domain(validating: Array(domain.utf8)))
    }

    static func transaction(_ sender: String = "ada") throws -> Transaction {
        Transaction(
            sender: .mailbox(try address(sender)), source: .network(.v4(0xC000_0201)), reverseName: "client.example.net",
            helo: "client.example.net", serverName: "mx.example.org", usesTLS: true)
    }

    static func envelope(
        _ id: EnvelopeID, to recipient: String = "bob", kind: Envelope.Kind = .relay
    ) throws -> Envelope {
        Envelope(
            id: id, recipient: try address(recipient), destination: try address(recipient), action: "relay", kind: kind,
            created: Timestamp(seconds: 1_800_000_000), timeToLive: 345_600)
    }

    static var options: LogStore.Options {
        var options = LogStore.Options()
        options.segmentSize = 64 << 10
        options.largestInlineBody = 4 << 10
        options.bufferedBodies = 64 << 10
        options.batch = 32 << 10
        return options
    }

    static func random(_ seed: UInt64) -> () -> UInt64 {
        var generator = SplitMix64(seed: seed)
        return { generator.next() }
    }

    static func open(
        _ device: some StorageDevice, seed: UInt64 = 7, options: LogStore.Options = options
    ) throws -> (store: LogStore, warnings: [StoreWarning]) {
        try LogStore.open(device: device, options: options, random: random(seed))
    }
}

extension QueueStore {
    /// Receives a message and prepares it for the next flush.
    @discardableResult
    func prepare(_ body: [UInt8], recipients: [String] = ["bob"]) throws -> MessageID {
        let id = try beginMessage()
        do {
            try appendBody(body, to: id)
            var envelopes: [Envelope] = []
            for recipient in recipients {
                envelopes.append(try Sample.envelope(makeEnvelopeID(in: id), to: recipient))
            }
            try prepareCommit(id, Sample.transaction(), envelopes)
        } catch {
            abandon(id)
            throw error
        }
        return id
    }

    func bytes(of message: MessageID) throws -> [UInt8]? {
        guard let body = try body(message) else { return nil }
        switch consume body {
        case .bytes(let bytes): return bytes
        case .file(let file, let size):
            let bytes = try Files.readToEnd(file, limit: 1 << 24)
            return bytes.count == Int(size) ? bytes : nil
        }
    }
}
