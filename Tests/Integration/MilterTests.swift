import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Sessions with a milter (smtpd.conf(5), filter NAME milter)") struct MilterTests {
        private static let text = "Date: Mon, 30 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@client.example>\r\nSubject: one\r\nX-Twice: a\r\nX-Twice: b\r\n\r\nhello\r\n..dotted\r\n"

        /// A server whose one listener has these filters.
        private func server(_ filters: String, chain: String = "m", more: String = "") throws -> Server {
            try Server.standard(listener: "filter \(chain)", more: filters + "\n" + more)
        }

        private func server(_ milter: ScriptedMilter, _ options: String = "") throws -> Server {
            try server("filter m milter \"\(milter.address)\" \(options)")
        }

        private func deliver(
            _ server: Server, to recipients: [String] = ["alice@test.example"], _ text: String = Self.text
        ) throws -> SMTPClient.Reply {
            let client = try server.client()
            try client.greet()
            return try client.deliver(from: "ada@client.example", to: recipients, text)
        }

        /// The one message that alice has.
        private func mail(_ server: Server, of user: String = "alice") async throws -> String {
            try await server.eventually("mail") { server.mailCount(of: user) == 1 }
            return try #require(server.mail(of: user).first)
        }

        @Test func `a milter hears of each step, with its macros`() async throws {
            let milter = try ScriptedMilter()
            let server = try server(milter)
            try await server.start()
            #expect(try deliver(server, to: ["alice@test.example", "bob@test.example"]).code == 250)
            _ = try await mail(server)
            try await server.eventually("the end") { milter.events.last == "Q" }
            #expect(
                milter.events == [
                    "C localhost|4|port|127.0.0.1", "H client.example", "M <ada@client.example>", "R <alice@test.example>",
                    "R <bob@test.example>", "T", "L Date|Mon, 30 Nov 2026 12:00:00 +0000", "L Message-ID|<1@client.example>",
                    "L Subject|one", "L X-Twice|a", "L X-Twice|b", "N", "B 16", "E", "Q",
                ])
            #expect(milter.body == "hello\r\n.dotted\r\n")
            #expect(milter.macros("C")["j"] == "mx.test.example")
            #expect(milter.macros("C")["{client_addr}"] == "127.0.0.1")
            #expect(milter.macros("C")["{daemon_port}"] == "\(server.port)")
            #expect(milter.macros("M")["{mail_addr}"] == "ada@client.example")
            #expect(milter.macros("R")["{rcpt_addr}"] == "bob@test.example")
            #expect(milter.macros("E")["i"]?.utf8.count == 8)
            #expect(try await server.stop() == .exited(0))
        }

        @Test(arguments: [
            ("C", "r", "550 5.7.1 Command rejected"), ("H", "t", "451 4.7.1 Service unavailable - try again later"),
            ("M", "y", "554 5.7.0 Go away"), ("R", "y", "554 5.7.0 Go away"), ("T", "y", "554 5.7.0 Go away"),
            ("L", "y", "554 5.7.0 Go away"), ("N", "y", "554 5.7.0 Go away"), ("B", "y", "554 5.7.0 Go away"),
            ("E", "y", "554 5.7.0 Go away"), ("E", "r", "550 5.7.1 Command rejected"),
            ("E", "t", "451 4.7.1 Service unavailable - try again later"),
        ] as [(Character, Character, String)])
        func `a refusal reaches the client in the milter's words`(_ stage: Character, _ verdict: Character, _ reply: String) async throws {
            let packet = verdict == "y" ? ScriptedMilter.Packet("y", "554 5.7.0 Go away") : .init(verdict)
            let milter = try ScriptedMilter([stage: .say([packet])])
            let server = try server(milter)
            try await server.start()
            let client = try server.client()
            var last = try client.reply().text
            for line in [
                "EHLO client.example", "MAIL FROM:<ada@client.example>", "RCPT TO:<alice@test.example>", "DATA",
                "Subject: x\r\n\r\nx\r\n.",
            ] where last.hasPrefix("2") || last.hasPrefix("3") {
                last = try client.command(line).text
            }
            #expect(last.contains(reply))
            #expect(server.mailCount(of: "alice") == 0)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `changes of header, body and envelope are carried out`() async throws {
            let milter = try ScriptedMilter([
                "E": .say([
                    .init("p"), .init("i", number: 0, "X-Top", "1"), .init("i", number: 2, "X-Second", "2\n\tfolded"),
                    .init("h", "X-Last", "3\r\nX-Not-A-Field: 4"), .init("m", number: 2, "X-Twice", ""),
                    .init("m", number: 1, "Subject", "two"), .init("b", Array("new\r\n".utf8)), .init("b", Array("body".utf8)),
                    .init("+", "<bob@test.example>"), .init("+", "<nobody@test.example>"), .init("-", "<alice@test.example>"),
                    .init("e", "<other@client.example>"), .init("c"),
                ])
            ])
            let server = try server(milter)
            try await server.start()
            #expect(try deliver(server).code == 250)
            let message = try await mail(server, of: "bob")
            #expect(message.hasPrefix("Return-Path: <other@client.example>\nDelivered-To: bob@test.example\nX-Top: 1\nReceived: from "))
            #expect(
                message.hasSuffix(
                    "\nX-Second: 2\n\tfolded\nDate: Mon, 30 Nov 2026 12:00:00 +0000\nMessage-ID: <1@client.example>\nSubject: two\nX-Twice: a\nX-Last: 3\n\tX-Not-A-Field: 4\n\nnew\nbody\n"))
            try await server.drained()
            #expect(server.mailCount(of: "alice") == 0)
            #expect(server.log.contains("nobody@test.example"))
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a message whose recipients are all taken away, or that is discarded, is taken and gone`() async throws {
            for packets in [[ScriptedMilter.Packet("-", "<alice@test.example>"), .init("c")], [.init("d")]] {
                let milter = try ScriptedMilter(["E": .say(packets)])
                let server = try server(milter)
                try await server.start()
                #expect(try deliver(server).code == 250)
                #expect(try server.queue().isEmpty)
                #expect(server.mailCount(of: "alice") == 0)
                #expect(server.log.contains("discarded"))
                #expect(try await server.stop() == .exited(0))
            }
        }

        @Test func `a discard before the content is no different`() async throws {
            let milter = try ScriptedMilter(["R": .say([.init("d")])])
            let server = try server(milter)
            try await server.start()
            #expect(try deliver(server).code == 250)
            #expect(try server.queue().isEmpty)
            #expect(!milter.events.contains("E"))
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a message in quarantine waits for an operator, a restart notwithstanding`() async throws {
            let milter = try ScriptedMilter(["E": .say([.init("q", "smells"), .init("c")])])
            let server = try server(milter)
            try await server.start()
            #expect(try deliver(server).code == 250)
            try await server.eventually("the log") { server.log.contains("reason=smells") }
            #expect(try await server.stop() == .exited(0))
            try await server.start()
            let line = try #require(try server.queue().first)
            #expect(server.mailCount(of: "alice") == 0)
            _ = try server.control("resume", "envelope", line.envelope)
            _ = try await mail(server)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a milter that is away means a temporary refusal, or nothing, as the operator chose`() async throws {
            let port = try Server.freePort()
            for (options, code) in [("", 451), ("on-failure accept", 250)] as [(String, Int)] {
                let server = try server("filter m milter \"inet:127.0.0.1:\(port)\" \(options)")
                try await server.start()
                let client = try server.client()
                try client.greet()
                let reply = try client.command("MAIL FROM:<ada@client.example>")
                #expect(reply.code == code)
                #expect(server.log.contains("milter m: "))
                #expect(try await server.stop() == .exited(0))
            }
        }

        @Test(arguments: ["M", "R", "T", "L", "B", "E"] as [Character])
        func `a broken milter costs one transaction, and not the session`(at stage: Character) async throws {
            let faults: [ScriptedMilter.Reaction] = [
                .beSilent, .close, .say([.init("O"), .init("c")]), .say([.init("Z")]), .say([.init("f")]),
                .sayOctets(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)),
                .say([.init(stage == "E" ? "s" : "h", stage == "E" ? [] : Array("X\01\0".utf8))]),
            ]
            let milter = try ScriptedMilter()
            let server = try server(milter, "timeout 1s message-timeout 1s")
            try await server.start()
            let client = try server.client()
            try client.greet()
            func attempt() throws -> Int {
                for line in ["MAIL FROM:<ada@client.example>", "RCPT TO:<alice@test.example>", "DATA"] {
                    let reply = try client.command(line)
                    guard reply.code < 400 else { return reply.code }
                }
                return try client.command("Subject: x\r\n\r\nx\r\n.").code
            }
            for (number, fault) in faults.enumerated() {
                milter.react(to: stage, fault)
                #expect(try attempt() == 451, "\(fault)")
                milter.react(to: stage, nil)
                _ = try client.command("RSET")
                #expect(try attempt() == 250, "behind \(fault)")
                try await server.eventually("mail") { server.mailCount(of: "alice") == number + 1 }
            }
            #expect(server.log.split(separator: "\n").filter { $0.contains("milter m: ") }.count == faults.count)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a milter that says it is at work may take longer than its time`() async throws {
            let milter = try ScriptedMilter(["E": .work(6, 300, [.init("c")])])
            let server = try server(milter, "message-timeout 1s")
            try await server.start()
            #expect(try deliver(server).code == 250)
            milter.react(to: "E", .sayLater(1_800, [.init("c")]))
            #expect(try deliver(server).code == 451)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `each milter of a chain sees what those before it have made of the message`() async throws {
            let first = try ScriptedMilter(["E": .say([.init("h", "X-First", "1"), .init("b", Array("changed\r\n".utf8)), .init("c")])])
            let second = try ScriptedMilter(steps: 0x80 | 0x80000, ["E": .say([.init("h", "X-Second", "2"), .init("c")])])
            let server = try server(
                """
                filter a milter "\(first.address)"
                filter n phase mail-from match mail-from { "bad@client.example" } reject "550 not you"
                filter b milter "\(second.address)"
                """, chain: "{ a, n, b }")
            try await server.start()
            #expect(try deliver(server).code == 250)
            let message = try await mail(server)
            #expect(message.hasSuffix("X-Twice: b\nX-First: 1\nX-Second: 2\n\nchanged\n"))
            #expect(second.events.contains("L X-First|1"))
            #expect(second.body == "changed\r\n")
            let client = try server.client()
            try client.greet()
            #expect(try client.command("MAIL FROM:<bad@client.example>").code == 550)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a milter that wants to hears of unknown commands, and gives the reply`() async throws {
            let milter = try ScriptedMilter()
            let server = try server(milter)
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.command("XYZZY now").code == 500)
            milter.react(to: "U", .say([.init("y", "554 5.7.0 Go away")]))
            #expect(try client.command("XYZZY").text == "554 5.7.0 Go away")
            #expect(try client.command("MAIL FROM:<ada@client.example>").code == 250)
            #expect(milter.events == ["C localhost|4|port|127.0.0.1", "H client.example", "U XYZZY now", "U XYZZY", "M <ada@client.example>"])
            let other = try ScriptedMilter(steps: 0x100)
            let quiet = try self.server(other)
            try await quiet.start()
            let second = try quiet.client()
            try second.greet()
            #expect(try second.command("XYZZY").code == 500)
            #expect(!other.events.contains { $0.hasPrefix("U") })
        }

        @Test func `a large message passes whole, and so does a large one put in its place`() async throws {
            let piece = Array((String(repeating: "y", count: 998) + "\r\n").utf8)
            let replacement = (0..<65).flatMap { _ in piece }
            let milter = try ScriptedMilter(steps: 0x80000)
            let server = try server(milter)
            try await server.start()
            let body = String(repeating: String(repeating: "x", count: 70) + "\r\n", count: 100_000)
            #expect(try deliver(server, "Date: Mon, 30 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@client.example>\r\nSubject: big\r\n\r\n" + body).code == 250)
            let message = try await mail(server)
            #expect(message.hasSuffix("\n\n" + body.replacing("\r\n", with: "\n")))
            #expect(milter.body.utf8.count == body.utf8.count)
            milter.react(to: "E", .say((0..<100).map { _ in .init("b", replacement) } + [.init("c")]))
            #expect(try deliver(server, to: ["bob@test.example"]).code == 250)
            let changed = try await mail(server, of: "bob")
            #expect(changed.utf8.count > 100 * 65 * 999)
            #expect(changed.hasSuffix(String(repeating: "y", count: 998) + "\n"))
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `mail of programs is shown as mail of this machine`() async throws {
            let milter = try ScriptedMilter()
            let server = try server("filter m milter \"\(milter.address)\"", more: "listen on socket filter m")
            try await server.start()
            #expect(try server.sendmail("alice@test.example", input: "Subject: local\n\nx\n").status == .exited(0))
            _ = try await mail(server)
            #expect(milter.events.first == "C localhost|4|0|127.0.0.1")
            #expect(try await server.stop() == .exited(0))
        }
    }
}
