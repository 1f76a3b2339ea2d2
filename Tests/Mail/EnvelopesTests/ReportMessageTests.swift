import MailSyntax
import SeededTesting
import Testing

@testable import Envelopes

/// A report taken apart by its boundary.
struct DissectedReport {
    var header: [String]
    /// For each part its header lines and its body.
    var parts: [(header: [String], body: String)]

    init?(_ report: ReportMessage.Composed) {
        let text = String(decoding: report.bytes, as: UTF8.self)
        guard let (head, rest) = Self.divided(text, "\n\n") else { return nil }
        header = head.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let boundary = head.split(separator: "boundary=\"").last?.split(separator: "\"").first else { return nil }
        guard rest.hasSuffix("\n--\(boundary)--\n") else { return nil }
        let pieces = Self.pieces(of: String(rest.dropLast("\n--\(boundary)--\n".count)), "\n--\(boundary)\n")
        parts = []
        for piece in pieces.dropFirst() {
            guard let (partHead, body) = Self.divided(piece, "\n\n") else { return nil }
            parts.append((partHead.split(separator: "\n").map(String.init), body))
        }
    }

    static func divided(_ text: String, _ separator: String) -> (String, String)? {
        let all = pieces(of: text, separator)
        return all.count < 2 ? nil : (all[0], all.dropFirst().joined(separator: separator))
    }

    static func pieces(of text: String, _ separator: String) -> [String] {
        let bytes = Array(text.utf8)
        let needle = Array(separator.utf8)
        var result: [String] = []
        var start = 0
        var position = 0
        while position + needle.count <= bytes.count {
            if bytes[position] == needle[0], bytes[position..<(position + needle.count)].elementsEqual(needle) {
                result.append(String(decoding: bytes[start..<position], as: UTF8.self))
                position += needle.count
                start = position
            } else {
                position += 1
            }
        }
        result.append(String(decoding: bytes[start...], as: UTF8.self))
        return result
    }
}

let storedMessage = "From: Ada <ada@example.org>\nSubject: Notes\n on engines\n\nThe body.\nIts end.\n"

func report(
    _ kind: BounceKind = .failed, _ transaction: Transaction? = nil, recipients: [ReportedRecipient]? = nil,
    original: [UInt8] = Array(storedMessage.utf8), originalSize: Int? = nil
) throws -> ReportMessage {
    let given = try recipients ?? [
        ReportedRecipient(
            recipient: address("bob", "example.net"), finalRecipient: address("bob", "mail.example.net"), action: .failed,
            status: "5.1.1", diagnostic: "550 5.1.1 No such user here", remoteHost: "mail.example.net",
            lastAttempt: Timestamp(seconds: 1_700_000_100))
    ]
    let message = try ReportMessage(
        kind, from: Domain(validating: Array("mx.example.net".utf8)), about: transaction ?? transactionOfAda(),
        recipients: given, arrival: Timestamp(seconds: 1_700_000_000), date: Timestamp(seconds: 1_700_000_200),
        original: original, originalSize: originalSize ?? original.count)
    return try #require(message)
}

/// The default transaction, under a name that a parameter does not hide.
private func transactionOfAda() throws -> Transaction { try transaction() }

