import ServerTesting
import Testing

extension RealProcesses {
    @Suite("access tokens towards a smarthost (smtpd.conf(5), OAuth)") struct OAuthTests {
        private static func smarthost(_ mechanism: String) async throws -> TokenServer {
            let certificates = try TestCertificates.shared.get()
            let server = try TokenServer(
                mechanism: mechanism, certificate: certificates.path("mail.pem"), key: certificates.path("mail.key"))
            try await eventually("the server", within: 20) { server.isReady }
            return server
        }

        private static func relay(to target: String, _ secret: String, _ options: String) throws -> Server {
            let certificates = try TestCertificates.shared.get()
            return try Server { server in
                """
                ca own cert "\(certificates.path("authority.pem"))"
                table secrets { isp = "\(secret)" }
                listen on 127.0.0.1 port \(server.port) hostname "relay.test.example"
                action "out" relay host "\(target)" ca own auth <secrets> \(options.replacing("@DIR@", with: server.scratch.path))
                match from any for any action "out"
                """
            }
        }

        private static func submit(_ server: Server) throws {
            let client = try server.client()
            try client.greet()
            let reply = try client.deliver(from: "eve@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\nx\r\n")
            guard reply.code == 250 else { throw ServerFailure("\(reply)") }
        }

        @Test(arguments: [
            ("XOAUTH2", "AUTH XOAUTH2 user=ada@example.org|auth=Bearer t0ken||"),
            ("OAUTHBEARER", "AUTH OAUTHBEARER n,a=ada@example.org,|auth=Bearer t0ken||"),
        ])
        func `the secret of the table is the token`(_ mechanism: String, _ expected: String) async throws {
            let target = try await Self.smarthost(mechanism)
            try target.accept("t0ken")
            let server = try Self.relay(to: "smtps://isp@127.0.0.1:\(target.port)", "ada@example.org:t0ken", "oauth")
            try await server.start()
            try Self.submit(server)
            try await server.drained()
            #expect(target.commands.contains(expected), "\(target.commands)")
            #expect(target.commands.contains("DATA"))
            #expect(server.log.contains("result=Ok") && !server.log.contains("t0ken"))
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a command makes tokens, and a new one when the last is refused`() async throws {
            let target = try await Self.smarthost("XOAUTH2")
            // Each run prints another token, longer than a command line holds.
            let command = "read -r secret; echo x >> @DIR@/runs; echo $secret.$ACCOUNT.$(wc -l < @DIR@/runs).$(printf %0700d 0); echo 3600"
            func token(_ number: Int) -> String { "refresh.ada@example.org.\(number)." + String(repeating: "0", count: 700) }
            let server = try Self.relay(
                to: "smtps://isp@127.0.0.1:\(target.port)", "ada@example.org:refresh", "oauth command \"\(command)\"")
            try target.accept(String(token(2).prefix(200)))
            try await server.start()
            try Self.submit(server)
            try await server.eventually("a refusal") { server.log.contains("result=TempFail") }
            #expect(target.commands.first == "AUTH XOAUTH2 user=ada@example.org|auth=Bearer \(token(1))||")
            #expect(target.commands.dropFirst().first == "REFUSED b''")
            // Tried again after a quarter of a minute, with another token.
            try await server.drained(within: 60)
            #expect(target.commands.contains("AUTH XOAUTH2 user=ada@example.org|auth=Bearer \(token(2))||"))
            // Kept for the next session.
            try Self.submit(server)
            try await server.drained()
            #expect(server.scratch.text("runs") == "x\nx\n")
            #expect(!server.log.contains("refresh"), "\(server.log)")
            #expect(try await server.stop() == .exited(0))
        }

        @Test(arguments: [
            ("exit 3", "exit status 3"), ("echo two words", "what it printed is no token"), ("true", "it printed no token"),
            ("head -c 100000 /dev/zero | tr '\\\\0' a", "too long an answer"),
        ])
        func `a command that fails keeps the mail, and the log says why`(_ command: String, _ reason: String) async throws {
            let server = try Self.relay(
                to: "smtps://isp@127.0.0.1:1", "ada@example.org:refresh", "oauth command \"\(command)\"")
            try await server.start()
            try Self.submit(server)
            try await server.eventually("a failure") { server.log.contains("result=TempFail") }
            #expect(server.log.contains("token command for isp of table secrets: ") && server.log.contains(reason), "\(server.log)")
            #expect(!server.log.contains("refresh"))
            #expect(try server.queue().count == 1)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a token is not sent to a server without TLS`() async throws {
            let remote = try ScriptedServer(extensions: ["AUTH XOAUTH2 OAUTHBEARER", "PIPELINING"])
            let server = try Self.relay(to: "smtp+tls://isp@127.0.0.1:\(remote.port)", "ada:t0ken", "oauth tls no-verify")
            try await server.start()
            try Self.submit(server)
            try await server.eventually("a failure") { server.log.contains("result=TempFail") }
            #expect(!remote.commands.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
            #expect(try await server.stop() == .exited(0))
        }
    }
}
