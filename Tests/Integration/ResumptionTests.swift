import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Sessions that clients resume") struct ResumptionTests {
        /// A listener of TLS with one certificate, which is a copy in `cert.pem`, and the rest of its options.
        private func server(_ options: String = "") throws -> Server {
            let server = try Server.standard(listener: listener(options), more: statements)
            try copy("mail", to: server)
            return server
        }

        private let statements = """
            pki p cert "@DIR@/cert.pem"
            pki p key "@DIR@/cert.key"
            ca a cert "@DIR@/authority.pem"
            """

        private func listener(_ options: String) -> String { "smtps \(options) pki p ca a" }

        private func copy(_ name: String, to server: Server, authority: String = "authority") throws {
            let certificates = try TestCertificates.shared.get()
            let files = [("\(name).key", "cert.key", 0o600), ("\(name).pem", "cert.pem", 0o644), ("\(authority).pem", "authority.pem", 0o644)]
            for (from, to, mode) in files {
                let text = String(decoding: try Files.read(certificates.path(from)), as: UTF8.self)
                try server.scratch.write("new", text, mode: mode_t(mode))
                try Files.rename("\(server.scratch.path)/new", to: "\(server.scratch.path)/\(to)")
            }
        }

        private enum Session { case make, resume }

        /// A visit with a client certificate that `authority` has signed.
        private func visit(_ server: Server, _ version: String, _ session: Session) throws -> String {
            let certificates = try TestCertificates.shared.get()
            let file = ["-sess_\(session == .make ? "out" : "in")", server.scratch.path + "/session"]
            let client = ["-cert", certificates.path("client.pem"), "-key", certificates.path("client.key")]
            return try openssl(
                ["s_client", "-connect", "127.0.0.1:\(server.port)", "-crlf", "-ign_eof", version] + client + file, input: "QUIT\n",
                failing: true
            ).output
        }

        // Conformance: RFC 8446 section 4.6.1 | sessions are resumed by tickets, over a reload too
        @Test(arguments: ["-tls1_2", "-tls1_3"])
        func `after a reload with the same certificates they are resumed`(_ version: String) async throws {
            let server = try server("verify")
            try await server.start()
            #expect(try visit(server, version, .make).contains("New, TLSv1."))
            #expect(try server.control("reload").code == 0)
            let output = try visit(server, version, .resume)
            #expect(output.contains("Reused, TLSv1.") && output.contains("221 2.0.0"), "\(output)")
            #expect(server.log.contains(" resumed=yes verified=yes subject="), "\(server.log)")
        }

        @Test(arguments: ["-tls1_2", "-tls1_3"])
        func `after the certificate was renewed they are not: the client sees the new one`(_ version: String) async throws {
            let server = try server()
            try await server.start()
            #expect(try visit(server, version, .make).contains("subject=CN = mail.example.org"))
            try copy("other", to: server)
            #expect(try server.control("reload").code == 0)
            let output = try visit(server, version, .resume)
            #expect(output.contains("New, TLSv1.") && output.contains("subject=CN = other"), "\(output)")
            #expect(output.contains("221 2.0.0") && !server.log.contains(" resumed=yes"))
        }

        @Test(arguments: ["-tls1_2", "-tls1_3"])
        func `a client whose authority is trusted no more does not come in by an old session`(_ version: String) async throws {
            let server = try server("verify")
            try await server.start()
            #expect(try visit(server, version, .make).contains("221 2.0.0"))
            try copy("mail", to: server, authority: "stranger")
            #expect(try server.control("reload").code == 0)
            let output = try visit(server, version, .resume)
            #expect(!output.contains("220 ") && !output.contains("Reused, "), "\(output)")
            #expect(server.log.contains("smtp tls-failed"), "\(server.log)")
        }
    }
}
