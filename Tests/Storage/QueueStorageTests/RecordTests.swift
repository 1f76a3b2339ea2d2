import Envelopes
import MailSyntax
import SeededTesting
import Testing

@testable import QueueStorage

@Suite("Records on disk") struct RecordTests {
    @Test func `CRC-32C gives the values of RFC 3720 appendix B.4`() {
        #expect(Checksum.crc32c([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(Checksum.crc32c([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(Checksum.crc32c(Array(0..<32 as Range<UInt8>)) == 0x46DD_794E)
        #expect(Checksum.crc32c([]) == 0)
        // Whether by the processor or by tables, for every length about the eight bytes of a step.
        for length in 0..<40 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 37 + length) }
            #expect(bytes.withUnsafeBufferPointer { Checksum.byTables($0, 7) } == Checksum.crc32c(bytes, continuing: 7))
        }
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for cut in [0, 1, 7, 8, 9, 500, 1000] {
            let first = Checksum.crc32c(Array(bytes[..<cut]))
            #expect(Checksum.crc32c(Array(bytes[cut...]), continuing: first) == Checksum.crc32c(bytes))
        }
    }

    static func sample() throws -> MessageRecord {
        let message = try #require(MessageID(rawValue: 0xABCD))
        var transaction = try Sample.transaction()
        transaction.source = .network(.v6(high: 1, low: 2))
        transaction.user = "ada"
        transaction.tag = "tag"
        transaction.isAuthenticated = true
        transaction.needsUTF8 = true
        transaction.body = .binaryMIME
        transaction.returnContent = .headers
        transaction.envelopeIdentifier = [0, 1, 0xFF]
        let kinds: [Envelope.Kind] = [
            .relay, .bounce(.failed), .bounce(.delayed(after: 14_400)), .bounce(.delivered), .bounce(.relayed),
            .local(LocalDelivery(user: nil)), .local(LocalDelivery(user: "bob", subaddress: "lists")),
            .local(LocalDelivery(user: "bob", method: .pipe("/bin/cat"))),
            .local(LocalDelivery(user: nil, method: .file("/var/mail/x"))),
        ]
        var entries: [MessageRecord.Entry] = []
        for (number, kind) in kinds.enumerated() {
            var envelope = try Sample.envelope(try #require(EnvelopeID(message, UInt32(number + 1))), kind: kind)
            if number % 2 == 1 {
                envelope.destination = try Sample.address("other \(number)", "EXAMPLE.org")
                envelope.notify = [.success, .delay]
                envelope.originalRecipient = Array("rfc822;bob@example.org".utf8)
                envelope.created = Timestamp(seconds: -5)
                envelope.action = "local"
            }
            entries.append(MessageRecord.Entry(envelope: envelope))
        }
        entries[2].history = DeliveryHistory(
            attempts: 7, lastAttempt: Timestamp(seconds: 1), lastNotice: Timestamp(seconds: 2), lastError: "né",
            isSuspended: true)
        return MessageRecord(body: .inline(distance: 48, length: 3), transaction: transaction, envelopes: entries)
    }

    @Test func `a message record comes back as it was, domains in their own case`() throws {
        let message = try #require(MessageID(rawValue: 0xABCD))
        var record = try Self.sample()
        for body in [MessageRecord.Body.inline(distance: 48, length: 3), .file(size: 1 << 33, checksum: 9), .none] {
            record.body = body
            let back = try MessageRecord(decoding: record.encoded[...], of: message)
            #expect(back == record)
            #expect(back.envelopes[1].envelope.destination.domain.bytes == Array("EXAMPLE.org".utf8))
        }
        record.transaction.sender = .null
        record.transaction.source = .local
        #expect(try MessageRecord(decoding: record.encoded[...], of: message) == record)
    }

    @Test func `no truncated or mutated record crashes a reader`() throws {
        let message = try #require(MessageID(rawValue: 0xABCD))
        let bytes = try Self.sample().encoded
        for count in 0..<bytes.count {
            #expect(throws: RecordError.self) { try MessageRecord(decoding: bytes[..<count], of: message) }
        }
        #expect(throws: RecordError.trailingBytes) { try MessageRecord(decoding: (bytes + [0])[...], of: message) }
        var generator = SplitMix64(seed: 3)
        for _ in 0..<4_000 {
            var mutated = bytes
            for _ in 0...generator.next(below: 4) {
                mutated[generator.next(below: mutated.count)] = UInt8(truncatingIfNeeded: generator.next())
            }
            // Only that it ends matters.
            _ = try? MessageRecord(decoding: mutated[...], of: message)
            _ = try? HistoryRecord(decoding: mutated[...])
            _ = try? GoneRecord(decoding: mutated[...])
            _ = RecordHeader(mutated[...])
            _ = SegmentHeader(page: mutated)
            var reader = RecordReader(mutated)
            _ = try? LogEntry(from: &reader)
        }
    }

    @Test func `what a check of an entry takes can be read, and nothing else`() throws {
        let record = try Self.sample()
        let message = IndexedMessage(key: 0xABCD, bodyOffset: 4096, bodyLength: 3, size: 500)
        let facts = HistoryFacts(record.envelopes[2].history, of: record.envelopes[2].envelope.id)
        let entries: [LogEntry] = [
            .message(message, record.indexed(at: 4144)), .envelopes(message: 0xABCD, record.indexed(at: 8)),
            .history(facts, offset: 4200), .gone(message: 0xABCD, numbers: [1, .max]),
        ]
        var generator = SplitMix64(seed: 23)
        for round in 0..<8_000 {
            var bytes = encodedEntries([entries[round % entries.count]])
            if round >= entries.count {
                for _ in 0...generator.next(below: 3) {
                    bytes[generator.next(below: bytes.count)] = UInt8(truncatingIfNeeded: generator.next())
                }
                bytes.removeLast(generator.next(below: bytes.count) * generator.next(below: 2))
            }
            var (checked, read) = (RecordReader(bytes), RecordReader(bytes))
            let entry = Result { () throws(RecordError) in try LogEntry(from: &read) }
            let about = Result { () throws(RecordError) in try LogEntry.check(&checked) }
            switch (about, entry) {
            case (.success(let message), .success(let entry)):
                #expect(message == entry.message)
                #expect(checked.remaining == read.remaining)
            case (.failure, .failure): break
            default: Issue.record("\(about) of \(entry)")
            }
        }
    }

    @Test func `summary entries come back as they were`() throws {
        let record = try Self.sample()
        var message = IndexedMessage(key: 0xABCD, bodyOffset: 4096, bodyLength: 3, size: 500)
        let facts = HistoryFacts(record.envelopes[2].history, of: record.envelopes[2].envelope.id)
        var entries: [LogEntry] = [
            .message(message, record.indexed(at: 4144)), .envelopes(message: 0xABCD, record.indexed(at: 8)),
            .history(facts, offset: 4200), .gone(message: 0xABCD, numbers: []),
            .gone(message: 0xABCD, numbers: [1, .max]),
        ]
        message.bodyLength = IndexedMessage.fileBody
        message.bodySize = 77
        entries.append(.message(message, record.indexed(at: 0)))
        var reader = RecordReader(encodedEntries(entries))
        for entry in entries { #expect(try LogEntry(from: &reader) == entry) }
        #expect(reader.remaining == 0)
    }
}
