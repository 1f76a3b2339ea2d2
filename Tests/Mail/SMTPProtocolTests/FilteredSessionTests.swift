import MailSyntax
import Testing

@testable import SMTPProtocol

@Suite("Sessions with filters (smtpd-filters(7))") struct FilteredSessionTests {
    private func server(
        content: Bool = false, _ filter: @escaping (FilterQuestion) -> PhaseVerdict? = { _ in nil }
    ) throws -> TestServer {
        var server = try TestServer(asking: filter) { $0.isFiltered = true }
        server.filtersContent = content
        return server
    }

    /// Answers one phase, and proceeds in all others.
    private func answer(_ phase: FilterPhase, _ verdict: PhaseVerdict) -> (FilterQuestion) -> PhaseVerdict? {
        { $0.phase == phase ? verdict : nil }
    }

    @Test func `a session without filters asks and tells nothing`() throws {
        var server = try TestServer.withTransaction()
        _ = server.say("DATA", "Subject: x", "", ".", "NOOP", "QUIT")
        #expect(server.questions.isEmpty && server.events.isEmpty)
    }

    @Test func `each command is asked about once, in order, with its argument`() throws {
        var server = try server(content: true)
        _ = server.say(
            "EHLO client.example", "MAIL FROM:<ada@example.org> BODY=8BITMIME", "RCPT TO:<\"a>b\"@mx.example>", "DATA")
        _ = server.say("Subject: x", "", "body", ".")
        _ = server.say("NOOP x", "RSET", "HELP", "QUIT")
        #expect(
            server.questions == [
                FilterQuestion(.connect), FilterQuestion(.ehlo, argument: octets("client.example")),
                FilterQuestion(.mailFrom, argument: octets("ada@example.org"), parameters: [octets("BODY=8BITMIME")]),
                FilterQuestion(.rcptTo, argument: octets("\"a>b\"@mx.example")), FilterQuestion(.data), FilterQuestion(.commit),
                FilterQuestion(.noop), FilterQuestion(.rset), FilterQuestion(.help), FilterQuestion(.quit),
            ])
        #expect(server.messages.count == 1)
    }

    @Test func `what the server refuses by itself is not asked about`() throws {
        var server = try server()
        var replies = server.say("MAIL FROM:<ada@example.org>", "EHLO a b", "AUTH PLAIN x", "STARTTLS", "RCPT TO:<x>", "DATA")
        replies += server.say("VRFY x", "nonsense", "WIZ")
        #expect(replies.count == 9)
        #expect(replies.allSatisfy { $0.hasPrefix("5") || $0.hasPrefix("252") }, "\(replies)")
        #expect(server.questions == [FilterQuestion(.connect), FilterQuestion(.unknown, argument: octets("nonsense"))], "\(replies)")
    }

    @Test func `a refusal of a sender or a recipient is told, unless it was out of order`() throws {
        var server = try server()
        _ = server.say("EHLO c.example", "RCPT TO:<bob@mx.example>", "MAIL FROM:<a b@example.org>", "MAIL FROM:<a@example.org> SIZE=99999999999")
        _ = server.say("MAIL FROM:<ada@example.org>", "RCPT TO:<bob@mx.example> NOTIFY=PERHAPS", "RCPT TO:<bob@mx.example>")
        let told = server.events.compactMap { event -> String? in
            switch event {
            case .refusedSender(let address, let reply): "sender \(text(address)) \(reply.code)"
            case .refusedRecipient(let address, let reply): "recipient \(text(address)) \(reply.code)"
            case .greeted, .clientLine, .identified, .timedOut: nil
            }
        }
        #expect(told == ["sender <a b@example.org> 553", "sender a@example.org 552", "recipient bob@mx.example 501"])
    }

    @Test func `an unknown command is asked about, refused all the same, and counted`() throws {
        var server = try server()
        #expect(server.say("XYZZY now").first?.hasPrefix("500 ") == true)
        server.filter = answer(.unknown, .refuse(Reply(550, nil, "no magic")))
        #expect(server.say("XYZZY") == ["550 no magic"])
        #expect(server.say("EHLO").first?.hasPrefix("501 ") == true, "a command that is known is none of theirs")
        server.filter = answer(.unknown, .disconnect(Reply(421, nil, "out")))
        #expect(server.say("XYZZY") == ["421 out"])
        #expect(server.closed == .filtered)
        var patient = try self.server(answer(.unknown, .refuse(Reply(550, nil, "no magic"))))
        for _ in 0..<100 where patient.closed == nil { _ = patient.say("XYZZY") }
        #expect(patient.closed == .tooManyBadCommands)
    }

    @Test func `a refusal of the connection is said in place of the greeting, and ends it`() throws {
        let server = try server(answer(.connect, .refuse(Reply(550, nil, "no"))))
        #expect(text(server.greeting) == "550 no\r\n")
        #expect(server.closed == .filtered)
    }

    @Test(arguments: [
        (FilterPhase.ehlo, "EHLO client.example"), (.mailFrom, "MAIL FROM:<ada@example.org>"), (.rcptTo, "RCPT TO:<bob@mx.example>"),
        (.data, "DATA"), (.noop, "NOOP"), (.rset, "RSET"), (.quit, "QUIT"),
    ]) func `a refused command is not carried out, and the session goes on`(_ phase: FilterPhase, _ command: String) throws {
        var server = try server()
        for line in ["EHLO client.example", "MAIL FROM:<ada@example.org>", "RCPT TO:<bob@mx.example>"] where line != command {
            if line.hasPrefix("RCPT"), phase == .mailFrom { break }
            _ = server.say(line)
        }
        server.filter = answer(phase, .refuse(Reply(450, nil, "4.7.1 later")))
        #expect(server.say(command) == ["450 4.7.1 later"])
        #expect(server.closed == nil)
        server.filter = { _ in nil }
        #expect(server.say(command).first?.first != "5", "as if it had not been said")
    }

    @Test func `code 421 and a disconnection end the session`() throws {
        var one = try server(answer(.noop, .refuse(Reply(421, nil, "bye"))))
        #expect(one.say("NOOP") == ["421 bye"])
        #expect(one.closed == .serviceUnavailable)
        var two = try server(answer(.noop, .disconnect(Reply(550, nil, "bye"))))
        #expect(two.say("NOOP", "NOOP") == ["550 bye"])
        #expect(two.closed == .filtered)
    }

    @Test func `a rewritten sender takes the place of the client's and keeps its parameters`() throws {
        for value in ["<new@example.net>", "new@example.net"] {
            var server = try server(answer(.mailFrom, .rewrite(octets(value))))
            #expect(server.say("EHLO c.example", "MAIL FROM:<old@example.org> BODY=8BITMIME").last?.hasPrefix("250") == true)
            #expect(server.senders.last?.sender.text == "new@example.net")
            #expect(server.senders.last?.body == .eightBitMIME)
        }
    }

    @Test(arguments: ["<a b>", "<a@b", "", "<a@b> SIZE=x", "<a@\u{01}b>"])
    func `a rewritten argument is checked like a client's`(_ value: String) throws {
        var server = try server(answer(.mailFrom, .rewrite(octets(value))))
        _ = server.say("EHLO c.example")
        // The empty path becomes the null sender, which is one.
        let isValid = value.isEmpty
        #expect(server.say("MAIL FROM:<old@example.org>").last?.hasPrefix(isValid ? "250" : "5") == true)
    }

    @Test func `a rewritten address that the server refuses is told as it was written`() throws {
        var server = try server {
            switch $0.phase {
            case .mailFrom: $0.argument == octets("bad@example.org") ? .rewrite(octets("<a b@example.net>")) : nil
            case .rcptTo: .rewrite(octets("<x>y@mx.example>"))
            default: nil
            }
        }
        _ = server.say("EHLO c.example", "MAIL FROM:<bad@example.org>", "MAIL FROM:<ada@example.org>", "RCPT TO:<bob@mx.example>")
        let told = server.events.compactMap { event -> String? in
            switch event {
            case .refusedSender(let address, let reply): "sender \(text(address)) \(reply.code)"
            case .refusedRecipient(let address, let reply): "recipient \(text(address)) \(reply.code)"
            case .greeted, .clientLine, .identified, .timedOut: nil
            }
        }
        #expect(told.count == 2 && told[0].contains("a b@example.net") && told[1].hasPrefix("recipient x"), "\(told)")
    }

    @Test func `names and recipients can be rewritten too`() throws {
        var server = try server {
            switch $0.phase {
            case .ehlo: .rewrite(octets("other.example"))
            case .rcptTo: .rewrite(octets("<carol@mx.example>"))
            default: nil
            }
        }
        _ = server.say("EHLO c.example", "MAIL FROM:<a@example.org>", "RCPT TO:<bob@mx.example> NOTIFY=NEVER")
        #expect(server.senders.last?.helo == "other.example")
        #expect(server.recipients.last?.address.text == "carol@mx.example")
        #expect(server.recipients.last?.notify == .never)
    }

    @Test(arguments: [FilterPhase.connect, .ehlo, .mailFrom, .rcptTo, .data])
    func `junk marks the message with a field before its trace`(_ phase: FilterPhase) throws {
        var server = try server(answer(phase, .proceed(isJunk: true)))
        for _ in 0..<2 {
            _ = server.say("EHLO c.example", "MAIL FROM:<a@example.org>", "RCPT TO:<bob@mx.example>", "DATA")
            _ = server.say("Subject: x", "", ".")
        }
        #expect(server.messages.count == 2)
        #expect(server.messages.allSatisfy { $0.hasPrefix("X-Spam: Yes\nReceived: ") })
        server.filter = { _ in nil }
        _ = server.say("MAIL FROM:<a@example.org>", "RCPT TO:<bob@mx.example>", "DATA")
        _ = server.say("Subject: x", "", ".")
        // Of the session when it was before MAIL, of one transaction otherwise.
        let isOfSession = phase == .connect || phase == .ehlo
        #expect(server.messages.last?.hasPrefix("X-Spam: Yes") == isOfSession)
    }

    @Test func `a message refused at its commit is rolled back, and the next one is taken`() throws {
        var server = try server(answer(.commit, .refuse(Reply(554, nil, "spam"))))
        _ = server.say("EHLO c.example", "MAIL FROM:<a@example.org>", "RCPT TO:<bob@mx.example>", "DATA")
        #expect(server.say("Subject: x", "", ".") == ["554 spam"])
        #expect(server.messages.isEmpty && server.rollbacks == 1)
        server.filter = { _ in nil }
        _ = server.say("MAIL FROM:<a@example.org>", "RCPT TO:<bob@mx.example>", "DATA")
        #expect(server.say("Subject: x", "", ".").last?.hasPrefix("250") == true)
    }

    @Test func `a message that filters lose is refused and rolled back`() throws {
        var server = try server(content: true)
        server.contentRefusal = Reply(451, "4.3.0", "Temporary failure")
        _ = server.say("EHLO c.example", "MAIL FROM:<a@example.org>", "RCPT TO:<bob@mx.example>", "DATA")
        #expect(server.say("Subject: x", "", ".") == ["451 4.3.0 Temporary failure"])
        #expect(server.messages.isEmpty && server.rollbacks == 1)
    }

    @Test func `a client that leaves while filters are asked leaves nothing behind`() throws {
        var session = ServerSession(
            settings: {
                var settings = ServerSettings(hostname: $0)
                settings.isFiltered = true
                return settings
            }(try Domain(validating: octets("mx.example"))),
            client: ClientIdentity(source: .local, reverseName: "localhost"))
        session.connected()
        #expect(session.next() == .consult(FilterQuestion(.connect)))
        session.connectionLost()
        session.filtersAnswered(.proceed)
        #expect(session.next() == .close(.clientLeft))
    }

    @Test func `BDAT asks once for a message, and a refused chunk is passed over`() throws {
        var server = try server(content: true)
        _ = server.say("EHLO c.example", "MAIL FROM:<a@example.org>", "RCPT TO:<bob@mx.example>")
        server.send(octets("BDAT 9\r\nSubject: BDAT 5 LAST\r\nx\r\n\r\n"))
        #expect(server.takeLines().last?.hasPrefix("250") == true)
        #expect(server.messages.last?.hasSuffix("\nSubject: x\n\n") == true)
        #expect(server.questions.filter { $0.phase == .data }.count == 1)
        server.filter = answer(.data, .refuse(Reply(550, nil, "no")))
        _ = server.say("MAIL FROM:<a@example.org>", "RCPT TO:<bob@mx.example>")
        server.send(octets("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"))
        #expect(server.takeLines() == ["550 no", "250 2.0.0 Ok"])
    }

    @Test func `lines of the client are told without credentials`() throws {
        var server = try TestServer {
            $0.isFiltered = true
            $0.startTLS = .offered
            $0.authentication = .offered
            $0.mechanisms = ["PLAIN", "LOGIN"]
        }
        _ = server.say("EHLO c.example", "STARTTLS")
        _ = server.say("EHLO c.example", "AUTH PLAIN AGFkYQBzZWNyZXQ=", "NOOP a\u{01}b")
        let lines = server.events.compactMap { if case .clientLine(let line) = $0 { text(line) } else { nil } }
        #expect(lines == ["EHLO c.example", "STARTTLS", "EHLO c.example", "AUTH PLAIN ********"])
        #expect(server.questions.contains(FilterQuestion(.auth, argument: octets("PLAIN AGFkYQBzZWNyZXQ="))))
        #expect(server.events.first == .greeted)
        #expect(server.events.contains(.identified(method: "EHLO", name: "c.example")))
    }

    @Test func `however the input is cut, questions and messages are the same`() throws {
        let input = octets(
            "EHLO c.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<bob@mx.example>\r\nDATA\r\nSubject: x\r\n\r\n..a\r\nb\r\n.\r\nQUIT\r\n")
        var whole = try server(content: true)
        whole.send(input)
        #expect(whole.messages.count == 1)
        for size in [1, 2, 3, 7, 20] {
            var pieces = try server(content: true)
            for start in stride(from: 0, to: input.count, by: size) {
                pieces.send(Array(input[start..<min(start + size, input.count)]))
            }
            #expect(pieces.messages == whole.messages)
            #expect(pieces.questions == whole.questions)
            #expect(pieces.output == whole.output)
        }
    }
}

