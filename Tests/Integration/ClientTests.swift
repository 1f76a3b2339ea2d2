import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Clients that nobody here wrote") struct ClientTests {
        /// A server with a password for ada, `secret`, behind STARTTLS, or TLS from the first octet.
        private func server(_ options: String = "tls pki mail auth <plain>") throws -> Server {
            let certificates = try TestCertificates.shared.get()
            return try Server.standard(
                listener: options,
                more: """
                    pki mail cert "\(certificates.path("mail.pem"))"
                    pki mail key "\(certificates.path("mail.key"))"
                    table plain { "ada" = "{PLAIN}secret" }

                    """)
        }

        private func run(_ program: String, _ words: [String], input: String = "") throws -> Programs.Run {
            try Programs.run(program, words, input: input, environment: ["HOME=/nonexistent"], identity: nil)
        }

        private static let letter = "From: Ada <ada@client.example>\nTo: alice@test.example\nSubject: hello\n\n.leading dot\nend\n"

        // MARK: msmtp

        private func msmtp(_ server: Server, starttls: Bool, _ mechanism: String, password: String = "secret") throws -> Programs.Run {
            let settings = """
                account default
                host 127.0.0.1
                port \(server.port)
                from ada@client.example
                domain client.example
                tls on
                tls_starttls \(starttls ? "on" : "off")
                tls_trust_file \(try TestCertificates.shared.get().path("authority.pem"))
                auth \(mechanism)
                user ada
                password \(password)

                """
            let name = "msmtprc"
            try server.scratch.write(name, settings, mode: 0o600)
            // It wants its file to be its user's, and takes root's word for nothing.
            _ = try checked("chown") { chown("\(server.scratch.path)/\(name)", geteuid(), getegid()) }
            return try run("/usr/bin/msmtp", ["-C", "\(server.scratch.path)/\(name)", "alice@test.example"], input: Self.letter)
        }

        // Conformance: RFC 4954 section 4 | AUTH with PLAIN, LOGIN and SCRAM-SHA-256, by msmtp
        @Test(arguments: [(true, "plain"), (true, "login"), (true, "scram-sha-256"), (true, "on"), (false, "plain")])
        func `msmtp sends, having verified the certificate`(_ starttls: Bool, _ mechanism: String) async throws {
            let server = try server(starttls ? "tls-require pki mail auth <plain>" : "smtps pki mail auth <plain>")
            try await server.start()
            let run = try msmtp(server, starttls: starttls, mechanism)
            #expect(run.code == 0, "\(run) \(server.log)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            let mail = try #require(server.mail(of: "alice").first)
            #expect(mail.contains("\n\n.leading dot\nend\n"), "\(mail)")
            #expect(server.log.contains("smtp authentication result=ok address=127.0.0.1 mechanism="))
        }

        @Test func `msmtp is told of a wrong password as it expects`() async throws {
            let server = try server()
            try await server.start()
            let run = try msmtp(server, starttls: true, "plain", password: "wrong")
            // EX_NOPERM.
            #expect(run.code == 77 && run.error.contains("535 5.7.8"), "\(run)")
        }

        // MARK: curl

        private func curl(_ server: Server, scheme: String, _ words: [String], input: String = Self.letter) throws -> Programs.Run {
            try run(
                "/usr/bin/curl",
                [
                    "--silent", "--show-error", "--max-time", "60", "--cacert", try TestCertificates.shared.get().path("authority.pem"),
                    "--url", "\(scheme)://127.0.0.1:\(server.port)/client.example", "--mail-from", "ada@client.example",
                    "--mail-rcpt", "alice@test.example", "--mail-rcpt", "bob@test.example", "--upload-file", "-",
                    // It sends what it reads, and a message of bare line feeds is refused.
                ] + words, input: input.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n"))
        }

        // Conformance: RFC 3207 section 4 | STARTTLS, by curl, which verifies the certificate
        // Conformance: RFC 8314 section 3.3 | TLS from the first octet, by curl and msmtp
        @Test(arguments: ["smtp", "smtps"], ["PLAIN", "LOGIN"])
        func `curl sends to two recipients at once`(_ scheme: String, _ mechanism: String) async throws {
            let server = try server("\(scheme == "smtp" ? "tls" : "smtps") pki mail auth <plain>")
            try await server.start()
            let run = try curl(
                server, scheme: scheme, ["--ssl-reqd", "--user", "ada:secret", "--login-options", "AUTH=\(mechanism)"])
            #expect(run.code == 0, "\(run) \(server.log)")
            for user in ["alice", "bob"] {
                try await server.eventually("the message") { server.mailCount(of: user) == 1 }
            }
            #expect(server.log.contains("mechanism=\(mechanism) user=ada"))
        }

        @Test func `curl sends a large message in clear, and hears why it is refused one that is too large`() async throws {
            let server = try Server.standard(more: "smtp max-message-size 3M\n")
            try await server.start()
            let line = String(repeating: "x", count: 70) + "\r\n"
            let head = "Subject: large\r\n\r\n"
            let taken = try curl(server, scheme: "smtp", [], input: head + String(repeating: line, count: 40_000))
            #expect(taken.code == 0, "\(taken)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(server.mail(of: "alice")[0].utf8.count > 40_000 * 71)
            let refused = try curl(server, scheme: "smtp", ["--verbose"], input: head + String(repeating: line, count: 60_000))
            #expect(refused.code != 0 && refused.error.contains("552 5.3.4"), "\(refused.error)")
        }

        // MARK: smtp-source

        /// Postfix's load generator, which `-s 100` makes a hundred clients at a time.
        private func smtpSource(_ server: Server, _ words: [String]) throws -> Programs.Run {
            let root = try UnpackedPackage.root(of: "postfix")
            return try Programs.run(
                root + "/usr/sbin/smtp-source",
                words + ["-f", "load@client.example", "-t", "alice@test.example", "127.0.0.1:\(server.port)"],
                environment: ["LD_LIBRARY_PATH=\(root)/usr/lib/postfix"], identity: nil)
        }

        @Test(arguments: [[], ["-d"], ["-l", "20000"]])
        func `a hundred clients of smtp-source at once lose nothing`(_ words: [String]) async throws {
            let server = try Server.standard(more: "smtp limit max-mails 1000\n")
            try await server.start()
            let run = try smtpSource(server, ["-s", "100", "-m", "300"] + words)
            #expect(run.code == 0 && run.error.isEmpty, "\(run)")
            try await server.eventually("all messages", within: 60) { server.mailCount(of: "alice") == 300 }
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `smtp-source with twenty recipients a message`() async throws {
            // It puts a number before the name.
            let server = try Server.standard(aliases: (0...21).map { "\"\($0)alice\" = \"alice\"" })
            try await server.start()
            let run = try smtpSource(server, ["-s", "20", "-m", "40", "-r", "20"])
            #expect(run.code == 0 && run.error.isEmpty, "\(run)")
            // Twenty names of one user are one copy.
            try await server.eventually("all messages", within: 60) { server.mailCount(of: "alice") >= 40 }
            try await server.drained()
        }

        // MARK: Orders of AUTH

        /// What goes to and fro once a client may authenticate: it says what begins with `C: `, and expects what begins
        /// with `S: ` as the beginning of the reply.
        static let orders: [(who: String, script: [String])] = [
            ("Thunderbird, which says everything at once",
             ["C: AUTH PLAIN AGFkYQBzZWNyZXQ=", "S: 235 2."]),
            ("Thunderbird, whose first choice is refused and who tries the next",
             ["C: AUTH PLAIN AGFkYQB3cm9uZw==", "S: 535 5.7.8", "C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: YWRh",
              "S: 334 UGFzc3dvcmQ6", "C: c2VjcmV0", "S: 235 2."]),
            ("Outlook, which names the user with LOGIN",
             ["C: AUTH LOGIN YWRh", "S: 334 UGFzc3dvcmQ6", "C: c2VjcmV0", "S: 235 2."]),
            ("Apple Mail, which waits for an empty challenge",
             ["C: AUTH PLAIN", "S: 334 ", "C: AGFkYQBzZWNyZXQ=", "S: 235 2."]),
            ("a client in small letters", ["C: auth plain AGFkYQBzZWNyZXQ=", "S: 235 2."]),
            ("a client with an authorization identity of its own", ["C: AUTH PLAIN YWRhAGFkYQBzZWNyZXQ=", "S: 235 2."]),
            ("a client that wants to be somebody else", ["C: AUTH PLAIN Ym9iAGFkYQBzZWNyZXQ=", "S: 535 5.7.8"]),
            ("a client that changes its mind",
             ["C: AUTH LOGIN", "S: 334 ", "C: *", "S: 501 5.7.0", "C: AUTH PLAIN AGFkYQBzZWNyZXQ=", "S: 235 2."]),
            ("a client that asks for what is not offered",
             ["C: AUTH CRAM-MD5", "S: 504 5.7.4", "C: AUTH PLAIN AGFkYQBzZWNyZXQ=", "S: 235 2."]),
            ("a client that does not know base64", ["C: AUTH PLAIN !!", "S: 501 5.5.2", "C: AUTH PLAIN AGFkYQBzZWNyZXQ=", "S: 235 2."]),
            ("a client that authenticates twice",
             ["C: AUTH PLAIN AGFkYQBzZWNyZXQ=", "S: 235 2.", "C: AUTH PLAIN AGFkYQBzZWNyZXQ=", "S: 503 5.5.1"]),
            ("a client that authenticates within a transaction",
             ["C: AUTH PLAIN AGFkYQBzZWNyZXQ=", "S: 235 2.", "C: MAIL FROM:<ada@client.example>", "S: 250 ",
              "C: AUTH PLAIN AGFkYQBzZWNyZXQ=", "S: 503 5.5.1", "C: RCPT TO:<alice@test.example>", "S: 250 "]),
        ]

        // Conformance: RFC 4954 section 4 | the orders in which mail programs authenticate, and those that are refused
        @Test(arguments: orders.indices) func `the order of`(_ index: Int) async throws {
            let (who, script) = Self.orders[index]
            let server = try server()
            try await server.start()
            let client = try SMTPClient(securePort: server.port, ["-starttls", "smtp"])
            let offer = try client.command("EHLO [192.168.1.2]")
            #expect(offer.lines.contains("250-AUTH SCRAM-SHA-256 PLAIN LOGIN"), "\(offer)")
            for line in script {
                if line.hasPrefix("C: ") {
                    try client.send(line.dropFirst(3) + "\r\n")
                } else {
                    let reply = try client.reply()
                    #expect(reply.text.hasPrefix(line.dropFirst(3)), "\(who): \(line) was \(reply)")
                }
            }
        }
    }
}
