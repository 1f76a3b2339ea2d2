import Envelopes
import MailSyntax
import Testing

@testable import SMTPProtocol

@Suite("The trace header (RFC 5321 section 4.4)") struct TraceHeaderTests {
    @Test func `names client, server, protocol, id, sole recipient and date`() throws {
        var server = try TestServer.withTransaction()
        _ = server.say("DATA", "Subject: x", "", "y", ".")
        #expect(
            server.messages.first == """
                Received: from client.example (client.example [192.0.2.1])
                \tby mx.example (Martlet) with ESMTP id deadbeef
                \tfor <bob@mx.example>;
                \tMon, 1 Jan 2024 00:00:00 +0000 (UTC)
                Subject: x

                y

                """)
    }

    @Test func `names nobody when there are two recipients, and no client when it is masked`() throws {
        var server = try TestServer.withTransaction { $0.masksSource = true }
        _ = server.say("RCPT TO:<eve@mx.example>", "DATA", "Subject: x", "", ".")
        #expect(
            server.messages.first?.hasPrefix(
                "Received: by mx.example (Martlet) with ESMTP id deadbeef;\n\tMon, 1 Jan 2024") == true)
    }

    // Conformance: RFC 3848 | ESMTPS, ESMTPSA and the others in Received
    // Conformance: RFC 5321 section 4.1.3 | an IPv6 address is written with its tag
    @Test func `gives an IPv6 address its tag, and tells HELO, UTF-8 and authentication apart`() throws {
        let client = ClientIdentity(
            source: .network(.v6(high: 0x2001_0DB8 << 32, low: 1)), reverseName: "<unknown>", isAuthenticated: true)
        var server = try TestServer(client: client)
        _ = server.say("HELO x.example", "MAIL FROM:<>", "RCPT TO:<a>", "DATA", "S: x", "", ".")
        _ = server.say("EHLO x.example", "MAIL FROM:<> SMTPUTF8", "RCPT TO:<a>", "DATA", "S: x", "", ".")
        #expect(server.messages[0].hasPrefix("Received: from x.example (<unknown> [IPv6:2001:db8::1])\n\tby mx.example (Martlet) with SMTPA id"))
        #expect(server.messages[1].contains(" with UTF8SMTPA id"))
    }

    @Test func `cannot be broken by a name from the resolver`() throws {
        let client = ClientIdentity(source: .local, reverseName: "a\r\nX-Evil: b (c)\0")
        var server = try TestServer(client: client)
        _ = server.say("HELO x.example", "MAIL FROM:<>", "RCPT TO:<a>", "DATA", "S: x", "", ".")
        #expect(server.messages.first?.hasPrefix("Received: from x.example (a??X-Evil:?b??c?? [local])\n\tby") == true)
    }
}

@Suite("Header and body on the way in") struct MessageIntakeTests {
    @Test func `Bcc goes with its continuation lines, in any case of letters`() throws {
        let stored = try TestServer.stored("To: a@b.example\r\nbCC: c@d.example,\r\n\te@f.example\r\n g@h.example\r\nX: y\r\n\r\nBcc: body")
        #expect(stored == "To: a@b.example\nX: y\n\nBcc: body\n")
    }

    // Conformance: RFC 6409 section 8.1 | addresses without a domain are completed
    @Test func `Addresses without a domain are completed in From, To and Cc, and nowhere else`() throws {
        let stored = try TestServer.stored(
            "From: root (Cron Daemon)\r\nTo: \"a, b\" <bob>,\r\n\tc@d.example\r\nCC: eve\r\nReply-To: eve\r\n\r\nTo: x")
        #expect(
            stored == "From: root@mx.example (Cron Daemon)\nTo: \"a, b\" <bob@mx.example>,\n\tc@d.example\nCC: eve@mx.example\nReply-To: eve\n\nTo: x\n")
    }

    // Conformance: RFC 6409 section 8 | Date and Message-ID are added to submitted messages without them
    @Test func `Date and Message-ID are added at the end of the header where that is wanted`() throws {
        let added = "Date: Mon, 1 Jan 2024 00:00:00 +0000 (UTC)\nMessage-ID: <0000000000001234@mx.example>\n"
        #expect(try TestServer.stored("S: x\r\n\r\ny") { $0.completesHeader = true } == "S: x\n\(added)\ny\n")
        #expect(try TestServer.stored("S: x") { $0.completesHeader = true } == "S: x\n\(added)")
        #expect(try TestServer.stored("\r\ny") { $0.completesHeader = true } == "\(added)\ny\n")
        #expect(
            try TestServer.stored("dAte: x\r\nmessage-ID : y\r\n\r\nz") { $0.completesHeader = true }
                == "dAte: x\nmessage-ID : y\n\nz\n")
        #expect(try TestServer.stored("S: x\r\n\r\ny") == "S: x\n\ny\n")
    }

    @Test func `A message without content is a message`() throws {
        var server = try TestServer.withTransaction()
        #expect(server.say("DATA", ".").last == "250 2.0.0 deadbeef Message accepted for delivery")
        #expect(server.messages.first?.hasSuffix("+0000 (UTC)\n") == true)
    }

    // Conformance: RFC 5321 section 4.5.2 | the dot that stuffing added is taken away, and nothing else
    @Test func `Leading dots lose one, and a body is kept byte for byte`() throws {
        #expect(try TestServer.stored("S: x\r\n\r\n..\r\n...a\r\n.b\r\n \t \r\n\r\n\u{e9}") == "S: x\n\n.\n..a\nb\n \t \n\n\u{e9}\n")
    }

    @Test(arguments: ["no field\r\n\r\nbody", " folded first\r\n\r\n", "A: b\r\nFrom x y\r\n\r\n", ": x", "A b: c\r\n", "A: b\r\n\u{e9}: c"])
    func `What is no header is refused with 550`(_ content: String) throws {
        var server = try TestServer.withTransaction()
        _ = server.say("DATA")
        server.send(octets(content + "\r\n.\r\n"))
        #expect(server.takeLines() == ["550 5.7.1 Delivery not authorized, message refused: Message is not RFC 2822 compliant"])
        #expect(server.rollbacks == 1)
    }

    // Conformance: RFC 5321 section 6.3 | a message with a hundred Received fields (`max-hops`) runs in circles: 554 5.4.6
    @Test func `99 Received fields pass, 100 are a loop`() throws {
        let field = "Received: from a by b; c\r\n"
        #expect(try TestServer.stored(String(repeating: field, count: 99) + "\r\n") != nil)
        var server = try TestServer.withTransaction()
        _ = server.say("DATA")
        server.send(octets(String(repeating: field, count: 100) + "\r\n.\r\n"))
        #expect(server.takeLines() == ["554 5.4.6 Routing loop detected: Loop detected"])
    }

    @Test func `An address field above its limit passes unchanged`() throws {
        let limit = 40
        let fits = "To: " + String(repeating: "a,", count: 17) + "b"
        let stored = try TestServer.stored(fits + "\r\n\r\n") { $0.limits.addressField = limit }
        #expect(stored?.contains("b@mx.example\n") == true)
        let exceeds = "To: " + String(repeating: "a,", count: 17) + "\r\n b\r\n c"
        let passed = try TestServer.stored(exceeds + "\r\n\r\n") { $0.limits.addressField = limit }
        #expect(passed == "To: " + String(repeating: "a,", count: 17) + "\n b\n c\n\n\n")
    }
}
