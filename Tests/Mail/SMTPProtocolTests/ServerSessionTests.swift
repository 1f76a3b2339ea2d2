import Envelopes
import MailSyntax
import SeededTesting
import Testing

@testable import SMTPProtocol

@Suite("A server session and its driver") struct ServerSessionTests {
    // Conformance: RFC 3461 section 4 | RET, ENVID, NOTIFY and ORCPT are kept with the envelope
    @Test func `MAIL and RCPT hand over all they know`() throws {
        var server = try TestServer { $0.tag = "in" }
        _ = server.say(
            "EHLO c.example", "MAIL FROM:<\"a b\"@x.example> BODY=8BITMIME RET=FULL ENVID=+41b SMTPUTF8",
            "RCPT TO:<Postmaster> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;p@x.example")
        let facts = try #require(server.senders.first)
        #expect(facts.sender.text == "\"a b\"@x.example")
        #expect(facts.helo == "c.example" && facts.tag == "in" && facts.serverName == "mx.example")
        #expect(facts.body == .eightBitMIME && facts.needsUTF8 && facts.returnContent == .full)
        #expect(facts.envelopeIdentifier == octets("Ab"))
        let recipient = try #require(server.recipients.first)
        #expect(recipient.address.text == "Postmaster@mx.example")
        #expect(recipient.notify == [.success, .delay])
        #expect(recipient.originalRecipient == octets("rfc822;p@x.example"))
    }

    @Test(arguments: ["RSET", "EHLO again.example", "HELO again.example", "QUIT"])
    func `An open transaction is rolled back once by`(_ command: String) throws {
        var server = try TestServer.withTransaction()
        _ = server.say(command)
        #expect(server.rollbacks == 1)
        server.session.connectionLost()
        server.run()
        #expect(server.rollbacks == 1)
    }

    @Test func `A lost connection in the middle of the data rolls back`() throws {
        var server = try TestServer.withTransaction()
        _ = server.say("DATA", "S: x", "", "y")
        server.session.connectionLost()
        server.run()
        #expect(server.rollbacks == 1)
        #expect(server.closed == .clientLeft)
        #expect(server.takeLines().isEmpty)
    }

    // Conformance: RFC 5321 section 3.8 | 421 before the server closes by itself
    @Test func `Silence and shutdown end with 421`() throws {
        var server = try TestServer.withTransaction()
        server.session.timedOut()
        server.run()
        #expect(server.takeLines() == ["421 4.4.2 Timeout: closing connection"])
        #expect(server.closed == .timeout && server.rollbacks == 1)
        var other = try TestServer()
        _ = other.takeLines()
        other.session.shutDown()
        other.run()
        #expect(other.takeLines() == ["421 4.3.2 Server shutting down"])
        #expect(other.closed == .shutdown)
    }

    @Test func `A sender accepted after the end is rolled back`() throws {
        var session = ServerSession(
            settings: ServerSettings(hostname: try Domain(validating: octets("mx.example"))),
            client: ClientIdentity(source: .local, reverseName: "localhost"))
        session.connected()
        session.receive(octets("EHLO x.example\r\nMAIL FROM:<>\r\n").span)
        var step = session.next()
        while case .reply = step { step = session.next() }
        guard case .checkSender = step else {
            Issue.record("\(step)")
            return
        }
        session.shutDown()
        #expect(session.next() == .reply(.shuttingDown))
        #expect(session.next() == .close(.shutdown))
        session.senderChecked(.accept)
        #expect(session.next() == .rollbackMessage)
        #expect(session.next() == .close(.shutdown))
    }

    @Test func `A client that speaks before the greeting is turned away`() throws {
        var session = ServerSession(
            settings: ServerSettings(hostname: try Domain(validating: octets("mx.example"))),
            client: ClientIdentity(source: .network(.v4(1)), reverseName: "<unknown>"))
        session.clientSpokeFirst()
        #expect(session.next() == .reply(Reply(554, nil, "Client spoke before the greeting")))
        #expect(session.next() == .close(.protocolViolation))
        #expect(session.next() == .close(.protocolViolation))
    }

    @Test func `A refusal with 421 closes, with the transaction rolled back`() throws {
        var server = try TestServer.withTransaction()
        #expect(server.say("RCPT TO:<away>", "NOOP") == ["421 4.3.0 Temporary Error"])
        #expect(server.closed == .serviceUnavailable && server.rollbacks == 1)
    }

    @Test func `When the message cannot be opened, its chunk is passed over and the transaction is gone`() throws {
        var server = try TestServer.withTransaction()
        server.openRefusal = Reply(452, "4.3.1", "No space")
        #expect(server.say("BDAT 6 LAST", "QUIT", "NOOP") == ["452 4.3.1 No space", "250 2.0.0 Ok"])
        #expect(server.rollbacks == 1)
        #expect(server.say("DATA").last?.hasPrefix("503 ") == true)
    }

    @Test func `When the message cannot be made durable, the client hears it and nothing is rolled back twice`() throws {
        var server = try TestServer.withTransaction()
        server.commitRefusal = Reply(451, "4.3.0", "Temporary failure")
        #expect(server.say("DATA", "S: x", "", ".", "RSET").suffix(2) == ["451 4.3.0 Temporary failure", "250 2.0.0 Reset state"])
        #expect(server.rollbacks == 0 && server.messages.isEmpty)
    }

