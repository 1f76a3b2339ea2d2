import Envelopes
import MailSyntax
import SeededTesting
import Testing
import WireFormat

@testable import Submission

private func sample(_ recipients: Int = 3) -> SubmissionEnvelope {
    let addresses = (0..<recipients).map {
        AddressListParser.addresses(in: bytes("u\($0)@x.example"), defaultDomain: here).mailboxes[0]
    }
    return SubmissionEnvelope(
        sender: .mailbox(addresses[0]), recipients: addresses, notify: [.failure, .delay], returnContent: .full,
        envelopeIdentifier: bytes("id"))
}

@Suite("Files of the offline directory") struct OfflineMessageTests {
    private func file(_ envelope: SubmissionEnvelope, _ message: [UInt8]) throws -> [UInt8] {
        try OfflineMessage.preamble(envelope, messageLength: message.count) + message
    }

    @Test func `come back as they were written`() throws {
        var plain = sample(1)
        plain.sender = .null
        plain.notify = nil
        plain.returnContent = nil
        plain.envelopeIdentifier = nil
        for envelope in [sample(), plain, sample(1000)] {
            let message = bytes("Subject: a\n\nb\n")
            let content = try file(envelope, message)
            let read = try OfflineMessage(beginning: content, fileSize: Int64(content.count))
            #expect(read.envelope == envelope)
            #expect(Array(content[read.messageOffset...]) == message)
            #expect(read.messageLength == message.count)
        }
    }

    @Test func `the length can be written afterwards`() throws {
        let message = bytes("abc\n")
        var content = try OfflineMessage.preamble(sample(), messageLength: 0) + message
        let length = OfflineMessage.lengthBytes(message.count)
        content.replaceSubrange(
            OfflineMessage.lengthOffset..<(OfflineMessage.lengthOffset + length.count), with: length)
        #expect(content == (try file(sample(), message)))
    }

    @Test func `a cut file and one with something behind it are refused`() throws {
        let content = try file(sample(), bytes("abc\n"))
        for length in 0..<content.count {
            #expect(throws: OfflineMessageError.self) {
                try OfflineMessage(beginning: Array(content[..<length]), fileSize: Int64(length))
            }
        }
        #expect(throws: OfflineMessageError.self) {
            try OfflineMessage(beginning: content + [0], fileSize: Int64(content.count) + 1)
        }
    }

    @Test func `other formats, future versions and empty envelopes are refused`() throws {
        var content = try file(sample(), [])
        content[7] = 2
        #expect(throws: OfflineMessageError.notThisFormat) {
            try OfflineMessage(beginning: content, fileSize: Int64(content.count))
        }
        var nobody = sample()
        nobody.recipients = []
        let empty = try file(nobody, [])
        #expect(throws: OfflineMessageError.self) { try OfflineMessage(beginning: empty, fileSize: Int64(empty.count)) }
    }

    @Test func `an envelope of ten thousand recipients fits, one beyond the limit is refused`() throws {
        _ = try OfflineMessage.preamble(sample(10_000), messageLength: 0)
        #expect(throws: OfflineMessageError.tooManyRecipients) {
            try OfflineMessage.preamble(sample(60_000), messageLength: 0)
        }
    }

    @Test func `flipped bytes never trap, and never make an address that is none`() throws {
        var random = SplitMix64(seed: 99)
        let content = try file(sample(), bytes("Subject: a\n\nb\n"))
        for _ in 0..<20_000 {
            var hostile = content
            for _ in 0...random.below(4) {
                hostile[random.below(hostile.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            guard let read = try? OfflineMessage(beginning: hostile, fileSize: Int64(hostile.count)) else { continue }
            #expect(read.messageOffset + read.messageLength == hostile.count)
            for address in read.envelope.recipients { #expect(address.bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F }) }
        }
    }
}

@Suite("Handing a message to the set-group-id program") struct OfflineTransferTests {
    @Test func `frames are cut at the limit, and the end is an empty one`() {
        let message = [UInt8](repeating: 0x61, count: OfflineTransfer.longestPiece + 1)
        let frames = OfflineTransfer.frames(message)
        #expect(OfflineTransfer.length(of: frames) == OfflineTransfer.longestPiece)
        #expect(OfflineTransfer.length(of: Array(frames[(4 + OfflineTransfer.longestPiece)...])) == 1)
        #expect(frames.count == message.count + 8)
        #expect(OfflineTransfer.end == [0, 0, 0, 0])
        #expect(OfflineTransfer.frames([]).isEmpty)
    }
}
