import Envelopes
import MailSyntax
import Testing

@testable import SMTPProtocol

private func base64(_ text: String) -> String { SMTPProtocolTests.text(Base64.encoded(octets(text))) }

private let plain = "AUTH PLAIN " + base64("\0ada\0secret")

/// A session on a listener with `auth-optional`, after STARTTLS and EHLO.
private func secureServer(_ change: (inout ServerSettings) -> Void = { _ in }) throws -> TestServer {
    var server = try TestServer {
        $0.startTLS = .offered
        $0.authentication = .offered
        $0.mechanisms = ["PLAIN", "LOGIN"]
        change(&$0)
    }
    #expect(server.say("EHLO x.example", "STARTTLS").last == "220 2.0.0 Ready to start TLS")
    _ = server.say("EHLO x.example")
    return server
}

@Suite("AUTH: when it is offered (RFC 4954 sections 3 and 4)") struct AuthenticationOfferTests {
    // Conformance: RFC 4954 section 4 | AUTH is offered and taken over TLS alone; 538 before
    @Test func `only over TLS`() throws {
        var server = try TestServer {
            $0.startTLS = .offered
            $0.authentication = .offered
            $0.mechanisms = ["PLAIN", "LOGIN"]
        }
        server.send(octets("EHLO x.example\r\n"))
        #expect(!server.takeLines().contains { $0.contains("AUTH") })
        #expect(server.say(plain) == ["538 5.7.11 Encryption required: Must issue a STARTTLS command first"])
        #expect(server.authentications.isEmpty)
        _ = server.say("STARTTLS")
        server.send(octets("EHLO x.example\r\n"))
        #expect(server.takeLines().contains("250-AUTH PLAIN LOGIN"))
    }

    @Test func `not where the listener has none`() throws {
        var server = try secureServer { $0.authentication = .notOffered }
        server.send(octets("EHLO x.example\r\n"))
        #expect(!server.takeLines().contains { $0.contains("AUTH") })
        #expect(server.say(plain) == ["503 5.5.1 Invalid command: Command not supported"])
    }

    // Conformance: RFC 4954 section 4 | once in a session
    @Test func `not again once it succeeded`() throws {
        var server = try secureServer()
        #expect(server.say(plain) == ["235 2.0.0 Authentication succeeded"])
        server.send(octets("EHLO x.example\r\n"))
        #expect(!server.takeLines().contains { $0.contains("AUTH") })
        #expect(server.say(plain) == ["503 5.5.1 Invalid command: Already authenticated"])
    }

    // Conformance: RFC 4954 section 4 | not within a transaction
    @Test func `not before EHLO, and not in a transaction`() throws {
        var server = try secureServer()
        _ = server.say("MAIL FROM:<a@b.example>")
        #expect(server.say(plain) == ["503 5.5.1 Invalid command: Command not allowed at this point."])
        #expect(server.authentications.isEmpty)
    }

    // Conformance: RFC 4954 section 6 | 530 5.7.0 for MAIL before AUTH where the listener wants it
    @Test func `auth refuses MAIL before it, auth-optional does not`() throws {
        var strict = try secureServer { $0.authentication = .required }
        #expect(strict.say("MAIL FROM:<a@b.example>") == ["530 5.7.0 Must issue an AUTH command first"])
        #expect(strict.say(plain, "MAIL FROM:<a@b.example>") == ["235 2.0.0 Authentication succeeded", "250 2.0.0 Ok"])
        var lenient = try secureServer()
        #expect(lenient.say("MAIL FROM:<a@b.example>") == ["250 2.0.0 Ok"])
    }

    @Test func `a client of the socket needs none`() throws {
        let client = ClientIdentity(source: .local, reverseName: "x", user: "ada", isAuthenticated: true)
        var server = try TestServer(client: client) { $0.authentication = .required }
        #expect(server.say("EHLO x.example", "MAIL FROM:<a@b.example>").last == "250 2.0.0 Ok")
    }
}

