import Envelopes
import MailSyntax
import Testing

@testable import SMTPProtocol

/// A client session with a driver that answers from a script of server lines.
private struct TestClient {
    var session: ClientSession
    /// What the client sent since the last look.
    var sent = ""
    /// Results in the order they came, as `index ok|temp|perm|loop status-or-text`.
    var results: [String] = []
    var ended: ClientEnd?
    var message: OutgoingMessage?
    var body = "Subject: x\n\n.y\n"
    var atMost = 10_000

    init(_ kind: ClientSettings.Kind = .smtp) throws {
        session = ClientSession(settings: ClientSettings(kind: kind, helo: try Domain(validating: octets("me.example"))))
    }

    /// Feeds lines and runs until more are needed; a message that waits is started when it can be.
    mutating func hear(_ lines: String...) {
        session.receive(octets(lines.map { $0 + "\r\n" }.joined()).span)
        run()
    }

    mutating func run() {
        for _ in 0..<atMost {
            switch session.next() {
            case .needsInput: return
            case .send(let bytes): sent += text(bytes)
            case .ready:
                guard let message else { return }
                self.message = nil
                session.send(message)
            case .needsContent:
                session.content(octets(body))
                session.endOfContent()
            case .startTLS: return
            case .result(let index, let result):
                switch result {
                case .outcome(.delivered(let text)): results.append("\(index) ok \(text)")
                case .outcome(.temporary(let failure)): results.append("\(index) temp \(failure.status)")
                case .outcome(.permanent(let failure)): results.append("\(index) perm \(failure.status)")
                case .outcome(.loop): results.append("\(index) loop")
                case .tooManyRecipients: results.append("\(index) toomany")
                case .unsent(let failure): results.append("\(index) unsent \(failure.status)")
                }
            case .close(let end):
                ended = end
                return
            }
        }
        Issue.record("the session runs in circles")
    }

    mutating func takeSent() -> [String] {
        defer { sent = "" }
        return sent.split(separator: "\r\n").map(String.init)
    }

    static func message(_ recipients: String..., change: (inout OutgoingMessage) -> Void = { _ in }) throws -> OutgoingMessage {
        var message = OutgoingMessage(
            sender: .mailbox(try MailAddress(parsing: octets("ada@x.example"))),
            recipients: try recipients.map { .init(path: .address(try MailAddress(parsing: octets($0)))) }, size: 100)
        change(&message)
        return message
    }
}

