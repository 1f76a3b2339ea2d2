import Platform
import ServerTesting
import Testing

extension RealProcesses {
    /// Clients of this machine are not limited; a proxy lends these tests other addresses.
    @Suite("limits of sessions and connections (smtp limit)") struct LimitTests {
        private static func header(_ client: UInt8) -> [UInt8] {
            [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x11, 0, 12]
                + [192, 0, 2, client, 127, 0, 0, 1, 0x30, 0x39, 0, 25]
        }

        private func client(_ number: UInt8, _ port: UInt16) throws -> SMTPClient {
            let client = try SMTPClient(port: port)
            try client.send(Self.header(number))
            return client
        }

        private func server(_ limits: String) throws -> (Server, UInt16) {
            let port = try Server.freePort()
            let listener = "listen on 127.0.0.1 port \(port) proxy-v2 hostname mx.test.example"
            return (try Server.standard(more: "smtp limit \(limits)\n\(listener)"), port)
        }

        @Test func `a client at its limit hears 421, others and this machine do not`() async throws {
            let (server, port) = try server("max-session-per-client 2")
            try await server.start()
            let open = try (0..<2).map { _ in try client(1, port) }
            for client in open { #expect(try client.greet().code == 250) }
            let third = try client(1, port)
            #expect(try third.reply().text == "421 4.7.0 mx.test.example Too many connections, try again later")
            #expect(third.isClosed())
            #expect(try client(2, port).greet().code == 250)
            #expect(try server.client().greet().code == 250)
            #expect(try open[0].command("QUIT").code == 221)
            try await server.eventually("room again") { (try? client(1, port).greet().code) == 250 }
            #expect(server.log.contains("smtp refused address=192.0.2.1 reason=\"too many sessions of this client\""))
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a client that connects too often hears 421`() async throws {
            let (server, port) = try server("max-connections-per-minute 3")
            try await server.start()
            for _ in 0..<3 { #expect(try client(1, port).greet().code == 250) }
            #expect(try client(1, port).reply().code == 421)
            #expect(try client(2, port).greet().code == 250)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `sessions in all are limited, for this machine too`() async throws {
            let (server, port) = try server("max-session 2")
            try await server.start()
            let first = try client(1, port)
            let second = try server.client()
            for client in [first, second] { #expect(try client.greet().code == 250) }
            #expect(try server.client().reply().code == 421)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a silent client and one that drips are put out after the idle time`() async throws {
            let (server, _) = try server("idle-timeout 1 min-rate 1000")
            try await server.start()
            let silent = try server.client()
            try silent.greet()
            let dripping = try server.client()
            try dripping.greet()
            let slow = try server.client()
            try slow.greet()
            for line in ["MAIL FROM:<ada@client.example>", "RCPT TO:<alice@test.example>", "DATA"] { try slow.command(line) }
            // Octets keep coming, but no command and no message worth the name.
            for _ in 0..<8 {
                try? dripping.send("N")
                try? slow.send("x\r\n")
                try await Task.sleep(nanoseconds: 200_000_000)
            }
            for client in [silent, dripping, slow] {
                #expect(try client.reply().text == "421 4.4.2 Timeout: closing connection")
                #expect(client.isClosed())
            }
            try await server.drained()
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a client that guesses recipients is put out`() async throws {
            let (server, _) = try server("max-refused-rcpt 3")
            try await server.start()
            let client = try server.client()
            try client.greet()
            try client.command("MAIL FROM:<ada@client.example>")
            for number in 0..<3 { #expect(try client.command("RCPT TO:<guess\(number)@test.example>").code == 550) }
            try client.send("RCPT TO:<guess@test.example>\r\n")
            #expect(try client.reply().code == 550)
            #expect(try client.reply().text == "421 4.7.0 Too many invalid recipients: closing connection")
            #expect(client.isClosed())
            #expect(try await server.stop() == .exited(0))
        }
    }
}