@Suite("AUTH: the exchange (RFC 4954 section 4)") struct AuthenticationExchangeTests {
    @Test func `PLAIN with and without an initial response`() throws {
        var direct = try secureServer()
        #expect(direct.say(plain) == ["235 2.0.0 Authentication succeeded"])
        var asked = try secureServer()
        #expect(asked.say("auth plain") == ["334 "])
        #expect(asked.say(base64("\0ada\0secret")) == ["235 2.0.0 Authentication succeeded"])
        _ = asked.say("MAIL FROM:<a@b.example>")
        #expect(asked.senders.first?.user == "ada")
        #expect(asked.senders.first?.isAuthenticated == true)
    }

    @Test func `LOGIN as Outlook and Thunderbird do it`() throws {
        var outlook = try secureServer()
        #expect(outlook.say("AUTH LOGIN") == ["334 VXNlcm5hbWU6"])
        #expect(outlook.say(base64("ada")) == ["334 UGFzc3dvcmQ6"])
        #expect(outlook.say(base64("secret")) == ["235 2.0.0 Authentication succeeded"])
        var thunderbird = try secureServer()
        #expect(thunderbird.say("AUTH LOGIN " + base64("ada")) == ["334 UGFzc3dvcmQ6"])
        #expect(thunderbird.say(base64("secret")) == ["235 2.0.0 Authentication succeeded"])
    }

    // Conformance: RFC 4954 section 4 | `=` is an initial response of no octets
    @Test func `an equals sign is a response of no octets`() throws {
        var server = try secureServer()
        _ = server.say("AUTH PLAIN =")
        #expect(server.authentications == [.start(mechanism: "PLAIN", initialResponse: [])])
    }

    @Test func `a wrong password, then the right one`() throws {
        var server = try secureServer()
        #expect(server.say("AUTH PLAIN " + base64("\0ada\0wrong")) == ["535 5.7.8 Authentication failed"])
        #expect(server.say(plain) == ["235 2.0.0 Authentication succeeded"])
    }

    // Conformance: RFC 4954 section 4 | `*` cancels an exchange: 501
    @Test func `a star cancels, and the session goes on`() throws {
        var server = try secureServer()
        #expect(server.say("AUTH LOGIN", "*", "NOOP") == ["334 VXNlcm5hbWU6", "501 5.7.0 Authentication cancelled", "250 2.0.0 Ok"])
        #expect(server.abandonedAuthentications == 1)
        #expect(server.say(plain) == ["235 2.0.0 Authentication succeeded"])
    }

    @Test(arguments: ["%%%", "YWRh=", "YWRh YWRh", "QUIT", "=", "YW\u{7}h"])
    func `garbage in place of a response ends the exchange`(_ line: String) throws {
        var server = try secureServer()
        _ = server.say("AUTH LOGIN")
        #expect(server.say(line).first?.prefix(4) == (line.contains("\u{7}") ? "500 " : line == "QUIT" ? "535 " : "501 "))
        #expect(server.closed == nil)
    }

    @Test func `a line that is no base64 is refused as a syntax error`() throws {
        var server = try secureServer()
        #expect(server.say("AUTH PLAIN ***") == ["501 5.5.2 Syntax error: Syntax error"])
        #expect(server.say("AUTH PLAIN a b") == ["501 5.5.4 Invalid command arguments: AUTH mechanism [initial-response] expected"])
        #expect(server.say("AUTH") == ["501 5.5.4 Invalid command arguments: No parameters given"])
    }

    @Test func `an unknown mechanism is named, cut`() throws {
        var server = try secureServer()
        #expect(server.say("AUTH CRAM-MD5") == ["504 5.7.4 Security features not supported: AUTH method \"CRAM-MD5\" not supported"])
        #expect(
            server.say("AUTH SCRAM-SHA-256-PLUS-AND-MORE") == [
                "504 5.7.4 Security features not supported: AUTH method \"SCRAM-SHA-256-PLUS-A\" not supported"
            ])
    }

    // Conformance: RFC 4954 section 6 | 454 4.7.0 when nobody can say whether a password is right
    @Test func `a backend that cannot say is a temporary failure, and the session goes on`() throws {
        var server = try secureServer()
        server.authenticationAnswer = .unavailable
        #expect(server.say(plain, "NOOP") == ["454 4.7.0 Temporary authentication failure", "250 2.0.0 Ok"])
    }

    @Test func `pipelined lines are taken in their order`() throws {
        var server = try secureServer()
        #expect(
            server.say("AUTH LOGIN", base64("ada"), base64("secret"), "MAIL FROM:<a@b.example>", "QUIT") == [
                "334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 2.0.0 Authentication succeeded", "250 2.0.0 Ok", "221 2.0.0 Bye",
            ])
    }

    @Test func `a client that leaves in the middle is forgotten`() throws {
        var server = try secureServer()
        _ = server.say("AUTH LOGIN")
        server.session.connectionLost()
        server.run()
        #expect(server.abandonedAuthentications == 1)
        #expect(server.closed == .clientLeft)
    }

    @Test func `an answer that comes after the end changes nothing`() throws {
        var session = try secureServer().session
        session.receive(octets(plain + "\r\n").span)
        guard case .authenticate = session.next() else {
            Issue.record("AUTH asks")
            return
        }
        session.timedOut()
        #expect(session.next() == .abandonAuthentication)
        session.authenticationAnswered(.accepted(user: "ada"))
        #expect(session.next() == .reply(.timeout))
        #expect(session.next() == .close(.timeout))
    }
}