@Suite("Reports (RFC 3464, RFC 6522)") struct ReportMessageTests {
    @Test func `a failure report is this text`() throws {
        var sent = try transaction()
        sent.envelopeIdentifier = Array("QQ314159".utf8)
        let composed = try report(.failed, sent).composed(token: "0123abcd")
        #expect(String(decoding: composed.bytes, as: UTF8.self) == """
            From: Mailer Daemon <MAILER-DAEMON@mx.example.net>
            To: <ada@example.org>
            Subject: Delivery status notification: failed
            Date: Tue, 14 Nov 2023 22:16:40 +0000 (UTC)
            Message-ID: <0123abcd.1700000200@mx.example.net>
            Auto-Submitted: auto-replied
            MIME-Version: 1.0
            Content-Type: multipart/report; report-type=delivery-status;
             boundary="=_0123abcd"

            This is a report in the format of RFC 3464, in several parts.

            --=_0123abcd
            Content-Type: text/plain; charset=us-ascii

            The mail server mx.example.net could not deliver your message to these
            addresses, and has given up:

                bob@example.net: 550 5.1.1 No such user here

            This report was made by a program; nobody reads an answer to it.

            --=_0123abcd
            Content-Type: message/delivery-status

            Original-Envelope-Id: QQ314159
            Reporting-MTA: dns; mx.example.net
            Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000 (UTC)

            Final-Recipient: rfc822; bob@mail.example.net
            Action: failed
            Status: 5.1.1
            Remote-MTA: dns; mail.example.net
            Diagnostic-Code: smtp; 550 5.1.1 No such user here
            Last-Attempt-Date: Tue, 14 Nov 2023 22:15:00 +0000 (UTC)

            --=_0123abcd
            Content-Type: text/rfc822-headers

            From: Ada <ada@example.org>
            Subject: Notes
             on engines

            --=_0123abcd--

            """)
        #expect(composed.body == .sevenBit)
        #expect(!composed.needsUTF8)
    }

    @Test func `a delay says until when it is tried, and that nothing needs to be done`() throws {
        let history = DeliveryHistory(attempts: 6, lastAttempt: Timestamp(seconds: 1_700_010_000), lastError: "451 4.7.1 Later")
        var waiting = try envelope()
        waiting.originalRecipient = Array("rfc822;bob+2Bnews@example.net".utf8)
        let composed = try report(
            .delayed(after: 14_400), recipients: [ReportedRecipient(waiting, history: history, action: .delayed)]
        ).composed(token: "a")
        let parts = try #require(DissectedReport(composed)).parts
        #expect(parts[0].body.contains("for 4h. It goes on trying until Sat, 18 Nov 2023 22:13:20\n+0000 (UTC); you need not send it again:"))
        #expect(parts[1].body.hasSuffix("""

            Original-Recipient: rfc822; bob+news@example.net
            Final-Recipient: rfc822; bob@example.net
            Action: delayed
            Status: 4.7.1
            Diagnostic-Code: smtp; 451 4.7.1 Later
            Last-Attempt-Date: Wed, 15 Nov 2023 01:00:00 +0000 (UTC)
            Will-Retry-Until: Sat, 18 Nov 2023 22:13:20 +0000 (UTC)

            """))
    }

    @Test(arguments: [
        (BounceKind.failed, ReportedRecipient.Action.failed, "failed"), (.delayed(after: 1), .delayed, "delayed"),
        (.delivered, .delivered, "delivered"), (.delivered, .relayed, "relayed"), (.delivered, .expanded, "expanded"),
    ])
    func `the subject names the kind`(_ kind: BounceKind, _ action: ReportedRecipient.Action, _ word: String) throws {
        let recipient = try ReportedRecipient(envelope(), history: DeliveryHistory(), action: action)
        let dissected = try #require(DissectedReport(report(kind, recipients: [recipient]).composed(token: "t")))
        #expect(dissected.header.contains("Subject: Delivery status notification: \(word)"))
        #expect(dissected.parts[1].body.contains("\nAction: \(action.rawValue)\n"))
    }

    @Test func `every recipient has its own block of fields`() throws {
        let recipients = try (1...50).map {
            try ReportedRecipient(envelope(to: address("user\($0)", "example.net")), history: DeliveryHistory(), action: .failed)
        }
        let parts = try #require(DissectedReport(report(recipients: recipients).composed(token: "t"))).parts
        #expect(DissectedReport.pieces(of: parts[1].body, "\n\n").count == 51)
        #expect(DissectedReport.pieces(of: parts[0].body, "\n    user").count == 51)
    }
}

@Suite("What a report returns (RFC 3461 section 4.3)") struct ReturnedContentTests {
    private func third(_ message: ReportMessage) throws -> (header: [String], body: String) {
        let parts = try #require(DissectedReport(message.composed(token: "t"))).parts
        #expect(parts.count == 3)
        return parts[2]
    }

    @Test func `a failure with RET=FULL returns the message whole`() throws {
        let part = try third(report(.failed, transaction(returnContent: .full)))
        #expect(part.header == ["Content-Type: message/rfc822"])
        #expect(part.body == storedMessage)
    }

    @Test(arguments: [BounceKind.delayed(after: 60), .delivered])
    func `other reports return the header only`(_ kind: BounceKind) throws {
        let part = try third(report(kind, transaction(returnContent: .full)))
        #expect(part.header == ["Content-Type: text/rfc822-headers"])
        #expect(part.body == "From: Ada <ada@example.org>\nSubject: Notes\n on engines\n")
    }

    @Test func `a message at the limit is returned whole, one byte more as header`() throws {
        let start = Array("Subject: long\n\n".utf8)
        var message = start + [UInt8](repeating: UInt8(ascii: "x"), count: ReportMessage.maximumReturned - start.count)
        for position in stride(from: 500, to: message.count, by: 500) { message[position] = 0x0A }
        let sent = try transaction(returnContent: .full)
        #expect(try third(report(.failed, sent, original: message)).header == ["Content-Type: message/rfc822"])
        #expect(try third(report(.failed, sent, original: message + [0x0A])).header == ["Content-Type: text/rfc822-headers"])
        #expect(try third(report(.failed, sent, original: message, originalSize: message.count + 1)).body == "Subject: long\n")
    }

    @Test(arguments: ["a: b\n\nNUL\0\n", "a: b\n\nbare\rCR\n", "a: b\n\n" + String(repeating: "x", count: 999) + "\n"])
    func `what a line of text cannot hold is not returned`(_ message: String) throws {
        let part = try third(report(.failed, transaction(returnContent: .full), original: Array(message.utf8)))
        #expect(part.header == ["Content-Type: text/rfc822-headers"])
        #expect(part.body == "a: b\n")
    }

    @Test func `a binary message is not returned`() throws {
        var sent = try transaction(returnContent: .full)
        sent.body = .binaryMIME
        #expect(try third(report(.failed, sent)).header == ["Content-Type: text/rfc822-headers"])
    }

    @Test func `eight bits are declared`() throws {
        let message = Array("Subject: x\n\nGr\u{FC}\u{DF}e\n".utf8)
        let composed = try report(.failed, transaction(returnContent: .full), original: message).composed(token: "t")
        let dissected = try #require(DissectedReport(composed))
        #expect(composed.body == .eightBitMIME)
        #expect(!composed.needsUTF8)
        #expect(dissected.header.contains("Content-Transfer-Encoding: 8bit"))
        #expect(dissected.parts[2].header == ["Content-Type: message/rfc822", "Content-Transfer-Encoding: 8bit"])
        #expect(dissected.parts[1].header == ["Content-Type: message/delivery-status"])
    }

    @Test func `a long header is cut after a whole line`() throws {
        let line = "X-Filler: " + String(repeating: "y", count: 89) + "\n"
        let message = Array(String(repeating: line, count: 2_000).utf8)
        let part = try third(report(.failed, original: message))
        #expect(part.body.utf8.count <= ReportMessage.maximumReturnedHeader)
        #expect(part.body.utf8.count > ReportMessage.maximumReturnedHeader - 200)
        #expect(part.body.hasSuffix("y\n"))
    }

    @Test(arguments: ["", "\n", "\n\nbody", "no line end", "\u{0}\u{1}\n"])
    func `an odd message is no trouble`(_ message: String) throws {
        let part = try third(report(.failed, transaction(returnContent: .headers), original: Array(message.utf8)))
        #expect(!part.body.contains("body"))
        #expect(part.body.utf8.allSatisfy { $0 >= 0x20 || $0 == 0x0A })
    }
}

@Suite("Reports about internationalized mail (RFC 6533)") struct InternationalReportTests {
    private func recipient() throws -> ReportedRecipient {
        ReportedRecipient(
            recipient: try address("b\u{F6}b", "example.net"), finalRecipient: try address("b\u{F6}b", "ex\u{E4}mple.net"),
            originalRecipient: Array("utf-8;b\\x{F6}b@example.net".utf8), action: .failed, status: "5.1.1",
            diagnostic: "kein Empf\u{E4}nger")
    }

    @Test func `a sender of SMTPUTF8 mail gets the global types`() throws {
        let sent = try transaction(from: .mailbox(address("ad\u{E4}", "example.org")), needsUTF8: true)
        let composed = try report(.failed, sent, recipients: [recipient()], original: Array("Subject: \u{E4}\n\n".utf8))
            .composed(token: "t")
        let dissected = try #require(DissectedReport(composed))
        #expect(composed.needsUTF8)
        #expect(composed.body == .eightBitMIME)
        #expect(dissected.header.contains("To: <ad\u{E4}@example.org>"))
        #expect(dissected.parts[0].header.first == "Content-Type: text/plain; charset=utf-8")
        #expect(dissected.parts[1].header.first == "Content-Type: message/global-delivery-status")
        #expect(dissected.parts[1].body.contains("Original-Recipient: utf-8; b\\x{F6}b@example.net\nFinal-Recipient: utf-8; b\u{F6}b@ex\u{E4}mple.net\n"))
        #expect(dissected.parts[1].body.contains("kein Empf\u{E4}nger"))
        #expect(dissected.parts[2].header.first == "Content-Type: message/global-headers")
        var full = sent
        full.returnContent = .full
        let whole = try report(.failed, full, recipients: [recipient()], original: Array("Subject: \u{E4}\n\n".utf8))
        #expect(try #require(DissectedReport(whole.composed(token: "t"))).parts[2].header.first == "Content-Type: message/global")
    }

    @Test func `another sender gets ASCII, with the address escaped`() throws {
        let composed = try report(.failed, recipients: [recipient()]).composed(token: "t")
        #expect(composed.bytes.allSatisfy { $0 < 0x80 })
        #expect(!composed.needsUTF8)
        let status = try #require(DissectedReport(composed)).parts[1]
        #expect(status.header == ["Content-Type: message/delivery-status"])
        #expect(status.body.contains("Final-Recipient: utf-8; b\\x{F6}b@ex\\x{E4}mple.net\n"))
        #expect(status.body.contains("Diagnostic-Code: x-martlet; kein Empf?nger\n"))
    }

    @Test func `an ASCII report to an SMTPUTF8 sender is an ordinary one`() throws {
        let composed = try report(.failed, transaction(needsUTF8: true)).composed(token: "t")
        #expect(composed.body == .sevenBit)
        #expect(!composed.needsUTF8)
    }
}

@Suite("Texts of others in a report") struct ReportHostileTextTests {
    @Test(arguments: [
        "550 no\nFinal-Recipient: rfc822; victim@example.com", "550 no\r\n\r\n--=_t\r\nContent-Type: text/html\r\n",
        "\u{0}\u{1B}[2J\u{7F}", "\u{85}\u{2028}--=_t--",
    ])
    func `add no line of their own`(_ diagnostic: String) throws {
        let recipient = ReportedRecipient(
            recipient: try address("bob", "example.net"), finalRecipient: try address("bob", "example.net"),
            originalRecipient: Array("rfc822;a+0AAction:+20delivered".utf8), action: .failed, status: "2.0.0\nx",
            diagnostic: diagnostic, remoteHost: "evil\nStatus: 2.0.0")
        let dissected = try #require(DissectedReport(report(recipients: [recipient]).composed(token: "t")))
        #expect(dissected.parts.count == 3)
        let names = dissected.parts[1].body.split(separator: "\n").compactMap { line in
            line.first == " " ? nil : line.split(separator: ":").first.map(String.init)
        }
        #expect(names == [
            "Reporting-MTA", "Arrival-Date", "Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA",
            "Diagnostic-Code",
        ])
        #expect(dissected.parts[1].body.contains("\nStatus: 5.0.0\n"))
        #expect(dissected.parts[1].body.contains("Original-Recipient: rfc822; a?Action: delivered\n"))
    }

    @Test func `are folded, and cut when they have no end`() throws {
        for text in [String(repeating: "word ", count: 300), String(repeating: "x", count: 1_500_000), String(repeating: "\u{E4}", count: 5_000)] {
            let recipient = ReportedRecipient(
                recipient: try address("bob", "example.net"), finalRecipient: try address("bob", "example.net"),
                action: .failed, status: "", diagnostic: text)
            for needsUTF8 in [true, false] {
                let composed = try report(.failed, transaction(needsUTF8: needsUTF8), recipients: [recipient]).composed(token: "t")
                #expect(composed.bytes.count < 8_000)
                #expect(composed.bytes.split(separator: 0x0A).allSatisfy { $0.count <= 998 })
                #expect(String(validating: composed.bytes, as: UTF8.self) != nil)
            }
        }
    }

    @Test func `a boundary in the content is varied until it is in none`() throws {
        let hostile = "Subject: =_t =_t_0_ =_t_1_\n\n--=_t\n--=_t--\n--=_t_2_\n"
        let message = try report(.failed, transaction(returnContent: .full), original: Array(hostile.utf8))
        let composed = message.composed(token: "t")
        let dissected = try #require(DissectedReport(composed))
        #expect(dissected.header.last?.hasSuffix(" boundary=\"=_t_3_\"") == true)
        #expect(dissected.parts.count == 3)
        #expect(dissected.parts[2].body == hostile)
    }

    @Test func `the token is letters and digits`() throws {
        let dissected = try #require(DissectedReport(report().composed(token: "a\"\r\nb-<" + String(repeating: "7", count: 99))))
        #expect(dissected.header.contains { $0.contains("boundary=\"=_ab7777") && $0.utf8.count <= 78 })
        #expect(DissectedReport(try report().composed(token: "")) != nil)
    }

    @Test func `spaces of a quoted local part stay`() throws {
        let odd = try address("a  b\"c", "example.net")
        let sent = try transaction(from: .mailbox(odd))
        let recipient = ReportedRecipient(recipient: odd, finalRecipient: odd, action: .failed, status: "", diagnostic: "no")
        let dissected = try #require(DissectedReport(report(.failed, sent, recipients: [recipient]).composed(token: "t")))
        #expect(dissected.header.contains("To: <\"a  b\\\"c\"@example.net>"))
        #expect(dissected.parts[1].body.contains("Final-Recipient: rfc822; \"a  b\\\"c\"@example.net\n"))
    }

    @Test(arguments: 1...3)
    func `random octets everywhere never break the structure`(_ seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let fragments = ["\n", "\r\n", "\n\n", "--=_t", "=_t", "_0_", ": ", " ", "  ", "\t", "\0", "\u{E4}", "\u{85}", "+0A", "\\", ";", "5.1.1", "word", "a@b", String(repeating: "z", count: 700)]
        func text() -> String {
            (0..<Int.random(in: 0...12, using: &generator)).map { _ in fragments.randomElement(using: &generator)! }.joined()
        }
        for _ in 0..<700 {
            var sent = try transaction(
                needsUTF8: Bool.random(using: &generator), returnContent: [nil, .full, .headers].randomElement(using: &generator)!)
            sent.envelopeIdentifier = Array(text().utf8)
            let recipients = try (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                ReportedRecipient(
                    recipient: try address("b\u{F6}b", "example.net"), finalRecipient: try address("bob", "example.net"),
                    originalRecipient: Array(text().utf8), action: .failed, status: text(), diagnostic: text(),
                    remoteHost: text(), lastAttempt: Timestamp(seconds: Int64.random(in: .min ... .max, using: &generator)))
            }
            let kind: BounceKind = [.failed, .delayed(after: Int64.random(in: .min ... .max, using: &generator)), .delivered]
                .randomElement(using: &generator)!
            let composed = try report(kind, sent, recipients: recipients, original: Array(text().utf8)).composed(token: "t")
            let dissected = try #require(DissectedReport(composed))
            #expect(dissected.parts.count == 3)
            #expect((8...10).contains(dissected.header.count))
            #expect(composed.bytes.allSatisfy { $0 >= 0x20 || $0 == 0x0A || $0 == 0x09 })
            #expect(composed.bytes.split(separator: 0x0A).allSatisfy { $0.count <= 998 })
            #expect(DissectedReport.pieces(of: dissected.parts[1].body, "\n\n").count == recipients.count + 1)
        }
    }
}

@Suite("Status and reason of a recipient (RFC 3463, RFC 3464 section 2.3.4)") struct ReportedRecipientTests {
    @Test(arguments: [
        ("550 5.1.1 No such user", "5.1.1"), ("4.2.2 full", "4.2.2"), ("250 ok 2.0.0 x", "2.0.0"), ("connection refused", nil), ("1.2.3.4 is down", nil),
        ("550 5.1234.1 x", nil), ("a b c 5.1.1", nil), ("3.0.0", nil), ("5.1.", nil), ("", nil),
    ] as [(String, String?)])
    func `a status code is found among the first words`(_ text: String, _ code: String?) {
        #expect(ReportedRecipient.statusCode(in: text) == code)
    }

    @Test(arguments: [
        (ReportedRecipient.Action.failed, "4.4.7", "4.4.7"), (.failed, "2.0.0", "5.0.0"), (.delayed, "5.1.1", "4.0.0"),
        (.delayed, "4.2.0", "4.2.0"), (.relayed, "", "2.0.0"), (.delivered, "2.1.5", "2.1.5"), (.failed, "5.1", "5.0.0"),
    ])
    func `a status of the wrong class becomes the general one`(_ action: ReportedRecipient.Action, _ given: String, _ written: String) throws {
        var recipient = try ReportedRecipient(envelope(), history: DeliveryHistory(), action: action)
        recipient.status = given
        #expect(recipient.checkedStatus == written)
    }

    @Test(arguments: [
        ("150 Host not found", "Host not found"), ("601 x", "x"), ("550 5.1.1 No", "550 5.1.1 No"), ("150", "150"),
        ("15x y", "15x y"), ("1500 y", "1500 y"),
    ])
    func `a mark of our own is left out of the reason`(_ text: String, _ written: String) throws {
        let recipient = try ReportedRecipient(envelope(), history: DeliveryHistory(lastError: text), action: .failed)
        #expect(recipient.checkedDiagnostic == written)
    }
}
