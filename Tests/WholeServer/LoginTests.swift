import Glibc
import Platform
import ServerTesting
import Testing

extension WholeServer {
    /// Through PAM with the service file that is shipped; with shadow(5) where PAM was left out of the build. Both are
    /// to say the same here.
    @Suite("Users of the system log in (auth without a table)", .enabled(if: PrivilegedServer.isPossible, "needs root and mount namespaces"))
    struct LoginTests {
        /// Of the password `secret`, in the forms of today and of yesterday.
        private static let yescrypt = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$GmcwIgvdUC9qLWcKCi6gklUa1dM3ziD43YxYNURLKy0"

        private func server() throws -> PrivilegedServer {
            let service = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
                + "/packaging/pam.d/smtpd"
            let server = try PrivilegedServer(preparation: [
                "mount --bind @DIR@/shadow /etc/shadow",
                "cp -a /etc/pam.d @DIR@/pam.d", "cp \(service) @DIR@/pam.d/smtpd", "mount --bind @DIR@/pam.d /etc/pam.d",
            ])
            let old = try openssl("passwd -6 -salt martlet secret").lines[0]
            try server.write(
                "shadow",
                """
                root:\(old):20000:0:99999:7:::
                mxann:\(Self.yescrypt):20000:0:99999:7:::
                mxben:\(old):20000:0:99999:7:::
                _smtpd:!\(old):20000:0:99999:7:::
                _smtpq:\(old):20000:0:99999:7::1:

                """, mode: 0o600)
            try server.copyCertificate("mail")
            try server.configure(
                """
                pki mail cert "@DIR@/mail.pem"
                pki mail key "@DIR@/mail.key"
                listen on 127.0.0.1 port \(server.port) tls pki mail auth received-auth
                action "maildir" maildir
                match auth from any for domain "maildir.example" action "maildir"

                """)
            return server
        }

        private func swaks(_ server: PrivilegedServer, _ user: String, _ password: String, _ mechanism: String = "PLAIN") throws -> Programs.Run {
            try Programs.run(
                "/usr/bin/swaks",
                [
                    "--server", "127.0.0.1:\(server.port)", "--tls", "--from", "ada@client.example", "--to", "mxann@maildir.example",
                    "--auth", mechanism, "--auth-user", user, "--auth-password", password,
                ], environment: [], identity: nil)
        }

        @Test(arguments: [("mxann", "PLAIN"), ("mxben", "LOGIN")])
        func `with the right password, whatever its form`(_ user: String, _ mechanism: String) async throws {
            let server = try server()
            try await server.start()
            let run = try swaks(server, user, "secret", mechanism)
            #expect(run.code == 0, "\(run) \(server.log)")
            try await server.eventually("the message") { server.scratch.count(in: "home/mxann/Maildir") == 1 }
            #expect(server.scratch.messages(in: "home/mxann/Maildir")[0].contains(" auth=yes user=\(user)\n"))
            #expect(server.log.contains("smtp authentication result=ok address=127.0.0.1 mechanism=\(mechanism) user=\(user)"))
            #expect(!server.log.contains("secret"))
        }

        @Test(arguments: [
            ("mxann", "wrong"), ("mxann", ""), ("nobody-here", "secret"), ("root", "secret"), ("_smtpd", "secret"), ("_smtpq", "secret"),
        ])
        func `not with a wrong password, and neither do root, strangers, the locked and the expired`(
            _ user: String, _ password: String
        ) async throws {
            let server = try server()
            try await server.start()
            let run = try swaks(server, user, password.isEmpty ? "\u{20}" : password)
            #expect(run.code != 0 && run.output.contains("535 5.7.8 Authentication failed"), "\(run) \(server.log)")
            #expect(server.log.contains("smtp authentication result=failed address=127.0.0.1 mechanism=PLAIN user=\(user)"), "\(server.log)")
        }

        @Test func `others are served while passwords are compared`() async throws {
            let server = try server()
            try await server.start()
            let done = Flag()
            let guessing = TestThread { [server = Unchecked(server)] in
                for _ in 0..<8 { _ = try? swaks(server.value, "mxann", "wrong") }
                done.set()
            }
            var slowest = 0.0
            while !done.isSet {
                let start = monotonicSeconds()
                let client = try SMTPClient(port: server.port)
                #expect(try client.greet().code == 250)
                slowest = max(slowest, monotonicSeconds() - start)
                try await Task.sleep(nanoseconds: 20_000_000)
            }
            try await guessing.finished()
            #expect(slowest < 2, "a greeting took \(slowest) s")
        }
    }
}

/// A server that one thread at a time uses.
private struct Unchecked: @unchecked Sendable {
    // The threads that share it only read what does not change after the start.
    let value: PrivilegedServer
    init(_ value: PrivilegedServer) { self.value = value }
}
