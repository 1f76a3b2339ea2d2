import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("listeners behind a proxy (PROXY protocol version 2)") struct ProxyTests {
        /// The header a proxy sends for a client at 192.0.2.7.
        private static let header: [UInt8] =
            [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x11, 0, 12]
            + [192, 0, 2, 7, 127, 0, 0, 1, 0x30, 0x39, 0, 25]

        private func server() throws -> (Server, UInt16) {
            let port = try Server.freePort()
            return (try Server.standard(more: "listen on 127.0.0.1 port \(port) proxy-v2 hostname mx.test.example"), port)
        }

        @Test func `the client's own address is in Received, and rules see it`() async throws {
            let port = try Server.freePort()
            let server = try Server.standard(
                more: """
                    listen on 127.0.0.1 port \(port) proxy-v2 hostname mx.test.example
                    match from src "192.0.2.8" for any reject
                    """)
            try await server.start()
            let client = try SMTPClient(port: port)
            try client.send(Self.header)
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\nx\r\n").code == 250)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(try #require(server.mail(of: "alice").first).contains("[192.0.2.7])"))

            let other = try SMTPClient(port: port)
            var header = Self.header
            header[19] = 8
            try other.send(header)
            try other.greet()
            #expect(try other.command("MAIL FROM:<ada@client.example>").code == 250)
            #expect(try other.command("RCPT TO:<alice@test.example>").code == 550)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a header that comes in pieces is waited for`() async throws {
            let (server, port) = try server()
            try await server.start()
            let client = try SMTPClient(port: port)
            for octet in Self.header { try client.send([octet]) }
            #expect(try client.greet().code == 250)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a client that came around the proxy gets no answer, and the log says why`() async throws {
            let (server, port) = try server()
            try await server.start()
            for start in ["EHLO client.example\r\n", "\u{16}\u{3}\u{1}"] {
                let client = try SMTPClient(port: port)
                try client.send(start)
                #expect(client.isClosed())
            }
            try await server.eventually("the log") {
                server.log.contains("smtp refused address=127.0.0.1 reason=\"no PROXY header\"")
            }
            #expect(try server.client().greet().code == 250, "other listeners go on")
            #expect(try await server.stop() == .exited(0))
        }
    }
}
