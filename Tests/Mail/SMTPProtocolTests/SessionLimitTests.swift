import Testing

@testable import SMTPProtocol

@Suite("Limits of a session, at n and n + 1 (RFC 5321 section 4.5.3)") struct SessionLimitTests {
    // Conformance: RFC 5321 section 4.5.3.1.4 | command lines of 2,048 octets (`max-command-line`); 500 for a longer one, once
    @Test func `A command line of the limit is taken, one octet more gets one reply however long it goes on`() throws {
        let limit = SessionLimits().commandLine
        var server = try TestServer()
        #expect(server.say("NOOP " + String(repeating: "x", count: limit - 7)).last == "250 2.0.0 Ok")
        #expect(server.say("NOOP " + String(repeating: "x", count: limit - 6)) == ["500 5.0.0 Command line too long"])
        #expect(server.say("NOOP " + String(repeating: "x", count: 300_000), "NOOP") == ["500 5.0.0 Command line too long", "250 2.0.0 Ok"])
        #expect(server.session.input.count - server.session.position == 0)
    }

    // Conformance: RFC 5321 section 4.5.3.1.6 | text lines of 65,535 octets (`max-text-line`) are kept whole; a longer one refuses the message
    @Test func `A text line of the limit is kept whole, one octet more refuses the message`() throws {
        let line = String(repeating: "x", count: 98)
        #expect(try TestServer.stored("S: x\r\n\r\n\(line)") { $0.limits.textLine = 100 } == "S: x\n\n\(line)\n")
        var server = try TestServer.withTransaction { $0.limits.textLine = 100 }
        #expect(server.say("DATA", "S: x", "", line + "x", ".").last == "550 5.6.0 Message content refused: line too long")
    }

    // Conformance: RFC 1870 section 6 | a message above `max-message-size` is refused at its end with 552 5.3.4
    @Test func `A message of the limit is taken, one octet more is refused at its end`() throws {
        // "S: x\n", "\n" and "12345\n".
        #expect(try TestServer.stored("S: x\r\n\r\n12345") { $0.limits.messageSize = 12 } != nil)
        var server = try TestServer.withTransaction { $0.limits.messageSize = 12 }
        #expect(
            server.say("DATA", "S: x", "", "123456", "more", ".", "NOOP") == [
                "354 Enter mail, end with \".\" on a line by itself",
                "552 5.3.4 Message too big for system: Transaction failed, message too big", "250 2.0.0 Ok",
            ])
        #expect(server.rollbacks == 1)
    }

    @Test func `A header of the limit is taken, one octet more is refused`() throws {
        #expect(try TestServer.stored("S: 6\r\n 8") { $0.limits.headerSize = 8 } != nil)
        #expect(try TestServer.stored("S: 6\r\n 89") { $0.limits.headerSize = 8 } == nil)
    }

    // Conformance: RFC 5321 section 4.5.3.1.10 | recipients above `max-rcpt` are answered 452, and the others have their message
    @Test func `Recipients above the limit get 452, and the others their message`() throws {
        var server = try TestServer.withTransaction { $0.limits.recipients = 2 }
        #expect(
            server.say("RCPT TO:<refused>", "RCPT TO:<c>", "RCPT TO:<d>").map { $0.prefix(9) } == [
                "550 5.1.1", "250 2.1.5", "452 4.5.3",
            ])
        #expect(server.say("DATA", "S: x", "", ".").last?.hasPrefix("250 ") == true)
    }

    @Test func `Transactions above the limit get 452`() throws {
        var server = try TestServer { $0.limits.mails = 2 }
        let replies = server.say(
            "EHLO x.example", "MAIL FROM:<a@b.example>", "RSET", "MAIL FROM:<refused@b.example>", "MAIL FROM:<a@b.example>",
            "RSET", "MAIL FROM:<a@b.example>", "RSET")
        #expect(replies.suffix(2) == ["452 4.5.3 Too many recipients: Too many messages sent", "250 2.0.0 Reset state"])
        #expect(replies[4].hasPrefix("250") && replies[5].hasPrefix("250"))
    }

    // Conformance: RFC 5321 section 7.8 | a client that sends commands and no mail is ended with 421 (`max-idle-commands`)
    @Test func `Commands without mail up to the limit are answered, the next one ends the session`() throws {
        let limit = SessionLimits().idleCommands
        var server = try TestServer()
        for _ in 0..<limit { #expect(server.say("NOOP") == ["250 2.0.0 Ok"]) }
        #expect(server.say("RSET") == ["421 4.7.0 Too many commands without mail: closing connection"])
        #expect(server.closed == .tooManyIdleCommands)
    }

    @Test func `A message begins the count of commands without mail anew, and commands of a transaction do not count`() throws {
        var server = try TestServer { $0.limits.idleCommands = 2 }
        for _ in 0..<3 {
            let replies = server.say(
                "HELO x.example", "MAIL FROM:<a@b.example>", "RCPT TO:<c>", "RCPT TO:<d>", "VRFY c", "DATA", "S: x", "", ".")
            #expect(replies.last?.hasPrefix("250 ") == true)
        }
        #expect(server.say("NOOP", "HELP", "NOOP").last?.hasPrefix("421 4.7.0 Too many commands") == true)
    }

    @Test func `Bad commands up to the limit are answered, the next one ends the session`() throws {
        let limit = SessionLimits().badCommands
        var server = try TestServer()
        for _ in 0..<limit { #expect(server.say("WHAT").last?.hasPrefix("500 ") == true) }
        #expect(server.say("NOOP") == ["250 2.0.0 Ok"])
        #expect(server.say("WHAT", "NOOP") == ["421 4.7.0 Too many errors: closing connection"])
        #expect(server.closed == .tooManyBadCommands)
    }

    @Test func `Recipients refused for good up to the limit are answered, the next one ends the session`() throws {
        var server = try TestServer.withTransaction { $0.limits.refusedRecipients = 2 }
        #expect(server.say("RCPT TO:<refused>", "RCPT TO:<c>", "RSET", "MAIL FROM:<a@b.example>").count == 4)
        #expect(server.say("RCPT TO:<refused>") == ["550 5.1.1 Invalid recipient"])
        #expect(
            server.say("RCPT TO:<refused>", "NOOP") == [
                "550 5.1.1 Invalid recipient", "421 4.7.0 Too many invalid recipients: closing connection",
            ])
        #expect(server.closed == .tooManyRefusedRecipients)
    }

    // Conformance: RFC 5321 section 4.5.3.2.7 | five minutes for a command (`idle-timeout`), which octets that make none do not prolong
    @Test func `Progress is a whole command or a step of content, not octets`() throws {
        var server = try TestServer.withTransaction { $0.limits.contentStep = 10 }
        var before = server.session.progress
        /// Whether these octets were progress.
        func progressed(_ text: String) -> Bool {
            server.send(octets(text))
            defer { before = server.session.progress }
            return server.session.progress != before
        }
        #expect(progressed("NOO") == false)
        #expect(progressed("P\r\n") == true)
        #expect(progressed("DATA\r\n") == true)
        #expect(progressed("S: 345\r\n") == false, "eight octets")
        #expect(progressed("\r\n") == true, "ten octets")
        #expect(progressed("x\r\n") == false)
        #expect(progressed(".\r\n") == true, "the end of the message")
    }

    // Conformance: RFC 3461 section 4.4 | ENVID of 100 characters and ORCPT of 500 are taken
    @Test func `ENVID of 100 and ORCPT of 500 characters are taken, one more is not`() throws {
        func mail(_ count: Int) throws -> String? {
            var server = try TestServer()
            return server.say("EHLO x.example", "MAIL FROM:<> ENVID=" + String(repeating: "e", count: count)).last
        }
        #expect(try mail(100) == "250 2.0.0 Ok")
        #expect(try mail(101)?.hasPrefix("501 5.5.4 ") == true)
        func rcpt(_ count: Int) throws -> String? {
            var server = try TestServer.withTransaction()
            return server.say("RCPT TO:<c> ORCPT=rfc822;" + String(repeating: "o", count: count - 7)).last
        }
        #expect(try rcpt(500)?.hasPrefix("250 ") == true)
        #expect(try rcpt(501)?.hasPrefix("501 5.5.4 ") == true)
    }

    @Test func `Failed commands are kept for the log, the last 32 of them`() throws {
        var server = try TestServer { $0.limits.badCommands = 100 }
        for number in 0..<40 { _ = server.say("WHAT \(number)") }
        let failed = server.session.takeFailedCommands()
        #expect(failed.map(\.command) == (8..<40).map { "WHAT \($0)" })
        #expect(server.session.takeFailedCommands().isEmpty)
    }
}
