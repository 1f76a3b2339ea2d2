import ServerTesting
import Testing

extension RealProcesses {
    /// Mail for addresses of ours that goes on to others.
    @Suite("forwarding: SRS, forward-only, expand-only, loops") struct ForwardingTests {
        /// Local mail for test.example by aliases, the rest to the smarthost.
        private static func server(_ method: String, to remote: ScriptedServer, relay options: String = "", _ aliases: String) throws -> Server {
            let user = OrdinaryUser.current
            let server = try Server { server in
                """
                srs key "a secret"
                table users { alice = "\(user.uid):\(user.gid):\(server.scratch.path)/home/alice" }
                table aliases { \(aliases) }
                listen on 127.0.0.1 port \(server.port) hostname "mx.test.example"
                action "in" \(method) userbase <users> alias <aliases>
                action "out" relay host "smtp+notls://127.0.0.1:\(remote.port)" \(options)
                match from any for domain { "test.example", "second.example" } action "in"
                match for any action "out"
                """
            }
            try server.scratch.makeDirectory("home")
            try server.scratch.makeDirectory("home/alice", mode: 0o700)
            return server
        }

        private static func send(_ server: Server, from sender: String, to recipients: [String], _ text: String = "Subject: x\r\n\r\nx\r\n") throws -> SMTPClient.Reply {
            let client = try server.client()
            try client.greet()
            return try client.deliver(from: sender, to: recipients, text)
        }

        /// What stands between the brackets of MAIL FROM.
        private static func sender(_ message: ScriptedServer.Message) -> String {
            String(message.mail.dropFirst("MAIL FROM:<".count).prefix { $0 != ">" })
        }

        @Test func `forwarded mail goes in our name, and its report comes back to the sender`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.server("maildir", to: remote, relay: "srs", "carol = \"carol@far.example\"")
            try await server.start()
            #expect(try Self.send(server, from: "ada@client.example", to: ["carol@test.example"]).code == 250)
            try await server.eventually("the message") { remote.messages.count == 1 }
            let rewritten = Self.sender(remote.messages[0])
            #expect(rewritten.hasPrefix("SRS0=") && rewritten.hasSuffix("=client.example=ada@test.example"), "\(rewritten)")
            #expect(remote.messages[0].recipients == ["<carol@far.example>"])

            // The report finds its way, and nothing else does.
            #expect(try Self.send(server, from: "eve@client.example", to: [rewritten]).code == 550)
            #expect(try Self.send(server, from: "", to: [rewritten.replacing("=ada@", with: "=bob@")]).code == 550)
            #expect(try Self.send(server, from: "", to: [rewritten]).code == 250)
            try await server.eventually("the report") { remote.messages.count == 2 }
            #expect(Self.sender(remote.messages[1]) == "")
            #expect(remote.messages[1].recipients == ["<ada@client.example>"])
            #expect(!server.log.contains("a secret"))
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `each recipient's own domain rewrites, and what is not forwarded stays`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.server(
                "maildir", to: remote, relay: "srs", "carol = \"carol@far.example\", dave = \"dave@far.example, eve@far.example\"")
            try await server.start()
            let recipients = ["carol@test.example", "dave@second.example", "frank@far.example"]
            #expect(try Self.send(server, from: "ada@client.example", to: recipients).code == 250)
            try await server.drained()
            var found: [String: [String]] = [:]
            for message in remote.messages {
                found[String(Self.sender(message).split(separator: "@").last ?? ""), default: []] += message.recipients
            }
            #expect(remote.messages.count == 3)
            #expect(found["test.example"] == ["<carol@far.example>"])
            #expect(found["second.example"]?.sorted() == ["<dave@far.example>", "<eve@far.example>"])
            #expect(found["client.example"] == ["<frank@far.example>"])
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `without srs the sender stays`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.server("maildir", to: remote, "carol = \"carol@far.example\"")
            try await server.start()
            #expect(try Self.send(server, from: "ada@client.example", to: ["carol@test.example"]).code == 250)
            try await server.eventually("the message") { remote.messages.count == 1 }
            #expect(Self.sender(remote.messages[0]) == "ada@client.example")
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `forward-only forwards, and delivers nothing here`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.server(
                "forward-only", to: remote, "carol = \"carol@far.example\", dave = \"|/bin/cat\"")
            try await server.start()
            #expect(try Self.send(server, from: "ada@client.example", to: ["carol@test.example"]).code == 250)
            #expect(try Self.send(server, from: "ada@client.example", to: ["alice@test.example"]).code == 450)
            #expect(try Self.send(server, from: "ada@client.example", to: ["dave@test.example"]).code == 451)
            try server.scratch.write("home/alice/.forward", "alice@far.example\n")
            #expect(try Self.send(server, from: "ada@client.example", to: ["alice@test.example"]).code == 250)
            try await server.eventually("the messages") { remote.messages.count == 2 }
            #expect(Set(remote.messages.flatMap(\.recipients)) == ["<carol@far.example>", "<alice@far.example>"])
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `expand-only expands, and refuses who expands to nothing`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.server("expand-only", to: remote, "team = \"carol@far.example, dave@far.example\"")
            try await server.start()
            #expect(try Self.send(server, from: "ada@client.example", to: ["team@test.example"]).code == 250)
            #expect(try Self.send(server, from: "ada@client.example", to: ["alice@test.example"]).code == 550)
            try await server.eventually("the message") { remote.messages.count == 1 }
            #expect(remote.messages[0].recipients.sorted() == ["<carol@far.example>", "<dave@far.example>"])
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a message that has been around a hundred times is refused, one time less is not`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.server("maildir", to: remote, "carol = \"carol@far.example\"")
            try await server.start()
            func text(_ hops: Int) -> String {
                String(repeating: "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n", count: hops) + "Subject: x\r\n\r\nx\r\n"
            }
            let refused = try Self.send(server, from: "ada@client.example", to: ["carol@test.example"], text(100))
            #expect(refused.code == 554 && refused.text.contains("5.4.6"), "\(refused)")
            #expect(try Self.send(server, from: "ada@client.example", to: ["carol@test.example"], text(98)).code == 250)
            try await server.drained()
            #expect(remote.messages.count == 1)
            #expect(try await server.stop() == .exited(0))
        }
    }
}