@Suite("Sending mail (RFC 5321 section 3.3)") struct ClientSessionTests {
    @Test func `Without PIPELINING each command waits for its answer`() throws {
        var client = try TestClient()
        client.message = try TestClient.message("a@y.example", "b@y.example")
        client.run()
        #expect(client.takeSent().isEmpty)
        client.hear("220-mx", "220 mx")
        #expect(client.takeSent() == ["EHLO me.example"])
        client.hear("250 mx")
        #expect(client.takeSent() == ["MAIL FROM:<ada@x.example>"])
        client.hear("250 ok")
        #expect(client.takeSent() == ["RCPT TO:<a@y.example>"])
        client.hear("250 ok")
        #expect(client.takeSent() == ["RCPT TO:<b@y.example>"])
        client.hear("550 5.1.1 who")
        #expect(client.takeSent() == ["DATA"])
        client.hear("354 go")
        #expect(client.takeSent() == ["Subject: x", "..y", "."])
        #expect(client.session.timeoutSeconds == 600)
        client.hear("250-2.0.0 first", "250 2.0.0 second")
        #expect(client.results == ["1 perm 5.1.1", "0 ok 250 2.0.0 first second"])
        client.session.quit()
        client.run()
        #expect(client.takeSent() == ["QUIT"])
        client.hear("221 bye")
        #expect(client.ended == .quit)
    }

    @Test func `With PIPELINING the commands go out together, with what the server offers`() throws {
        var client = try TestClient()
        client.message = try TestClient.message("a@y.example", "b@y.example") {
            $0.body = .eightBitMIME
            $0.needsUTF8 = true
            $0.returnContent = .headers
            $0.envelopeIdentifier = octets("a+b")
            $0.recipients[0].notify = [.success, .failure]
            $0.recipients[0].originalRecipient = octets("rfc822;o@x.example")
        }
        client.hear("220 mx")
        client.hear("250-mx", "250-PIPELINING", "250-size 1000", "250-8BITMIME", "250-SMTPUTF8", "250 DSN")
        #expect(
            client.takeSent() == [
                "EHLO me.example",
                "MAIL FROM:<ada@x.example> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb",
                "RCPT TO:<a@y.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;o@x.example", "RCPT TO:<b@y.example>", "DATA",
            ])
        client.hear("250 ok", "250 ok", "450 later", "354 go")
        client.hear("250 done")
        #expect(client.results == ["1 temp 4.0.0", "0 ok 250 done"])
    }

    @Test func `A server that takes nobody but wants data gets none (RFC 2920 section 3.1)`() throws {
        var client = try TestClient()
        client.message = try TestClient.message("a@y.example")
        client.hear("220 mx")
        client.hear("250-mx", "250 PIPELINING")
        _ = client.takeSent()
        client.hear("250 ok", "550 no", "354 go")
        #expect(client.takeSent() == ["."])
        client.hear("554 no recipients")
        #expect(client.takeSent() == ["RSET"])
        client.hear("250 ok")
        #expect(client.results == ["0 perm 5.0.0"])
        #expect(client.session.next() == .ready(client.session.capabilities))
    }

    @Test func `A refused MAIL concerns every recipient, and the pipelined rest is read`() throws {
        var client = try TestClient()
        client.message = try TestClient.message("a@y.example", "b@y.example")
        client.hear("220 mx")
        client.hear("250-mx", "250 PIPELINING")
        client.hear("451 4.7.1 grey", "503 what", "503 what", "503 what")
        #expect(client.results == ["0 temp 4.7.1", "1 temp 4.7.1"])
        #expect(client.session.next() == .ready(client.session.capabilities))
    }

    @Test(arguments: [("552 5.3.4 big", "perm 5.3.4"), ("452 4.3.1 full", "temp 4.3.1")])
    func `A refused dot concerns every recipient that was taken`(_ reply: String, _ result: String) throws {
        var client = try TestClient()
        client.message = try TestClient.message("a@y.example", "b@y.example", "c@y.example")
        client.hear("220 mx")
        client.hear("250-mx", "250 PIPELINING")
        client.hear("250 ok", "250 ok", "550 5.1.1 no", "250 ok", "354 go")
        client.hear(reply)
        #expect(client.results == ["1 perm 5.1.1", "0 \(result)", "2 \(result)"])
    }

    @Test func `A refused DATA concerns every recipient that was taken, and the transaction is reset`() throws {
        var client = try TestClient()
        client.message = try TestClient.message("a@y.example")
        client.hear("220 mx")
        client.hear("250-mx", "250 PIPELINING")
        _ = client.takeSent()
        client.hear("250 ok", "250 ok", "451 4.3.0 no")
        #expect(client.takeSent() == ["RSET"])
        client.hear("250 ok")
        #expect(client.results == ["0 temp 4.3.0"])
        #expect(client.ended == nil)
    }

    @Test func `With 200 recipients no more than the window is under way`() throws {
        var client = try TestClient()
        var message = try TestClient.message("a@y.example")
        message.recipients = Array(repeating: message.recipients[0], count: 200)
        client.message = message
        client.hear("220 mx")
        client.hear("250-mx", "250 PIPELINING")
        var sent = 0
        var answered = 0
        while answered < 201 {
            sent += client.takeSent().filter { $0.hasPrefix("MAIL") || $0.hasPrefix("RCPT") || $0 == "DATA" }.count
            #expect(sent - answered <= ClientTransaction.window)
            client.hear("250 ok")
            answered += 1
        }
        client.hear("354 go")
        client.hear("250 done")
        #expect(client.results.count == 200)
    }

    @Test func `Where EHLO is unknown HELO serves, and 421 is taken at its word`() throws {
        var client = try TestClient()
        client.hear("220 mx")
        client.hear("502 what")
        #expect(client.takeSent() == ["EHLO me.example", "HELO me.example"])
        client.hear("250 mx")
        #expect(client.session.next() == .ready(ServerCapabilities()))
        var other = try TestClient()
        other.hear("220 mx")
        other.hear("421 busy")
        #expect(other.ended == .failed(.refused(Reply(421, nil, "busy"))))
    }

    @Test func `A greeting that refuses ends the session politely`() throws {
        var client = try TestClient()
        client.hear("554 5.7.1 not you")
        #expect(client.takeSent() == ["QUIT"])
        #expect(client.ended == .failed(.refused(Reply(554, "5.7.1", "not you"))))
    }

    @Test func `A message above the declared size is refused before MAIL`() throws {
        for (limit, isRefused) in [("100", false), ("99", true), ("0", false)] {
            var client = try TestClient()
            client.message = try TestClient.message("a@y.example")
            client.hear("220 mx")
            client.hear("250-mx", "250 SIZE \(limit)")
            #expect(client.results == (isRefused ? ["0 perm 5.3.4"] : []))
            #expect(client.takeSent().count == (isRefused ? 1 : 2))
        }
    }

    @Test func `Only addresses outside ASCII need SMTPUTF8`() throws {
        var client = try TestClient()
        client.message = try TestClient.message("\u{f6}@y.example", "b@y.example") { $0.needsUTF8 = true }
        client.hear("220 mx")
        client.hear("250 mx")
        #expect(client.results == ["0 perm 5.6.7"])
        #expect(client.takeSent() == ["EHLO me.example", "MAIL FROM:<ada@x.example>"])
    }

    @Test(arguments: [0, 1, 2, 3, 4])
    func `When the connection breaks every recipient gets one result, which is in doubt only behind the dot`(_ stage: Int) throws {
        var client = try TestClient()
        client.message = try TestClient.message("a@y.example", "b@y.example")
        client.hear("220 mx")
        client.hear("250 mx")
        for line in ["250 ok", "550 5.1.1 no", "250 ok", "354 go"].prefix(stage) { client.hear(line) }
        client.session.connectionLost()
        client.run()
        let first = stage < 2 ? "0 unsent 4.4.2" : "0 perm 5.1.1"
        #expect(client.results.sorted() == [first, stage < 4 ? "1 unsent 4.4.2" : "1 temp 4.4.2"])
        #expect(client.ended == .failed(.connectionLost))
    }

    @Test func `421 in the middle leaves the message unsent for those without a result`() throws {
        var client = try TestClient()
        client.message = try TestClient.message("a@y.example", "b@y.example")
        client.hear("220 mx")
        client.hear("250-mx", "250 PIPELINING")
        client.hear("250 ok", "550 5.1.1 no", "421 4.3.2 bye")
        #expect(client.results == ["0 perm 5.1.1", "1 unsent 4.3.2"])
    }

    @Test func `When the message cannot be read the dot is never sent`() throws {
        var client = try TestClient()
        let message = try TestClient.message("a@y.example")
        client.hear("220 mx")
        client.hear("250 mx")
        client.session.send(message)
        client.run()
        client.hear("250 ok")
        client.hear("250 ok")
        _ = client.takeSent()
        client.session.receive(octets("354 go\r\n").span)
        #expect(client.session.next() == .needsContent)
        client.session.content(octets("half"))
        #expect(client.session.next() == .send(octets("half")))
        client.session.contentFailed()
        client.run()
        #expect(client.takeSent().isEmpty)
        #expect(client.results == ["0 unsent 4.3.0"])
        #expect(client.ended == .failed(.contentFailed))
    }

    @Test(arguments: ["hello", "25 x", "250x", "150 x", "600 x", "250-a\r\n251 b", "", "\u{e9}50 a"])
    func `What is no reply is a temporary failure`(_ reply: String) throws {
        var client = try TestClient()
        client.message = try TestClient.message("a@y.example")
        client.hear("220 mx")
        client.hear("250 mx")
        client.hear(reply)
        #expect(client.results == ["0 unsent 4.5.0"])
    }

    @Test func `A reply nobody asked for ends the session`() throws {
        var client = try TestClient()
        client.hear("220 mx", "250 mx")
        #expect(client.ended == .failed(.unexpectedReply))
        var other = try TestClient()
        other.message = try TestClient.message("a@y.example")
        other.hear("220 mx")
        other.hear("250 mx")
        other.hear("354 go")
        #expect(other.results == ["0 unsent 4.5.0"])
    }
}

