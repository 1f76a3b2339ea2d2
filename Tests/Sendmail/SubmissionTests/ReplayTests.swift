import Envelopes
import MailSyntax
@testable import Submission
import Testing

@Suite("What becomes of an offline message once the daemon has answered") struct ReplayTests {
    private func address(_ text: String) throws -> MailAddress {
        let parts = text.split(separator: "@")
        return MailAddress(
            try LocalPart(validating: Array(parts[0].utf8)), at: try Domain(validating: Array(parts[1].utf8)))
    }

    private func reply(_ code: Int, _ text: String = "x") -> SubmissionReply {
        SubmissionReply(code: code, lines: [Array(text.utf8)])
    }

    private func names(_ addresses: [MailAddress]) -> [String] { addresses.map(\.text) }

    @Test func `taken by all is done with`() throws {
        var outcome = SubmissionOutcome()
        outcome.accepted = [try address("a@x.example")]
        let verdict = ReplayVerdict(outcome)
        #expect(verdict.isTaken)
        #expect(verdict.waiting.isEmpty && verdict.refused.isEmpty)
    }

    @Test func `4yz waits, 5yz is refused, each for itself`() throws {
        var outcome = SubmissionOutcome()
        outcome.accepted = [try address("a@x.example")]
        outcome.refused = [
            .init(recipient: try address("b@x.example"), reply: reply(450, "later")),
            .init(recipient: try address("c@x.example"), reply: reply(550, "5.1.1 unknown")),
        ]
        let verdict = ReplayVerdict(outcome)
        #expect(names(verdict.waiting) == ["b@x.example"])
        #expect(verdict.delay == "450 later")
        #expect(names(verdict.refused.map(\.recipient)) == ["c@x.example"])
        #expect(verdict.refused.first?.reason == "550 5.1.1 unknown")
    }

    @Test func `a lost connection makes all wait, even in doubt`() throws {
        var outcome = SubmissionOutcome()
        outcome.abandoned = [try address("a@x.example"), try address("b@x.example")]
        outcome.failure = .lost
        outcome.isInDoubt = true
        let verdict = ReplayVerdict(outcome)
        #expect(!verdict.isTaken)
        #expect(names(verdict.waiting) == ["a@x.example", "b@x.example"])
        #expect(verdict.refused.isEmpty)
    }

    @Test func `a message refused for good is refused for all`() throws {
        var outcome = SubmissionOutcome()
        outcome.abandoned = [try address("a@x.example"), try address("b@x.example")]
        outcome.failure = reply(552, "too big")
        outcome.isContentRefused = true
        let verdict = ReplayVerdict(outcome)
        #expect(verdict.refused.count == 2)
        #expect(verdict.waiting.isEmpty)
    }

    @Test(arguments: [
        (nil, true), (NotifyOptions.failure, true), ([.failure, .delay], true), (.never, false), (.success, false),
    ] as [(NotifyOptions?, Bool)])
    func `NOTIFY says whether the sender hears of it (RFC 3461 section 4.1)`(_ notify: NotifyOptions?, _ wants: Bool) throws {
        let sender = ReversePath.mailbox(try address("s@x.example"))
        let envelope = SubmissionEnvelope(sender: sender, recipients: [try address("a@x.example")], notify: notify)
        #expect(envelope.wantsFailureReport == wants)
        let nobody = SubmissionEnvelope(sender: .null, recipients: [try address("a@x.example")], notify: notify)
        #expect(!nobody.wantsFailureReport)
    }

    @Test func `the report names recipient, status and reason, and returns the header`() throws {
        let envelope = SubmissionEnvelope(
            sender: .mailbox(try address("s@x.example")), recipients: [try address("a@x.example")])
        let refusal = ReplayVerdict.Refusal(recipient: try address("a@x.example"), reason: "550 5.1.1 unknown user")
        let original = Array("Subject: caf\u{E9}\n\nbody\n".utf8)
        let report = try #require(
            envelope.failureReport(
                about: [refusal], from: try Domain(validating: Array("mx.example".utf8)), at: 1_700_000_000,
                original: original, size: original.count, token: "token"))
        let text = String(decoding: report.bytes, as: UTF8.self)
        for part in [
            "multipart/report; report-type=delivery-status", "Final-Recipient: rfc822; a@x.example", "Action: failed",
            "Status: 5.1.1", "550 5.1.1 unknown user", "To: <s@x.example>", "Subject: caf\u{E9}", "Auto-Submitted: ",
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }

    @Test func `only the exact hidden option replays`() {
        func read(_ words: String...) -> Invocation {
            Invocation(name: Array("sendmail".utf8), arguments: words.map { Array($0.utf8) })
        }
        #expect(read("--replay-offline") == .replayOffline)
        for other in [read("--replay-offline", "x"), read("-i", "--replay-offline"), read("--replay")] {
            if case .usage = other { continue }
            Issue.record("\(other)")
        }
    }
}
