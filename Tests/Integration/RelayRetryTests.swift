import ServerTesting
import Testing

extension RealProcesses {
    /// Nobody asks for a try here: the daemon finds out by itself when one is worth while.
    @Suite("second tries of relayed mail") struct RelayRetryTests {
        private static func relay(to port: UInt16, _ more: String = "") throws -> Server {
            try Server { server in
                """
                listen on 127.0.0.1 port \(server.port) hostname "relay.test.example"
                \(more)
                action "out" relay host "smtp+notls://127.0.0.1:\(port)"
                match from any for any action "out"
                """
            }
        }

        private static func submit(_ server: Server, to recipient: String) throws {
            let client = try server.client()
            try client.greet()
            let reply = try client.deliver(from: "", to: [recipient], "Subject: x\r\n\r\nx\r\n")
            guard reply.code == 250 else { throw ServerFailure("\(reply)") }
        }

        @Test func `a server that says when to come again sees the message then`() async throws {
            let remote = try ScriptedServer(failures: [[.rcpt: .say("451 4.7.1 Greylisted, please try again in 2 seconds")]])
            let server = try Self.relay(to: remote.port)
            try await server.start()
            try Self.submit(server, to: "bob@y.example")
            try await server.eventually("a failure") { server.log.contains("result=TempFail") }
            #expect(remote.messages.isEmpty)
            try await server.drained(within: 20)
            #expect(remote.messages.count == 1)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `what failed is tried again once a message to the same destination went through`() async throws {
            let remote = try ScriptedServer(failures: [[.rcpt: .say("450 4.2.0 not now")]])
            let server = try Self.relay(to: remote.port)
            try await server.start()
            try Self.submit(server, to: "bob@y.example")
            try await server.eventually("a failure") { server.log.contains("result=TempFail") }
            try Self.submit(server, to: "carol@y.example")
            try await server.drained(within: 20)
            #expect(Set(remote.messages.flatMap(\.recipients)) == ["<bob@y.example>", "<carol@y.example>"])
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `with max-deferred 0 nothing is remembered`() async throws {
            let remote = try ScriptedServer(failures: [[.rcpt: .say("450 4.2.0 not now")]])
            let server = try Self.relay(to: remote.port, "mta max-deferred 0")
            try await server.start()
            try Self.submit(server, to: "bob@y.example")
            try await server.eventually("a failure") { server.log.contains("result=TempFail") }
            try Self.submit(server, to: "carol@y.example")
            try await server.eventually("the second message") { remote.messages.count == 1 }
            #expect(try server.queue().map(\.recipient) == ["bob@y.example"])
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `what is too much for a relay waits on its hold queue, and all of it goes`() async throws {
            let remote = try ScriptedServer()
            let server = try Self.relay(
                to: remote.port, "mta limit task-hiwat 4 task-lowat 2 task-release 2 max-conn-per-relay 1")
            try await server.start(["-P", "mta"])
            for number in 1...30 { try Self.submit(server, to: "u\(number)@y.example") }
            #expect(try server.control("resume", "mta").code == 0)
            try await server.drained(within: 30)
            #expect(Set(remote.messages.flatMap(\.recipients)).count == 30)
            #expect(remote.messages.count == 30 && remote.sessions == 1)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a connection that dies behind the final dot costs one more copy, never two`() async throws {
            let remote = try ScriptedServer(failures: [[.end: .close]])
            let server = try Self.relay(to: remote.port)
            try await server.start()
            try Self.submit(server, to: "bob@y.example")
            try await server.eventually("the second copy", within: 30) {
                _ = try? server.control("schedule", "all")
                return try server.queue().isEmpty
            }
            #expect(remote.messages.count == 2)
            #expect(try await server.stop() == .exited(0))
        }
    }
}