@Suite("Local delivery by LMTP (RFC 2033)") struct LMTPClientTests {
    @Test func `Each accepted recipient gets a verdict of its own, in order`() throws {
        var client = try TestClient(.lmtp)
        let user = OutgoingMessage.Recipient(path: .user(try LocalPart(validating: octets("a b"))))
        client.message = try TestClient.message("a@y.example", "b@y.example", "c@y.example") { $0.recipients[0] = user }
        client.hear("220 mx LMTP")
        client.hear("250-mx", "250 PIPELINING")
        #expect(
            client.takeSent() == [
                "LHLO me.example", "MAIL FROM:<ada@x.example>", "RCPT TO:<\"a b\">", "RCPT TO:<b@y.example>",
                "RCPT TO:<c@y.example>",
            ])
        client.hear("250 ok", "250 ok", "550 5.1.1 no", "250 ok")
        #expect(client.takeSent() == ["DATA"])
        client.hear("354 go")
        client.hear("250 2.1.5 stored")
        #expect(client.results == ["1 perm 5.1.1", "0 ok 250 2.1.5 stored"])
        client.hear("452 4.2.2 quota")
        #expect(client.results.last == "2 temp 4.2.2")
        #expect(client.ended == nil)
    }

    @Test func `A server that takes nobody is not asked for data`() throws {
        var client = try TestClient(.lmtp)
        client.message = try TestClient.message("a@y.example")
        client.hear("220 mx")
        client.hear("250-mx", "250 PIPELINING")
        _ = client.takeSent()
        client.hear("250 ok", "450 4.2.0 later")
        #expect(client.takeSent() == ["RSET"])
        #expect(client.results == ["0 temp 4.2.0"])
    }

    @Test func `When it breaks between two verdicts, only the first is certain`() throws {
        var client = try TestClient(.lmtp)
        client.message = try TestClient.message("a@y.example", "b@y.example")
        client.hear("220 mx")
        client.hear("250-mx", "250 PIPELINING")
        client.hear("250 ok", "250 ok", "250 ok")
        client.hear("354 go")
        client.hear("250 ok")
        client.session.connectionLost()
        client.run()
        #expect(client.results == ["0 ok 250 ok", "1 temp 4.4.2"])
    }
}

