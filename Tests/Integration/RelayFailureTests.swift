import ServerTesting
import Testing

extension RealProcesses {
    /// A remote server that fails at every stage.
    @Suite("relaying to servers that fail") struct RelayFailureTests {
        private static func relay(to port: UInt16, _ options: String = "", scheme: String = "smtp", more: String = "") throws -> Server {
            try Server { server in
                """
                listen on 127.0.0.1 port \(server.port) hostname "relay.test.example"
                \(more)
                action "out" relay host "\(scheme)://127.0.0.1:\(port)" helo "relay.test.example" \(options)
                match from any for any action "out"
                """
            }
        }

        private static func submit(
            _ server: Server, to recipients: [String] = ["bob@y.example"], from sender: String = "ada@x.example",
            _ text: String = "Subject: x\r\n\r\n..dot\r\n"
        ) throws {
            let client = try server.client()
            try client.greet()
            let reply = try client.deliver(from: sender, to: recipients, text)
            guard reply.code == 250 else { throw ServerFailure("\(reply)") }
        }

        @Test(arguments: [
            ScriptedServer.Stage.mail, .rcpt, .data, .content, .end,
        ])
        func `a connection that is dropped in a transaction keeps the message, and the next try delivers it`(
            _ stage: ScriptedServer.Stage
        ) async throws {
            // Dropped at the end the server has the message, and nobody can know: one duplicate is allowed.
            let remote = try ScriptedServer(failures: [[stage: .close]])
            let server = try Self.relay(to: remote.port)
            try await server.start()
            try Self.submit(server)
            try await server.eventually("a failure") { server.log.contains("result=TempFail") || !remote.messages.isEmpty }
            try await server.eventually("the message", within: 40) {
                _ = try? server.control("schedule", "all")
                return try server.queue().isEmpty
            }
            #expect(remote.messages.count == (stage == .end ? 2 : 1))
            #expect(remote.messages.last?.text.hasSuffix("\r\n\r\n.dot\r\n") == true)
            #expect(try await server.stop() == .exited(0))
        }

        @Test(arguments: [ScriptedServer.Stage.greeting, .hello])
        func `a host that lets no session come about is left alone for a while, unless an operator says otherwise`(_ stage: ScriptedServer.Stage) async throws {
            for reaction in [ScriptedServer.Reaction.close, .sayAndClose("421 4.3.2 busy"), .sayAndClose("554 5.7.1 not you")] {
                let remote = try ScriptedServer(failures: [[stage: reaction]])
                let server = try Self.relay(to: remote.port)
                try await server.start()
                try Self.submit(server)
                // A 5yz here concerns the host, not the mail.
                try await server.eventually("a failure") { server.log.contains("result=TempFail") }
                try Self.submit(server)
                #expect(try server.queue().count == 2)
                #expect(remote.sessions == 1)
                _ = try server.control("schedule", "all")
                try await server.eventually("another session") { remote.sessions > 1 }
                #expect(try await server.stop() == .exited(0))
            }
        }

