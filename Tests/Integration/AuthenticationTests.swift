import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Authentication over TLS, with clients nobody here wrote") struct AuthenticationTests {
        /// Of the password `secret`.
        private static let yescrypt = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$GmcwIgvdUC9qLWcKCi6gklUa1dM3ziD43YxYNURLKy0"

        /// A server with tables of credentials: `hashed` has a crypt(3) hash, `plain` a password as it is.
        private func server(_ options: String) throws -> Server {
            let certificates = try TestCertificates.shared.get()
            return try Server.standard(
                listener: "tls pki mail " + options,
                more: """
                    pki mail cert "\(certificates.path("mail.pem"))"
                    pki mail key "\(certificates.path("mail.key"))"
                    table hashed { "ada" = "\(Self.yescrypt)" }
                    table plain { "ada" = "{PLAIN}secret" }
                    table addresses { "ada" = "ada@client.example" }

                    """)
        }

        private func swaks(_ server: Server, _ mechanism: String, password: String = "secret", sender: String = "ada@client.example")
            throws -> Programs.Run
        {
            try Programs.run(
                "/usr/bin/swaks",
                [
                    "--server", "127.0.0.1:\(server.port)", "--to", "alice@test.example", "--from", sender, "--tls",
                    "--auth", mechanism, "--auth-user", "ada", "--auth-password", password,
                ], environment: [], identity: nil)
        }

        @Test(arguments: ["PLAIN", "LOGIN"])
        func `swaks sends with its password, and is named`(_ mechanism: String) async throws {
            let server = try server("auth <hashed> received-auth")
            try await server.start()
            let run = try swaks(server, mechanism)
            #expect(run.code == 0, "\(run) \(server.log)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            let mail = try #require(server.mail(of: "alice").first)
            #expect(mail.contains("with ESMTPSA id ") && mail.contains(" auth=yes user=ada\n"), "\(mail)")
            #expect(server.log.contains("smtp authentication result=ok address=127.0.0.1 mechanism=\(mechanism) user=ada"))
        }

        @Test func `a wrong password and none at all do not send`() async throws {
            let server = try server("auth <hashed>")
            try await server.start()
            let wrong = try swaks(server, "PLAIN", password: "wrong")
            #expect(wrong.code != 0 && wrong.output.contains("535 5.7.8 Authentication failed"), "\(wrong)")
            let client = try server.client()
            try client.greet()
            #expect(try client.command("AUTH PLAIN AGFkYQBzZWNyZXQ=").code == 538)
            #expect(try client.command("MAIL FROM:<ada@client.example>").code == 530)
            #expect(server.log.contains("smtp authentication result=failed address=127.0.0.1 mechanism=PLAIN user=ada"))
            #expect(!server.log.contains("AGFkYQ"))
            #expect(server.mailCount(of: "alice") == 0)
        }

        @Test func `senders limits a user to his addresses, and masquerade shows them`() async throws {
            let server = try server("auth <hashed> senders <addresses> masquerade")
            try await server.start()
            let other = try swaks(server, "PLAIN", sender: "boss@client.example")
            #expect(other.code != 0 && other.output.contains("530 5.7.1 Sender rejected"), "\(other)")
            let run = try Programs.run(
                "/usr/bin/swaks",
                [
                    "--server", "127.0.0.1:\(server.port)", "--to", "alice@test.example", "--from", "ada@client.example", "--tls",
                    "--auth", "PLAIN", "--auth-user", "ada", "--auth-password", "secret", "--h-From", "Boss <boss@client.example>",
                ], environment: [], identity: nil)
            #expect(run.code == 0, "\(run)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(try #require(server.mail(of: "alice").first).contains("\nFrom: Boss <ada@client.example>\n"))
        }

        @Test func `smtplib of Python logs in as it chooses`() async throws {
            let server = try server("auth <plain>")
            try await server.start()
            let program = """
                import smtplib, ssl
                context = ssl._create_unverified_context()
                for round in range(2):
                    client = smtplib.SMTP("127.0.0.1", \(server.port))
                    client.starttls(context=context)
                    client.ehlo()
                    assert client.esmtp_features["auth"].strip() == "SCRAM-SHA-256 PLAIN LOGIN", client.esmtp_features
                    try:
                        client.login("ada", "wrong")
                        raise SystemExit("a wrong password was taken")
                    except smtplib.SMTPAuthenticationError as error:
                        assert error.smtp_code == 535, error
                    client.login("ada", "secret", initial_response_ok=round == 0)
                    client.sendmail("ada@client.example", "alice@test.example", "Subject: python\\r\\n\\r\\nx\\r\\n")
                    client.quit()

                """
            let run = try Programs.run("/usr/bin/env", ["python3", "-c", program], environment: [], identity: nil)
            #expect(run.code == 0, "\(run) \(server.log)")
            try await server.eventually("the messages") { server.mailCount(of: "alice") == 2 }
        }

        @Test func `the fifth failure ends the session`() async throws {
            let server = try server("auth <plain>")
            try await server.start()
            let program = """
                import smtplib, ssl
                client = smtplib.SMTP("127.0.0.1", \(server.port))
                client.starttls(context=ssl._create_unverified_context())
                client.ehlo()
                for round in range(5):
                    assert client.docmd("AUTH", "PLAIN AGFkYQB3cm9uZw==")[0] == 535
                assert client.getreply()[0] == 421

                """
            let run = try Programs.run("/usr/bin/env", ["python3", "-c", program], environment: [], identity: nil)
            #expect(run.code == 0, "\(run) \(server.log)")
        }
    }
}
