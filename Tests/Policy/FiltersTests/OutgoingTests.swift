import Envelopes
import Filters
import Testing

@Suite("Reports of sessions with other servers (smtp-out)") struct OutgoingTests {
    private let message = MessageID("1ef1c203")!
    private let envelope = EnvelopeID("1ef1c203cc576e5d")!

    @Test func `a session is told from the octets that pass`() {
        var reports = OutgoingReports()
        // Cut in the middle of lines.
        reports.receive(Array("220 mx.exam".utf8))
        reports.receive(Array("ple ESMTP\r\n".utf8))
        reports.send(Array("EHLO me.example\r\n".utf8))
        reports.receive(Array("250-mx.example\r\n250 AUTH PLAIN\r\n".utf8))
        reports.send(Array("AUTH PLAIN AGFkYQBzZWNyZXQ=\r\n".utf8))
        reports.receive(Array("235 ok\r\n".utf8))
        reports.begin(message, sender: "a@b.example")
        reports.send(Array("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n".utf8))
        reports.receive(Array("250 ok\r\n250-2.1.5\r\n250 ok\r\n354 go\r\n".utf8))
        reports.contentBegins()
        reports.send(Array("Subject: secret\r\n\r\nx\r\n.\r\n".utf8))
        reports.settled(envelope, "c@d.example", .accepted)
        reports.end(size: 20)
        #expect(
            reports.take() == [
                .serverLine(Array("220 mx.example ESMTP".utf8)), .greeted(hostname: "mx.example"),
                .clientLine(Array("EHLO me.example".utf8)), .identified(method: "EHLO", name: "me.example"),
                .serverLine(Array("250-mx.example".utf8)), .serverLine(Array("250 AUTH PLAIN".utf8)),
                .clientLine(Array("AUTH PLAIN ********".utf8)), .serverLine(Array("235 ok".utf8)),
                .transactionBegun(message),
                .clientLine(Array("MAIL FROM:<a@b.example>".utf8)), .clientLine(Array("RCPT TO:<c@d.example>".utf8)),
                .clientLine(Array("DATA".utf8)),
                .serverLine(Array("250 ok".utf8)), .mail(message, .accepted, address: Array("a@b.example".utf8)),
                .serverLine(Array("250-2.1.5".utf8)), .serverLine(Array("250 ok".utf8)),
                .recipient(message, .accepted, address: Array("c@d.example".utf8)), .serverLine(Array("354 go".utf8)),
                .data(message, .accepted), .envelope(envelope), .clientLine(Array(".".utf8)),
                .committed(message, size: 20), .transactionReset(message),
            ])
        #expect(reports.take().isEmpty)
    }

    @Test func `each refusal of the server is told of whom it was said`() {
        var reports = OutgoingReports()
        reports.receive(Array("220 mx.example\r\n".utf8))
        reports.begin(message, sender: "a@b.example")
        reports.send(Array("MAIL FROM:<a@b.example>\r\nRCPT TO:<\"x>\\\"\"@d.example> NOTIFY=NEVER\r\nRCPT TO:<e@d.example>\r\nDATA\r\n".utf8))
        reports.receive(Array("250 ok\r\n550 no\r\n451 later\r\n554 nobody\r\n".utf8))
        reports.settled(envelope, "e@d.example", .unavailable)
        reports.end(size: 0)
        let told = reports.take().filter { if case .serverLine = $0 { false } else if case .clientLine = $0 { false } else { true } }
        #expect(
            told == [
                .greeted(hostname: "mx.example"), .transactionBegun(message),
                .mail(message, .accepted, address: Array("a@b.example".utf8)),
                .recipient(message, .refused, address: Array("\"x>\\\"\"@d.example".utf8)),
                .recipient(message, .unavailable, address: Array("e@d.example".utf8)), .data(message, .refused),
                .envelope(envelope), .rolledBack(message), .transactionReset(message),
            ])
        reports.begin(message, sender: "a@b.example")
        reports.send(Array("MAIL FROM:<a@b.example>\r\n".utf8))
        reports.receive(Array("550 not you\r\n".utf8))
        #expect(reports.take().contains(.mail(message, .refused, address: Array("a@b.example".utf8))))
    }

    @Test func `commands that are sent together with their content are told, the content is not`() {
        var reports = OutgoingReports()
        reports.begin(message, sender: "a@b.example")
        reports.contentBegins()
        reports.send(Array("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 14 LAST\r\nMAIL secret\r\n\r\n".utf8))
        reports.receive(Array("250 ok\r\n250 ok\r\n250 taken\r\n".utf8))
        let events = reports.take()
        let lines = events.compactMap { if case .clientLine(let line) = $0 { text(line) } else { nil } }
        #expect(lines == ["MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>"])
        #expect(events.contains(.mail(message, .accepted, address: Array("a@b.example".utf8))))
        #expect(events.contains(.recipient(message, .accepted, address: Array("c@d.example".utf8))))
    }

    @Test func `what answers a challenge is not told`() {
        var reports = OutgoingReports()
        reports.send(Array("AUTH LOGIN\r\n".utf8))
        reports.receive(Array("334 VXNlcm5hbWU6\r\n".utf8))
        reports.send(Array("YWRh\r\n".utf8))
        let lines = reports.take().compactMap { if case .clientLine(let line) = $0 { text(line) } else { nil } }
        #expect(lines == ["AUTH LOGIN", "********"])
    }

    @Test func `a message that nobody took is rolled back, and a strange greeting has no name`() {
        var reports = OutgoingReports()
        reports.receive(Array("554 <go> away\r\n".utf8))
        reports.begin(message, sender: "")
        reports.settled(envelope, "c@d.example", .refused)
        reports.end(size: 0)
        let events = reports.take()
        #expect(events.contains(.greeted(hostname: "")))
        #expect(events.suffix(2) == [.rolledBack(message), .transactionReset(message)])
        reports.end(size: 0)
        #expect(reports.take().isEmpty, "no transaction is open")
    }
}