@Suite("AUTH: limits (RFC 4954 section 4.5)") struct AuthenticationLimitTests {
    private static let limit = SessionLimits().authenticationLine

    /// A line of AUTH PLAIN of so many octets, its line end among them.
    private func line(_ count: Int) -> String {
        let start = "AUTH PLAIN "
        return start + String(repeating: "A", count: count - start.count - 2)
    }

    // Conformance: RFC 4954 section 4.5 | 12,288 octets for a line of an exchange
    @Test func `a line of AUTH may be longer than other commands, and no longer than 12288`() throws {
        var server = try secureServer()
        // 12288 - 13 is not a multiple of four: refused for that, not for its length.
        #expect(server.say(line(Self.limit)) == ["501 5.5.2 Syntax error: Syntax error"])
        #expect(server.say(line(Self.limit + 1)) == ["500 5.0.0 Command line too long"])
        #expect(server.say("NOOP") == ["250 2.0.0 Ok"])
        #expect(server.say("NOOP " + String(repeating: "A", count: 2_100)) == ["500 5.0.0 Command line too long"])
    }

    @Test func `so may a response, and the exchange is over behind it`() throws {
        var server = try secureServer()
        _ = server.say("AUTH PLAIN")
        #expect(server.say(String(repeating: "A", count: Self.limit - 4)) == ["535 5.7.8 Authentication failed"])
        _ = server.say("AUTH PLAIN")
        #expect(server.say(String(repeating: "A", count: Self.limit)) == ["500 5.5.6 Authentication exchange line is too long"])
        #expect(server.abandonedAuthentications == 1)
        #expect(server.say(plain) == ["235 2.0.0 Authentication succeeded"])
    }

    @Test func `the fifth failure ends the session`() throws {
        var server = try secureServer()
        let wrong = "AUTH PLAIN " + base64("\0ada\0wrong")
        for _ in 1...4 { #expect(server.say(wrong) == ["535 5.7.8 Authentication failed"]) }
        #expect(
            server.say(wrong) == [
                "535 5.7.8 Authentication failed", "421 4.7.0 Too many authentication failures: closing connection",
            ])
        #expect(server.closed == .tooManyAuthenticationFailures)
    }

    @Test func `a client that failed too often elsewhere hears 421`() throws {
        var server = try secureServer()
        server.authenticationAnswer = .tooManyFailures
        #expect(server.say(plain) == ["421 4.7.0 Too many authentication failures: closing connection"])
        #expect(server.closed == .tooManyAuthenticationFailures)
    }

    @Test(arguments: [
        "AUTH PLAIN c2VjcmV0c2VjcmV0", "auth  plain c2VjcmV0c2VjcmV0", "AUTH\tPLAIN\tc2VjcmV0c2VjcmV0", "AUTH LOGIN\r\nc2VjcmV0c2VjcmV0%",
        "AUTH CRAM c2VjcmV0c2VjcmV0", "AUTH PLAIN c2VjcmV0c2VjcmV0 x",
    ])
    func `no password comes into the log`(_ lines: String) throws {
        var server = try secureServer()
        server.send(octets(lines + "\r\n"))
        let failures = server.session.takeFailedCommands()
        #expect(!failures.isEmpty)
        #expect(!failures.contains { $0.command.contains("c2Vj") || $0.reply.text.contains("c2Vj") })
    }

    @Test func `mutated dialogues never trap and never get in`() throws {
        var random = SeededGenerator(seed: 11)
        let lines = ["AUTH LOGIN", "AUTH PLAIN", "YWRh", "*", "AUTH PLAIN =", base64("\0ada\0wrong"), "NOOP", "MAIL FROM:<a@b.example>"]
        for _ in 0..<2_000 {
            var server = try secureServer { $0.authentication = .required }
            for _ in 0..<8 {
                var line = octets(lines.randomElement(using: &random) ?? "")
                if Bool.random(using: &random), !line.isEmpty {
                    line[Int.random(in: line.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                server.send(line + [0x0D, 0x0A])
            }
            #expect(server.senders.isEmpty)
        }
    }
}

@Suite("Received and From of authenticated clients") struct AuthenticatedMessageTests {
    private func stored(_ content: String, _ change: (inout ServerSettings) -> Void) throws -> String? {
        var server = try secureServer(change)
        let replies = server.say(plain, "MAIL FROM:<ada@example.org>", "RCPT TO:<b@mx.example>", "DATA")
        #expect(replies.last?.hasPrefix("354") == true)
        server.send(octets(content + "\r\n.\r\n"))
        return server.messages.last
    }

    @Test func `the trace header names the user when told to`() throws {
        let named = try stored("Subject: x\r\n\r\n") { $0.recordsAuthentication = true }
        #expect(named?.contains(") auth=yes user=ada\n\tfor") == true)
        #expect(named?.contains(" with ESMTPSA id deadbeef (") == true)
        let silent = try stored("Subject: x\r\n\r\n") { _ in }
        #expect(silent?.contains(" with ESMTPSA id ") == true && silent?.contains("auth=") == false)
        var anonymous = try secureServer { $0.recordsAuthentication = true }
        _ = anonymous.say("MAIL FROM:<a@b.example>", "RCPT TO:<b@mx.example>", "DATA", "S: x", "", ".")
        #expect(anonymous.messages.last?.contains(") auth=no\n") == true)
    }

    @Test(arguments: [
        ("Boss <boss@example.org>", "Boss <ada@example.org>"), ("boss@example.org", "<ada@example.org>"),
        ("a@x.example, b@y.example", "<ada@example.org>"), ("\"Boss, Big\" <boss@example.org>", "\"Boss, Big\" <ada@example.org>"),
        ("boss@example.org <ada@example.org>", "<ada@example.org>"), ("Group: a@x.example;", "<ada@example.org>"),
        ("=?utf-8?q?B=C3=B6ss?= <b@x.example>", "=?utf-8?q?B=C3=B6ss?= <ada@example.org>"), ("(x", "<ada@example.org>"), ("", "<ada@example.org>"),
        ("Big\r\n Boss\r\n <b@x.example>", "Big\n Boss\n <ada@example.org>"),
    ])
    func `masquerade keeps the name and replaces the address`(_ from: String, by expected: String) throws {
        let message = try stored("From: \(from)\r\nTo: x@y.example\r\n\r\nFrom: body") { $0.masquerades = true }
        #expect(message?.contains("\nFrom: \(expected)\nTo: x@y.example\n\nFrom: body\n") == true)
    }

    @Test func `a From field too long to hold is replaced whole`() throws {
        let from = String(repeating: "a@b.example,\r\n ", count: 5_000) + "c@d.example"
        let message = try stored("From: \(from)\r\nTo: x\r\n\r\n") { $0.masquerades = true }
        #expect(message?.contains("\nFrom: <ada@example.org>\nTo: x@mx.example\n\n") == true)
    }

    @Test func `masquerade leaves clients that did not authenticate alone`() throws {
        let message = try TestServer.stored("From: boss@x.example\r\n\r\n") { $0.masquerades = true }
        #expect(message?.hasPrefix("From: boss@x.example\n\n") == true)
    }
}