@Suite("Replies of servers (RFC 5321 section 4.2)") struct ReplyParserTests {
    private static func parse(_ text: String) throws(ReplyParser.Failure) -> Reply? {
        var parser = ReplyParser()
        parser.receive(octets(text).span)
        return try parser.next()
    }

    @Test func `Lines, codes and texts are taken apart`() throws {
        #expect(try Self.parse("250 ok\r\n") == Reply(250, nil, "ok"))
        #expect(try Self.parse("250\r\n") == Reply(250, nil, ""))
        #expect(try Self.parse("250-2.1.0 a\r\n250 2.1.0 b\r\n") == Reply(250, "2.1.0", lines: ["a", "b"]))
        #expect(try Self.parse("550 2.1.0 a\n") == Reply(550, nil, "2.1.0 a"))
        #expect(try Self.parse("550 5.1.1\r\n") == Reply(550, "5.1.1", ""))
        #expect(try Self.parse("250-a\r\n") == nil)
        #expect(try Self.parse("250 a") == nil)
    }

    @Test func `Control characters and octets outside ASCII never come out`() throws {
        #expect(try Self.parse("550 a\rb\u{0}c\u{1b}[0m\u{e9}\r\n")?.lines == ["a?b?c?[0m??"])
    }

    @Test func `Lines and their number have limits`() throws {
        let longest = "250 " + String(repeating: "x", count: ReplyParser.maximumLineLength - 6)
        #expect(try Self.parse(longest + "\r\n") != nil)
        #expect(throws: ReplyParser.Failure.lineTooLong) { try Self.parse(longest + "x\r\n") }
        let most = String(repeating: "250-x\r\n", count: ReplyParser.maximumLines - 1)
        #expect(try Self.parse(most + "250 x\r\n") != nil)
        #expect(throws: ReplyParser.Failure.tooManyLines) { try Self.parse(most + "250-x\r\n250 x\r\n") }
    }

    @Test func `Mutated replies, cut anywhere, mean the same and never trap`() throws {
        let seed = octets("250-2.0.0 a\r\n250 2.0.0 b\r\n550 5.1.1 c\r\n354\r\n")
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<5_000 {
            var input = seed
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                input[Int.random(in: 0..<input.count, using: &generator)] =
                    octets("\r\n\0-. 25x").randomElement(using: &generator) ?? 0
            }
            func run(_ size: Int) -> [String] {
                var parser = ReplyParser()
                var results: [String] = []
                var position = 0
                while position < input.count {
                    let piece = Array(input[position...].prefix(size))
                    position += piece.count
                    parser.receive(piece.span)
                    do throws(ReplyParser.Failure) {
                        while let reply = try parser.next() { results.append(reply.text) }
                    } catch {
                        return results + ["\(error)"]
                    }
                }
                return results
            }
            #expect(run(input.count) == run(Int.random(in: 1...7, using: &generator)))
        }
    }
}