        @Test(arguments: [
            (ScriptedServer.Stage.mail, "550 5.7.1 not from you"), (.rcpt, "550 5.1.1 nobody"), (.data, "554 5.5.0 no"),
            (.end, "552-5.3.4 far\r\n552 5.3.4 too much"),
        ])
        func `a refusal for good ends in a report with the server's words`(_ stage: ScriptedServer.Stage, _ reply: String) async throws {
            let remote = try ScriptedServer(failures: [[stage: .say(reply)]])
            let server = try Self.relay(to: remote.port)
            try await server.start()
            try Self.submit(server)
            try await server.eventually("the report") { remote.messages.contains { $0.mail.hasPrefix("MAIL FROM:<>") } }
            let report = try #require(remote.messages.first { $0.mail.hasPrefix("MAIL FROM:<>") })
            #expect(report.recipients == ["<ada@x.example>"])
            let words = reply.contains("far") ? "far too much" : String(reply.dropFirst("550 5.7.1 ".count))
            #expect(report.text.replacing("\r\n ", with: " ").contains(words), "\(report.text)")
            #expect(server.log.contains("result=PermFail"))
            try await server.drained()
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `recipients are decided on one by one, and only those that may come are tried again`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.relay(to: remote.port)
            try await server.start()
            try Self.submit(server, to: ["bob@y.example", "refused@y.example", "later@y.example"])
            try await server.eventually("results") {
                server.log.contains("to=<later@y.example>") && server.log.contains("to=<refused@y.example>")
                    && server.log.contains("to=<bob@y.example>")
            }
            try await server.eventually("one left") { try server.queue().map(\.recipient) == ["later@y.example"] }
            #expect(remote.messages.filter { $0.recipients.contains("<bob@y.example>") }.count == 1)
            let line = try #require(server.log.split(separator: "\n").first { $0.contains("to=<bob@y.example>") && $0.contains("mta delivery") })
            for part in ["evpid=", "from=<ada@x.example>", "source=\"127.0.0.1\"", "relay=\"127.0.0.1 (127.0.0.1)\"", "delay=", "tls=none", "result=Ok", "stat=\"250 2.0.0 taken\""] {
                #expect(line.contains(part), "\(part) in \(line)")
            }
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a message goes in one flight where the server takes chunks`() async throws {
            let remote = try ScriptedServer(extensions: ["PIPELINING", "CHUNKING", "8BITMIME", "SIZE 1000000", "DSN"])
            let server = try Self.relay(to: remote.port)
            try await server.start()
            try Self.submit(server)
            let long = "Subject: long\r\n\r\n" + String(repeating: String(repeating: "y", count: 70) + "\r\n", count: 9_000)
            try Self.submit(server, to: ["carol@y.example"], long)
            try await server.eventually("messages") { remote.messages.count == 2 }
            #expect(remote.messages.contains { $0.text.hasSuffix("\r\n\r\n.dot\r\n") && $0.mail.contains(" SIZE=") })
            #expect(remote.messages.contains { $0.text.hasSuffix(String(long.suffix(600_000))) })
            #expect(!remote.commands.contains("DATA"))
            #expect(remote.commands.contains { $0.hasPrefix("BDAT") && $0.hasSuffix("LAST") })
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a server without 8BITMIME gets seven bits`() async throws {
            let remote = try ScriptedServer(extensions: ["PIPELINING"])
            let server = try Self.relay(to: remote.port)
            try await server.start()
            let text = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\u{fc}\u{df}e\r\n"
            try Self.submit(server, text)
            try await server.eventually("the message") { remote.messages.count == 1 }
            let message = try #require(remote.messages.first)
            #expect(message.text.utf8.allSatisfy { $0 < 0x80 })
            #expect(message.text.contains("Content-Transfer-Encoding: quoted-printable\r\n") && message.text.hasSuffix("\r\n\r\nGr=C3=BC=C3=9Fe\r\n"))
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `LMTP has a result for each recipient`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.relay(to: remote.port, scheme: "lmtp")
            try await server.start()
            try Self.submit(server, to: ["bob@y.example", "refused@y.example", "carol@y.example"])
            try await server.eventually("results") {
                server.log.split(separator: "\n").filter { $0.contains("mta delivery") && $0.contains("result=Ok") }.count >= 2
            }
            #expect(remote.commands.first == "LHLO relay.test.example")
            #expect(Set(remote.messages.first?.recipients ?? []) == ["<bob@y.example>", "<carol@y.example>"])
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a sender that the smarthost does not take is rewritten, in the header too`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.relay(to: remote.port, "rewrite-from \"me@isp.example\"")
            try await server.start()
            try Self.submit(server, from: "root@host.example", "From: Cron <root>\r\nReply-To: root\r\nTo: bob@y.example\r\n\r\nx\r\n")
            try await server.eventually("the message") { remote.messages.count == 1 }
            let message = try #require(remote.messages.first)
            #expect(message.mail.hasPrefix("MAIL FROM:<me@isp.example>"))
            #expect(message.text.contains("\r\nFrom: Cron <me@isp.example>\r\nReply-To: <me@isp.example>\r\nTo: bob@y.example\r\n"), "\(message.text)")
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `the address that stands in for a sender may come from a table`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.relay(
                to: remote.port, "rewrite-from <addresses>",
                more: "table addresses { \"@host.example\" = \"me@isp.example\", \"ada@host.example\" = \"ada@isp.example\" }")
            try await server.start()
            for sender in ["root@host.example", "ada@host.example", "eve@other.example"] { try Self.submit(server, from: sender) }
            try await server.eventually("messages") { remote.messages.count == 3 }
            #expect(Set(remote.messages.map { $0.mail.split(separator: ">")[0] })
                == ["MAIL FROM:<me@isp.example", "MAIL FROM:<ada@isp.example", "MAIL FROM:<eve@other.example"])
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a success report is ours where the next server makes none`() async throws {
            for (extensions, isOurs) in [(["DSN"], false), (["PIPELINING"], true)] {
                let remote = try ScriptedServer(extensions: extensions)
                let server = try Self.relay(to: remote.port)
                try await server.start()
                let client = try server.client()
                try client.greet()
                #expect(try client.command("MAIL FROM:<ada@x.example> RET=HDRS ENVID=q").code == 250)
                #expect(try client.command("RCPT TO:<bob@y.example> NOTIFY=SUCCESS,FAILURE").code == 250)
                #expect(try client.command("DATA").code == 354)
                try client.send("Subject: x\r\n\r\nx\r\n")
                #expect(try client.command(".").code == 250)
                try await server.eventually("the message") { remote.messages.count == (isOurs ? 2 : 1) }
                try await server.drained()
                let passed = remote.commands.contains { $0.hasPrefix("RCPT TO:<bob@y.example> NOTIFY=SUCCESS,FAILURE") }
                #expect(passed == !isOurs)
                #expect(remote.messages.contains { $0.text.contains("Action: relayed") } == isOurs)
                #expect(try await server.stop() == .exited(0))
            }
        }

        @Test func `pausing holds mail for others back, and resuming lets it go`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.relay(to: remote.port)
            try await server.start(["-P", "mta"])
            try Self.submit(server)
            try await server.eventually("the queue") { try server.queue().count == 1 }
            #expect(remote.sessions == 0)
            #expect(try server.control("resume", "mta").code == 0)
            try await server.eventually("the message") { remote.messages.count == 1 }
            #expect(try server.control("pause", "mta").code == 0)
            try Self.submit(server)
            try await server.eventually("the queue") { try server.queue().count == 1 }
            #expect(remote.messages.count == 1)
            #expect(try await server.stop() == .exited(0))
        }
    }
}