    @Test func `A refused chunk ends the transaction, and the chunks behind it are passed over`() throws {
        var server = try TestServer.withTransaction()
        #expect(
            server.say("BDAT 5", "bad", "BDAT 6 LAST", "QUIT", "NOOP").map { $0.prefix(9) }
                == ["550 5.7.1", "503 5.5.1", "250 2.0.0"])
        #expect(server.rollbacks == 1)
    }

    @Test(arguments: ["MAIL FROM:<a@b.example>", "RCPT TO:<a>", "DATA"])
    func `Between chunks there is no`(_ command: String) throws {
        var server = try TestServer.withTransaction()
        #expect(server.say("BDAT 6", "S: x", command).map { $0.prefix(9) } == ["250 2.0.0", "503 5.5.1"])
        #expect(server.say("BDAT 2 LAST", "", "NOOP").map { $0.prefix(9) } == ["250 2.0.0", "250 2.0.0"])
    }

    @Test func `Chunks larger than any integer, and sizes that are none, end the session`() throws {
        for line in ["BDAT 9223372036854775808", "BDAT -1", "BDAT", "BDAT 1 FIRST", "BDAT 1 LAST x"] {
            var server = try TestServer.withTransaction()
            #expect(server.say(line, "NOOP").map { $0.prefix(9) } == ["501 5.5.4"])
            #expect(server.closed == .protocolViolation && server.rollbacks == 1)
        }
        var server = try TestServer.withTransaction()
        _ = server.say("BDAT 9223372036854775807 LAST", "S: x")
        #expect(server.closed == nil)
    }

    @Test func `STARTTLS drops what was sent behind it and forgets who the client said it was`() throws {
        var server = try TestServer { $0.startTLS = .required }
        let replies = server.say("EHLO c.example", "MAIL FROM:<a@b.example>", "STARTTLS", "MAIL FROM:<evil@b.example>")
        #expect(replies.map { $0.prefix(9) } == ["250 HELP", "530 5.7.0", "220 2.0.0"])
        #expect(server.senders.isEmpty)
        #expect(server.say("MAIL FROM:<a@b.example>").last?.hasPrefix("503 ") == true)
        #expect(server.say("EHLO c.example", "STARTTLS", "MAIL FROM:<a@b.example>").map { $0.prefix(9) } == ["250 HELP", "503 5.5.1", "250 2.0.0"])
        #expect(server.senders.first?.usesTLS == true)
    }

    @Test func `A listener without DSN neither offers nor takes it`() throws {
        var server = try TestServer { $0.offersDSN = false }
        server.send(octets("EHLO c.example\r\nMAIL FROM:<> RET=HDRS\r\n"))
        let lines = server.takeLines()
        #expect(!lines.contains("250-DSN"))
        #expect(lines.last == "555 5.5.4 Invalid command arguments: Unsupported option RET")
    }

    @Test func `what is kept of hostile input gives the same answers however it is cut`() throws {
        let inputs = HostileInputs.all("smtp-session")
        #expect(inputs.count >= 9)
        for (name, bytes) in inputs {
            for input in HostileInputs.variants(of: bytes) {
                var whole = try TestServer()
                whole.send(input)
                #expect(!whole.senders.contains { $0.sender.text.hasPrefix("evil@") } || input != bytes, "\(name)")
                guard whole.closed != .protocolViolation else { continue }
                var cut = try TestServer()
                for byte in input { cut.send([byte]) }
                #expect(text(whole.output) == text(cut.output), "\(name): \(text(input))")
            }
        }
    }

    @Test func `Mutated conversations, cut anywhere, give the same replies and messages`() throws {
        let seeds = [
            "EHLO c.example\r\nMAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<c>\r\nRCPT TO:<refused>\r\nDATA\r\nSubject: x\r\nTo: a,\r\n b\r\nBcc: c\r\n d\r\n\r\n..\r\nbody\r\n.\r\nRSET\r\nQUIT\r\n",
            "EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<\"c d\"@e.example> NOTIFY=NEVER ORCPT=rfc822;x\r\nBDAT 8\r\nA: b\r\n\r\nBDAT 3 LAST\r\n.\r\nVRFY x\r\nHELP\r\nNOOP\r\n",
        ].map(octets)
        let alphabet = octets("\r\n.\0 <>@:=\"AX") + [0xC3]
        var generator = SeededGenerator(seed: 5321)
        for round in 0..<3_000 {
            var input = seeds[round % 2]
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                let place = Int.random(in: 0..<input.count, using: &generator)
                if Bool.random(using: &generator) {
                    input[place] = alphabet.randomElement(using: &generator) ?? 0
                } else {
                    input.remove(at: place)
                }
            }
            // A DATA refused out of order closes when octets wait behind it, which depends on the cut.
            var whole = try TestServer { $0.acceptsBareLineFeed = round % 3 == 0 }
            whole.send(input)
            guard whole.closed != .protocolViolation else { continue }
            var cut = try TestServer { $0.acceptsBareLineFeed = round % 3 == 0 }
            var position = 0
            while position < input.count {
                let count = min(Int.random(in: 1...9, using: &generator), input.count - position)
                cut.send(Array(input[position..<(position + count)]))
                position += count
            }
            #expect(text(whole.output) == text(cut.output), "\(text(input))")
            #expect(whole.messages == cut.messages, "\(text(input))")
            #expect(whole.rollbacks == cut.rollbacks, "\(text(input))")
        }
    }
}
