import MailSyntax
import Testing

@testable import Envelopes

@Suite("Who is sent a report (RFC 3461 sections 4.1 and 5.2)") struct ReportPolicyTests {
    private static let kinds: [BounceKind] = [.failed, .delayed(after: 14_400), .delivered]

    @Test(arguments: [
        (nil, [true, true, false]),
        ([], [false, false, false]),
        (.never, [false, false, false]),
        (.failure, [true, false, false]),
        (.delay, [false, true, false]),
        (.success, [false, false, true]),
        ([.success, .delay], [false, true, true]),
        ([.success, .failure, .delay], [true, true, true]),
        ([.never, .failure], [false, false, false]),
    ] as [(NotifyOptions?, [Bool])])
    func `NOTIFY decides about failures, delays and successes`(_ notify: NotifyOptions?, _ expected: [Bool]) throws {
        let decisions = try Self.kinds.map { kind in
            try ReportPolicy.shouldReport(kind, of: envelope(notify: notify), in: transaction())
        }
        #expect(decisions == expected)
    }

    @Test(arguments: kinds)
    func `nothing is reported to the null reverse path`(_ kind: BounceKind) throws {
        let all: NotifyOptions = [.success, .failure, .delay]
        #expect(try !ReportPolicy.shouldReport(kind, of: envelope(notify: all), in: transaction(from: .null)))
        #expect(try ReportMessage(
            kind, from: Domain(validating: Array("mx.example.net".utf8)), about: transaction(from: .null),
            recipients: [ReportedRecipient(envelope(), history: DeliveryHistory(), action: .failed)], arrival: nil,
            date: Timestamp(seconds: 0), original: [], originalSize: 0) == nil)
    }

    @Test(arguments: kinds)
    func `a report is never reported about`(_ kind: BounceKind) throws {
        let all: NotifyOptions = [.success, .failure, .delay]
        #expect(try !ReportPolicy.shouldReport(kind, of: envelope(kind: .bounce(.failed), notify: all), in: transaction()))
    }

    @Test func `success is delivered here, relayed to a server without DSN, and left to one with it`() throws {
        let local = try envelope(kind: .local(LocalDelivery(user: "bob")))
        #expect(ReportPolicy.successAction(for: local, nextServerReports: false) == .delivered)
        #expect(ReportPolicy.successAction(for: try envelope(), nextServerReports: false) == .relayed)
        #expect(ReportPolicy.successAction(for: try envelope(), nextServerReports: true) == nil)
        #expect(try ReportPolicy.successAction(for: envelope(kind: .bounce(.failed)), nextServerReports: false) == nil)
    }

    @Test func `envelopes of one message share a report of one kind`() throws {
        let first = ReportKey(EnvelopeID("0000000100000001")!, .delayed(after: 60))
        #expect(first == ReportKey(EnvelopeID("0000000100000002")!, .delayed(after: 60)))
        #expect(first != ReportKey(EnvelopeID("0000000100000002")!, .delayed(after: 61)))
        #expect(first != ReportKey(EnvelopeID("0000000100000002")!, .failed))
        #expect(first != ReportKey(EnvelopeID("0000000200000001")!, .delayed(after: 60)))
    }
}