@Suite("What filters make of a message") struct FilteredContentTests {
    private func filtered(
        _ lines: String, _ change: (inout SessionLimits) -> Void = { _ in }
    ) throws -> (stored: String, fault: MessageFault?) {
        var limits = SessionLimits()
        change(&limits)
        var content = FilteredContent(
            hostname: try Domain(validating: octets("mx.example")),
            opened: OpenedMessage(identifier: "x", date: TestServer.date, uniqueNumber: 1), limits: limits)
        let stored = content.append(octets(lines)) + content.finish()
        return (text(stored), content.fault)
    }

    @Test func `passes as it is, but for a CR at the end of a line`() throws {
        let result = try filtered("Received: x\nSubject: y\r\n\nbody\r\n.dot\n")
        #expect(result.stored == "Received: x\nSubject: y\n\nbody\n.dot\n")
        #expect(result.fault == nil)
    }

    @Test(arguments: [
        ("no header\n", MessageFault.malformedHeader), ("A: b\n\na\rb\n", .bareCarriageReturn), ("A: b\n\na\0\n", .nul),
        ("A: b\n\n" + String(repeating: "x", count: 65_534) + "\n", .lineTooLong),
    ]) func `is refused`(_ lines: String, because fault: MessageFault) throws {
        let result = try filtered(lines)
        #expect(result.fault == fault)
    }

    @Test func `may be larger than what a client may send, within a bound`() throws {
        let line = String(repeating: "x", count: 99) + "\n"
        let body = "A: b\n\n" + String(repeating: line, count: 100)
        #expect(try filtered(body) { $0.messageSize = 1_000 }.fault == nil)
        let large = "A: b\n\n" + String(repeating: line, count: 20_000)
        #expect(try filtered(large) { $0.messageSize = 1_000 }.fault == .tooLarge)
    }
}
