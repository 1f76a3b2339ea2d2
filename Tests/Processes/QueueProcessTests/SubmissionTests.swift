import Envelopes
import MailSyntax
import ProcessMessages
import RoleProcess
import Testing

@testable import QueueProcess

@Suite("A message of any number of recipients reaches the scheduler") struct SubmissionTests {
    private func envelopes(_ count: UInt32) throws -> [Envelope] {
        let message = try #require(MessageID(rawValue: 7))
        let address = MailAddress(
            try LocalPart(validating: Array("ada".utf8)), at: try Domain(validating: Array("example.org".utf8)))
        return try (0..<count).map { number in
            Envelope(
                id: try #require(EnvelopeID(message, number + 1)), recipient: address, destination: address, action: "relay",
                kind: .relay, created: Timestamp(seconds: 1_800_000_000), timeToLive: 86_400)
        }
    }

    private func ids(_ news: QueueToScheduler) -> [EnvelopeID] {
        if case .submitted(let envelopes) = news { envelopes.map(\.id) } else { [] }
    }

    @Test func `several hundred thousand envelopes are announced in order, in frames far below the bound`() throws {
        let envelopes = try envelopes(400_000)
        let news = QueueToScheduler.submissions(of: envelopes)
        #expect(news.flatMap(ids) == envelopes.map(\.id))
        #expect(news.allSatisfy { ids($0).count <= QueueToScheduler.maximumAnnounced })
        let first = try #require(news.first)
        #expect(first.encoded.count < RoleContext.maximumFrame / 16)
    }

    @Test func `a full frame is not split, and one envelope more makes a second`() throws {
        let envelopes = try envelopes(UInt32(QueueToScheduler.maximumAnnounced) + 1)
        #expect(QueueToScheduler.submissions(of: Array(envelopes.dropLast())).map { ids($0).count } == [4_096])
        #expect(QueueToScheduler.submissions(of: envelopes).map { ids($0).count } == [4_096, 1])
        #expect(QueueToScheduler.submissions(of: []).isEmpty)
    }
}
