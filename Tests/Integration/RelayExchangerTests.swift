import DNSTesting
import Glibc
import ServerTesting
import Testing

extension RealProcesses {
    /// The daemon's name server is a script of the test.
    @Suite("relaying to the exchangers of a domain") struct RelayExchangerTests {
        private static func relay(_ names: NameServer) throws -> Server {
            let server = try Server { server in
                """
                listen on 127.0.0.1 port \(server.port) hostname "relay.test.example"
                action "out" relay
                match from any for any action "out"
                """
            }
            try server.setResolver("nameserver [127.0.0.1]:\(names.port)\n")
            return server
        }

        private static func submit(_ server: Server, to recipient: String) throws {
            let client = try server.client()
            try client.greet()
            // From nobody, so that no report makes noise.
            let reply = try client.deliver(from: "", to: [recipient], "Subject: x\r\n\r\nx\r\n")
            guard reply.code == 250 else { throw ServerFailure("\(reply)") }
        }

        /// An address of this machine that others have too; nil without one, or without the right to port 25.
        private static let address: [UInt8]? = {
            guard getuid() == 0 else { return nil }
            var list: UnsafeMutablePointer<ifaddrs>?
            guard getifaddrs(&list) == 0 else { return nil }
            defer { freeifaddrs(list) }
            var entry = list
            while let current = entry?.pointee {
                entry = current.ifa_next
                guard let address = current.ifa_addr, address.pointee.sa_family == AF_INET else { continue }
                let octets = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    withUnsafeBytes(of: $0.pointee.sin_addr.s_addr) { Array($0) }
                }
                if octets[0] != 127 { return octets }
            }
            return nil
        }()

        @Test(arguments: [
            ("a@nullmx.example", "does not accept mail"), ("a@nowhere.example", "does not exist"),
            ("a@loop.example", ""),
        ])
        func `what no server can take is refused for good`(_ recipient: String, _ reason: String) async throws {
            let names = NameServer { query in
                [
                    query.reply(from: [
                        .mx("nullmx.example", 0, ""), .mx("loop.example", 10, "relay.test.example"),
                        .a("relay.test.example", "192.0.2.1"),
                    ])
                ]
            }
            let server = try Self.relay(names)
            try await server.start()
            try Self.submit(server, to: recipient)
            try await server.eventually("the log") { server.log.contains("result=PermFail") }
            #expect(server.log.contains(reason), "\(server.log)")
            try await server.drained()
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a name server that cannot say keeps the message`() async throws {
            let names = NameServer { [$0.reply(code: 2)] }
            let server = try Self.relay(names)
            try await server.start()
            try Self.submit(server, to: "a@y.example")
            try await server.eventually("the log") { server.log.contains("result=TempFail") }
            #expect(try server.queue().count == 1)
            #expect(try await server.stop() == .exited(0))
        }

        @Test(.enabled(if: address != nil)) func `the exchangers are tried in their order`() async throws {
            let address = try #require(Self.address)
            guard let remote = try? ScriptedServer(host: address, port: 25) else { return }
            let text = address.map(String.init).joined(separator: ".")
            let names = NameServer { query in
                [
                    query.reply(from: [
                        .mx("y.example", 10, "gone.y.example"), .mx("y.example", 20, "mx.y.example"), .a("mx.y.example", text),
                    ])
                ]
            }
            let server = try Self.relay(names)
            try await server.start()
            try Self.submit(server, to: "bob@y.example")
            try await server.eventually("the message") { remote.messages.count == 1 }
            try await server.eventually("the log") { server.log.contains("relay=\"\(text) (mx.y.example)\"") && server.log.contains("result=Ok") }
            #expect(try await server.stop() == .exited(0))
        }
    }
}
