import Platform
import ServerTesting
import Testing

extension RealProcesses {
    /// One of our servers relays to another.
    @Suite("relaying to a smarthost") struct RelayTests {
        /// A server that gives everything to `host`.
        private func relay(to host: String, more: String = "") throws -> Server {
            try Server { server in
                """
                listen on 127.0.0.1 port \(server.port) hostname "relay.test.example"
                \(more)
                action "out" relay helo "relay.test.example" host "\(host)"
                match from any for any action "out"
                """
            }
        }

        @Test func `a message goes on with its envelope, and leaves the queue`() async throws {
            let target = try Server.standard()
            try await target.start()
            let server = try relay(to: "smtp://127.0.0.1:\(target.port)")
            try await server.start()
            let client = try server.client()
            try client.greet()
            let text = "Subject: on\r\n\r\n..dot\r\n" + String(repeating: "x\r\n", count: 100_000)
            let reply = try client.deliver(
                from: "ada@client.example", to: ["alice@test.example", "bob@test.example", "nobody@test.example"], text)
            #expect(reply.code == 250)
            for name in ["alice", "bob"] { try await target.eventually("mail") { target.mailCount(of: name) == 1 } }
            let message = try #require(target.mail(of: "alice").first)
            #expect(message.hasPrefix("Return-Path: <ada@client.example>\nDelivered-To: alice@test.example\nReceived: from "))
            #expect(message.contains("\n\n.dot\nx\n"))
            #expect(message.hasSuffix("x\nx\n"))
            // The third was refused; its report goes to ada, by the same way, where nobody is.
            try await server.eventually("the log") {
                server.log.contains("to=<nobody@test.example> rcpt=<nobody@test.example> source=\"127.0.0.1\" relay=\"127.0.0.1 (127.0.0.1)\"")
                    && server.log.contains("result=PermFail")
            }
            #expect(try await server.stop() == .exited(0))
            #expect(try await target.stop() == .exited(0))
        }

        @Test func `mail waits while the smarthost is away, and goes when it is back`() async throws {
            let target = try Server.standard()
            let server = try relay(to: "smtp+notls://127.0.0.1:\(target.port)")
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\nx\r\n").code == 250)
            try await server.eventually("a failure") { server.log.contains("result=TempFail") }
            #expect(try server.queue().count == 1)
            try await target.start()
            try await server.eventually("mail") {
                _ = try? server.control("schedule", "all")
                return target.mailCount(of: "alice") == 1
            }
            try await server.drained()
            #expect(try await server.stop() == .exited(0))
            #expect(try await target.stop() == .exited(0))
        }

        @Test func `schedule tries at once what waits behind a route that errors have disabled`() async throws {
            let port = try Server.freePort()
            let server = try relay(to: "smtp+notls://127.0.0.1:\(port)")
            try await server.start()
            let client = try server.client()
            try client.greet()
            for _ in 1...3 {
                let reply = try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\nx\r\n")
                #expect(reply.code == 250)
            }
            func failures() -> Int { server.log.split(separator: "\n").count { $0.contains("result=TempFail") } }
            try await server.eventually("failures") { failures() >= 3 }
            #expect(try server.control("schedule", "all").code == 0)
            try await server.eventually("more failures") { failures() >= 6 }
            // The route is to rest for a quarter of a minute from now.
            let remote = try ScriptedServer(port: port)
            #expect(try server.control("schedule", "all").code == 0)
            try await server.drained(within: 14)
            #expect(remote.messages.count == 3)
            #expect(try await server.stop() == .exited(0))
        }
    }
}
