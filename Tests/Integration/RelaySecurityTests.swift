import ServerTesting
import Testing

extension RealProcesses {
    @Suite("TLS and authentication towards a smarthost") struct RelaySecurityTests {
        /// Of the password `secret`.
        private static let yescrypt = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$GmcwIgvdUC9qLWcKCi6gklUa1dM3ziD43YxYNURLKy0"

        /// A smarthost with a certificate for 127.0.0.1 that the made-up authority has signed.
        private static func smarthost(_ options: String) throws -> Server {
            let certificates = try TestCertificates.shared.get()
            return try Server.standard(
                listener: options,
                more: """
                    pki mail cert "\(certificates.path("mail.pem"))"
                    pki mail key "\(certificates.path("mail.key"))"
                    table hashed { "ada" = "\(yescrypt)" }

                    """)
        }

        private static func relay(_ url: String, _ options: String) throws -> Server {
            let certificates = try TestCertificates.shared.get()
            return try Server { server in
                """
                ca own cert "\(certificates.path("authority.pem"))"
                table secrets { isp = "ada:secret", wrong = "ada:guess" }
                listen on 127.0.0.1 port \(server.port) hostname "relay.test.example"
                action "out" relay host "\(url)" \(options)
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
            ("smtp+tls", "tls", "ca own auth <secrets>", "TLSv1.3", ":verified"),
            ("smtps", "smtps", "ca own auth <secrets>", "TLSv1.3", ":verified"),
            ("smtps", "smtps", "tls no-verify auth <secrets>", "TLSv1.3", ":unverified"),
            ("smtp+tls", "tls", "ca own auth <secrets> protocols \"tlsv1.2\"", "TLSv1.2", ":verified"),
        ])
        func `a message goes on with our credentials, under TLS`(
            _ scheme: String, _ listener: String, _ options: String, _ version: String, _ verdict: String
        ) async throws {
            let target = try Self.smarthost("\(listener) pki mail auth <hashed>")
            try await target.start()
            let server = try Self.relay("\(scheme)://isp@127.0.0.1:\(target.port)", options)
            try await server.start()
            try Self.submit(server)
            try await target.eventually("the message") { target.mailCount(of: "alice") == 1 }
            #expect(try #require(target.mail(of: "alice").first).contains("with ESMTPSA id "))
            try await server.eventually("the log") { server.log.contains("result=Ok") }
            let line = try #require(server.log.split(separator: "\n").first { $0.contains("mta delivery") })
            #expect(line.contains("tls=\(version):") && line.contains(verdict + " result=Ok"), "\(line)")
            #expect(!server.log.contains("secret") && !target.log.contains("secret"))
            #expect(try await server.stop() == .exited(0))
            #expect(try await target.stop() == .exited(0))
        }

        @Test(arguments: [
            ("smtp+tls://127.0.0.1", "", "certificate not verified"), ("smtp://127.0.0.1", "tls", "certificate not verified"),
            ("smtp+tls://wrong@127.0.0.1", "ca own auth <secrets>", "Authentication refused: 535 5.7.8"),
            ("smtp+tls://other@127.0.0.1", "ca own auth <secrets>", ""),
        ])
        func `what is demanded and cannot be had keeps the message`(_ url: String, _ options: String, _ reason: String) async throws {
            let target = try Self.smarthost("tls pki mail auth-optional <hashed>")
            try await target.start()
            let server = try Self.relay("\(url):\(target.port)", options)
            try await server.start()
            try Self.submit(server)
            try await server.eventually("a failure") { server.log.contains("result=TempFail") }
            #expect(server.log.contains(reason), "\(server.log)")
            #expect(try server.queue().count == 1)
            #expect(target.mailCount(of: "alice") == 0)
            #expect(!server.log.contains("guess"))
            #expect(try await server.stop() == .exited(0))
            #expect(try await target.stop() == .exited(0))
        }

        @Test(arguments: ["", " oauth", " oauth command \"echo token\""])
        func `a label that no table can have keeps the message, and the daemon alive`(_ options: String) async throws {
            let server = try Server { server in
                """
                table hosts { "smtps://\(String(repeating: "l", count: 1_100))@127.0.0.1:1" }
                table secrets { isp = "ada:secret" }
                listen on 127.0.0.1 port \(server.port) hostname "relay.test.example"
                action "out" relay host <hosts> auth <secrets>\(options)
                match from any for any action "out"
                """
            }
            try await server.start()
            try Self.submit(server)
            try await server.eventually("a failure") { server.log.contains("result=TempFail") }
            #expect(try server.queue().count == 1)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `what waits when the server starts goes under TLS, too`() async throws {
            let target = try Self.smarthost("smtps pki mail auth <hashed>")
            try await target.start()
            let server = try Self.relay("smtps://isp@127.0.0.1:\(target.port)", "ca own auth <secrets>")
            try await server.start(["-P", "mta"])
            for _ in 1...5 { try Self.submit(server) }
            try await server.eventually("the queue") { try server.queue().count == 5 }
            #expect(try await server.stop() == .exited(0))
            try await server.start()
            try await target.eventually("the messages") { target.mailCount(of: "alice") == 5 }
            try await server.drained()
            #expect(!server.log.contains("result=TempFail"), "\(server.log)")
            #expect(try await server.stop() == .exited(0))
            #expect(try await target.stop() == .exited(0))
        }

        @Test func `credentials are not sent to a server without TLS`() async throws {
            let remote = try ScriptedServer(extensions: ["AUTH PLAIN LOGIN", "PIPELINING"])
            let server = try Self.relay("smtp+tls://isp@127.0.0.1:\(remote.port)", "tls no-verify auth <secrets>")
            try await server.start()
            try Self.submit(server)
            try await server.eventually("a failure") { server.log.contains("result=TempFail") }
            #expect(!remote.commands.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a server whose STARTTLS does not work gets the message in clear when nobody demands more`() async throws {
            // It says yes to STARTTLS, and knows nothing of handshakes.
            let remote = try ScriptedServer(extensions: ["STARTTLS", "PIPELINING"])
            let server = try Self.relay("smtp://127.0.0.1:\(remote.port)", "")
            try await server.start()
            try Self.submit(server)
            try await server.eventually("the message") { remote.messages.count == 1 }
            #expect(remote.sessions == 2)
            #expect(remote.commands.contains("STARTTLS"))
            try await server.eventually("the log") { server.log.contains("tls=none result=Ok") }
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a message of ten megabytes goes over STARTTLS, octet for octet`() async throws {
            let target = try Self.smarthost("tls pki mail")
            try await target.start()
            let server = try Self.relay("smtp+tls://127.0.0.1:\(target.port)", "ca own")
            try await server.start()
            // Lines of all lengths, with dots where they hurt and octets that are not ASCII.
            var sent: [UInt8] = []
            var expected: [UInt8] = []
            for number in 0..<100_000 {
                let line = [UInt8]("\(["", ".", "..", "\u{E9}"][number % 4])\(number)\(String(repeating: "x.", count: number % 97))".utf8)
                if line.first == UInt8(ascii: ".") { sent.append(UInt8(ascii: ".")) }
                sent += line + [0x0D, 0x0A]
                expected += line + [0x0A]
            }
            #expect(expected.count > 10_000_000)
            let client = try server.client()
            try client.greet()
            let reply = try client.deliver(
                from: "eve@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\n" + String(decoding: sent, as: UTF8.self))
            #expect(reply.code == 250)
            try await target.eventually("the message", within: 60) { target.mailCount(of: "alice") == 1 }
            let message = [UInt8](try #require(target.mail(of: "alice").first).utf8)
            #expect(message.suffix(expected.count) == expected[...])
            try await server.eventually("the log") { server.log.contains("result=Ok") }
            let line = try #require(server.log.split(separator: "\n").first { $0.contains("mta delivery") })
            #expect(line.contains(":verified result=Ok"), "\(line)")
            #expect(try await server.stop() == .exited(0))
            #expect(try await target.stop() == .exited(0))
        }
    }
}
