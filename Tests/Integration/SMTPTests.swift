import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("SMTP over TCP") struct SMTPTests {
        @Test func `a message is taken with 250 and lies in the Maildir with its trace fields`() async throws {
            let server = try Server.standard()
            try await server.start()
            let client = try server.client()
            let hello = try client.greet()
            #expect(hello.code == 250)
            for extent in ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING"] {
                #expect(hello.lines.contains { $0.dropFirst(4) == extent }, "\(extent) is offered")
            }
            let reply = try client.deliver(
                from: "ada@client.example", to: ["alice@test.example"], "Subject: one\r\n\r\n..stuffed\r\nend\r\n")
            #expect(reply.code == 250, "\(reply)")
            #expect(try client.command("QUIT").code == 221)
            #expect(client.isClosed())
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            let message = try #require(server.mail(of: "alice").first)
            #expect(message.hasPrefix("Return-Path: <ada@client.example>\nDelivered-To: alice@test.example\nReceived: from client.example"))
            #expect(message.contains("Subject: one\n"))
            #expect(message.hasSuffix("\n\n.stuffed\nend\n"))
            try await server.drained()
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `pipelined commands are answered in order, and a thousand recipients are one message`() async throws {
            let server = try Server.standard()
            try await server.start(["-P", "mda"])
            let client = try server.client()
            try client.greet()
            let count = 1_000
            var text = "MAIL FROM:<ada@client.example>\r\n"
            for number in 0..<count { text += "RCPT TO:<alice+\(number)@test.example>\r\n" }
            text += "RCPT TO:<alice+over@test.example>\r\nDATA\r\n"
            try client.send(text)
            for _ in 0...count { #expect(try client.reply().code == 250) }
            #expect(try client.reply().code == 452, "the recipient after the thousandth")
            #expect(try client.reply().code == 354)
            #expect(try client.command("Subject: many\r\n\r\nx\r\n.").code == 250)
            let lines = try server.queue()
            #expect(lines.count == count)
            #expect(Set(lines.map(\.message)).count == 1, "one message in the queue")
            #expect(Set(lines.map(\.envelope)).count == count)
            #expect(try server.control("remove", lines[0].message).output == "\(count) envelopes removed\n")
            try await server.drained()
        }

        @Test func `the same content comes out of DATA and of BDAT`() async throws {
            let server = try Server.standard()
            try await server.start()
            let client = try server.client()
            try client.greet()
            let body = "Subject: chunks\r\n\r\n.dot\r\nlast\r\n"
            try client.send(
                "MAIL FROM:<ada@client.example>\r\nRCPT TO:<alice@test.example>\r\nBDAT 10\r\n\(body.prefix(10))")
            for _ in 0..<3 { #expect(try client.reply().code == 250) }
            try client.send("BDAT \(body.utf8.count - 10) LAST\r\n\(body.dropFirst(10))")
            #expect(try client.reply().code == 250)
            #expect(
                try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: chunks\r\n\r\n..dot\r\nlast\r\n")
                    .code == 250)
            try await server.eventually("both messages") { server.mailCount(of: "alice") == 2 }
            for message in server.mail(of: "alice") {
                #expect(message.contains("\nSubject: chunks\n") && message.hasSuffix("\n\n.dot\nlast\n"))
            }
        }

        @Test func `a message above the limit is refused by its declared and by its real size`() async throws {
            let server = try Server.standard(more: "smtp max-message-size 2000")
            try await server.start()
            let client = try server.client()
            #expect(try client.greet().text.contains("SIZE 2000"))
            #expect(try client.command("MAIL FROM:<ada@client.example> SIZE=2001").text.hasPrefix("552 5.3.4"))
            let filler = String(repeating: String(repeating: "x", count: 78) + "\r\n", count: 30)
            #expect(
                try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: s\r\n\r\n" + filler)
                    .text.contains("5.3.4"))
            #expect(
                try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: small\r\n\r\nx").code == 250)
            try await server.eventually("the small one") { server.mailCount(of: "alice") == 1 }
            #expect(server.mail(of: "alice")[0].contains("Subject: small"))
            try await server.drained()
        }

        @Test(arguments: ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\r\n\0.\r\n"])
        func `an end of data that is none smuggles nothing`(_ end: String) async throws {
            let server = try Server.standard()
            try await server.start()
            let client = try server.client()
            try client.greet()
            let smuggled =
                "MAIL FROM:<evil@client.example>\r\nRCPT TO:<bob@test.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
            try client.send(
                "MAIL FROM:<ada@client.example>\r\nRCPT TO:<alice@test.example>\r\nDATA\r\n"
                    + "Subject: first\r\n\r\nbody\(end)\(smuggled)QUIT\r\n")
            var codes: [Int] = []
            while let reply = try? client.reply() { codes.append(reply.code) }
            // One answer to one message, whatever it is, and none to what it holds.
            #expect(codes.count == 5, "\(codes)")
            #expect(codes.prefix(3) == [250, 250, 354])
            try await server.drained()
            #expect(server.mailCount(of: "bob") == 0)
            for message in server.mail(of: "alice") { #expect(!message.contains("\r")) }
        }

        @Test func `a client that talks before the greeting is refused`() async throws {
            let server = try Server.standard()
            try await server.start()
            // The kernel takes the connection and the words before the server comes to it.
            #expect(try server.control("pause", "smtp").code == 0)
            let client = try server.client()
            try client.send("EHLO early.example\r\nMAIL FROM:<a@b.example>\r\n")
            #expect(try server.control("resume", "smtp").code == 0)
            #expect(try client.reply().code == 554)
            #expect(client.isClosed())
            #expect(try server.client().greet().code == 250)
        }

        @Test func `of a hundred clients at once none is lost`() async throws {
            let server = try Server.standard()
            try await server.start()
            let port = server.port
            let failures = Shared<[String]>([])
            let threads = (0..<100).map { number in
                TestThread {
                    do {
                        let client = try SMTPClient(port: port, timeout: 60)
                        _ = try client.greet()
                        let reply = try client.deliver(
                            from: "c\(number)@client.example", to: ["alice@test.example"], "Subject: n\(number)\r\n\r\nx")
                        if reply.code != 250 { failures.with { $0.append("\(number): \(reply)") } }
                    } catch {
                        failures.with { $0.append("\(number): \(error)") }
                    }
                }
            }
            for thread in threads { try await thread.finished() }
            #expect(failures.current.isEmpty)
            try await server.drained()
            let subjects = server.mail(of: "alice").compactMap { $0.split(separator: "\n").first { $0.hasPrefix("Subject: ") } }
            #expect(Set(subjects).count == 100)
            #expect(subjects.count == 100)
        }

        @Test func `a client that leaves at any point leaves nothing behind`() async throws {
            let server = try Server.standard()
            try await server.start()
            let words = [
                "EHLO client.example\r\n", "MAIL FROM:<ada@client.example>\r\n", "RCPT TO:<alice@test.example>\r\n", "DATA\r\n",
                "Subject: s\r\n\r\n", String(repeating: "half of it\r\n", count: 30_000), "\r\n.",
            ]
            for count in 0...words.count {
                let client = try server.client()
                _ = try client.reply()
                for word in words.prefix(count) {
                    try client.send(word)
                    if word.count < 40, !word.hasPrefix("Subject"), word != "\r\n." { _ = try client.reply() }
                }
                client.close()
            }
            for ending in ["RSET", "EHLO again.example", "QUIT"] {
                let client = try server.client()
                try client.greet()
                try client.command("MAIL FROM:<ada@client.example>")
                try client.command("RCPT TO:<alice@test.example>")
                #expect([221, 250].contains(try client.command(ending).code))
            }
            try await server.eventually("the end of all sessions") { try server.control("show", "stats").lines.contains("smtp.session.open=0") }
            #expect(try server.queue().isEmpty)
            #expect(try server.control("show", "stats").lines.contains("queue.message=0"))
            #expect(server.mailCount(of: "alice") == 0)
        }

        @Test func `swaks gets its mail through`() async throws {
            guard access("/usr/bin/swaks", X_OK) == 0 else { return }
            let server = try Server.standard()
            try await server.start()
            let run = try Programs.run(
                "/usr/bin/swaks",
                ["--server", "127.0.0.1:\(server.port)", "--from", "ada@client.example", "--to", "alice@test.example,bob@test.example",
                 "--pipeline", "--silent", "2"],
                environment: [], identity: OrdinaryUser.current.identity)
            #expect(run.code == 0, "\(run.output)\(run.error)")
            try await server.eventually("two messages") { server.mailCount(of: "alice") == 1 && server.mailCount(of: "bob") == 1 }
        }

        @Test func `unknown users and foreign domains are refused, and the rest of the transaction goes on`() async throws {
            let server = try Server.standard()
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.command("MAIL FROM:<ada@client.example>").code == 250)
            #expect(try client.command("RCPT TO:<nobody@test.example>").text.hasPrefix("550 5."))
            #expect(try client.command("RCPT TO:<ada@elsewhere.example>").text.hasPrefix("550 5."))
            #expect(try client.command("DATA").code == 503)
            #expect(try client.command("RCPT TO:<bob@test.example>").code == 250)
            #expect(try client.command("DATA").code == 354)
            #expect(try client.command("Subject: s\r\n\r\nx\r\n.").code == 250)
            try await server.eventually("the message") { server.mailCount(of: "bob") == 1 }
        }
    }

    @Suite("SMTP on the Unix socket") struct SubmissionTests {
        @Test func `sendmail -bs speaks with the daemon`() async throws {
            let server = try Server.standard()
            try await server.start()
            let run = try server.sendmail(
                "-bs",
                input: "EHLO here\r\nMAIL FROM:<bob@test.example>\r\nRCPT TO:<alice@test.example>\r\nDATA\r\nSubject: socket\r\n\r\nx\r\n.\r\nQUIT\r\n")
            #expect(run.code == 0, "\(run.error)")
            #expect(run.lines.map { $0.prefix(3) }.filter { $0 == "250" }.count >= 4, "\(run.output)")
            #expect(run.lines.last?.hasPrefix("221") == true)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            // A local client's message gets what it lacks.
            #expect(server.mail(of: "alice")[0].contains("\nMessage-ID: <"))
        }

        @Test func `sendmail -t hands a message over, and mailq shows it`() async throws {
            let server = try Server.standard()
            try await server.start(["-P", "mda"])
            let run = try server.sendmail("-t", "-f", "bob@test.example", input: "To: alice@test.example\nSubject: pipe\n\nx\n")
            #expect(run.code == 0, "\(run.error)")
            let listing = try server.sendmail("-bp", input: "")
            #expect(listing.code == 0 && listing.output.contains("alice@test.example"))
            #expect(try server.control("resume", "mda").code == 0)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
        }

        @Test func `submission waits while smtp is paused`() async throws {
            let server = try Server.standard()
            try await server.start()
            #expect(try server.control("pause", "smtp").code == 0)
            let refused = try server.sendmail("-i", "alice@test.example", input: "Subject: s\n\nx\n")
            #expect(refused.code != 0 || server.mailCount(of: "alice") == 0)
            #expect(try server.control("resume", "smtp").code == 0)
            #expect(try server.sendmail("-i", "-f", "bob@test.example", "alice@test.example", input: "Subject: s\n\nx\n").code == 0)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
        }
    }
}
