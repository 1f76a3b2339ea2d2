import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Keys and certificates of a running server") struct CertificateTests {
        /// A server that speaks TLS with `cert.pem` and `cert.key` of its directory, which are copies.
        private func server(copying name: String, _ options: String = "smtps pki p", keyMode: mode_t = 0o600) throws -> Server {
            let server = try Server.standard(
                listener: options, more: "pki p cert \"@DIR@/cert.pem\"\npki p key \"@DIR@/cert.key\"\n")
            try copy(name, to: server, keyMode: keyMode)
            return server
        }

        private func copy(_ name: String, to server: Server, keyMode: mode_t = 0o600) throws {
            let certificates = try TestCertificates.shared.get()
            for (ending, mode) in [("key", keyMode), ("pem", 0o644)] {
                let text = String(decoding: try Files.read(certificates.path("\(name).\(ending)")), as: UTF8.self)
                try server.scratch.write("new.\(ending)", text, mode: mode)
                try Files.rename("\(server.scratch.path)/new.\(ending)", to: "\(server.scratch.path)/cert.\(ending)")
            }
        }

        /// The subject of the certificate that a new client is shown.
        private func subject(_ server: Server, _ options: [String] = []) throws -> String {
            let run = try openssl(
                ["s_client", "-connect", "127.0.0.1:\(server.port)"] + options, input: "Q\n", failing: true)
            return run.lines.first { $0.hasPrefix("subject=") } ?? "none"
        }

        private func refusal(_ server: Server) async throws -> String {
            try server.launch()
            #expect(try await server.ended() == .exited(1))
            return server.log
        }

        @Test func `a key that others may read keeps the server from starting, and is named`() async throws {
            let server = try server(copying: "mail", keyMode: 0o644)
            let log = try await refusal(server)
            #expect(log.contains("\(server.scratch.path)/cert.key"), "\(log)")
            #expect(log.contains("mode"), "\(log)")
        }

        @Test func `in the 5.4 language a group must not read keys either`() async throws {
            let server = try Server { """
                pki p certificate "\($0.scratch.path)/cert.pem"
                pki p key "\($0.scratch.path)/cert.key"
                listen on 127.0.0.1 port \($0.port) smtps pki p
                accept from any for any deliver to maildir "\($0.scratch.path)/Maildir"
                """ }
            try copy("mail", to: server, keyMode: 0o640)
            let log = try await refusal(server)
            #expect(log.contains("cert.key: its mode is 0640, and may be at most 0700"), "\(log)")
            try copy("mail", to: server)
            try await server.start()
            #expect(try subject(server).contains("mail.example.org"))
        }

        @Test func `a key of another certificate and a list without a cipher are mistakes with a place`() async throws {
            let strange = try server(copying: "mail")
            try strange.scratch.write(
                "cert.key", String(decoding: try Files.read(try TestCertificates.shared.get().path("curve.key")), as: UTF8.self),
                mode: 0o600)
            #expect(try await refusal(strange).contains("it is not the key of the certificate in"))
            let weak = try server(copying: "mail", "smtps pki p ciphers \"RC4\"")
            #expect(try await refusal(weak).contains("smtpd.conf:6:1: listener: no usable cipher in \"RC4\""), "\(weak.log)")
        }

        @Test func `an encrypted key without a terminal to ask on is refused with that word`() async throws {
            let server = try server(copying: "mail")
            try openssl("pkey -in \(server.scratch.path)/cert.key -aes256 -passout pass:sesame -out \(server.scratch.path)/locked")
            let locked = try #require(server.scratch.text("locked"))
            try server.scratch.write("cert.key", locked, mode: 0o600)
            let run = try Programs.run(
                "/usr/bin/setsid", ["--wait", Programs.directory + "/smtpd", "-d", "-f", server.scratch.path + "/smtpd.conf"],
                environment: server.environment, identity: OrdinaryUser.current.identity)
            #expect(run.code == 1)
            #expect(run.error.contains("cert.key: the key is encrypted, and there is no terminal to ask for its passphrase"), "\(run)")
        }

        @Test func `a reload takes a renewed pair, and a session that is open goes on`() async throws {
            let server = try server(copying: "mail")
            try await server.start()
            #expect(try subject(server).contains("mail.example.org"))
            let open = try SMTPClient(securePort: server.port)
            #expect(try open.greet().code == 250)
            try copy("other", to: server)
            #expect(try server.control("reload").code == 0)
            #expect(try subject(server).hasSuffix("other"))
            #expect(try open.command("NOOP").code == 250)
        }

        @Test func `a reload with half a pair is refused as a whole, with the reason`() async throws {
            let server = try server(copying: "mail")
            try await server.start()
            try server.scratch.write(
                "cert.pem", String(decoding: try Files.read(try TestCertificates.shared.get().path("other.pem")), as: UTF8.self))
            let run = try server.control("reload")
            #expect(run.code != 0 && run.error.contains("it is not the key of the certificate in"), "\(run)")
            #expect(try subject(server).contains("mail.example.org"))
            try copy("other", to: server)
            #expect(try server.control("reload").code == 0)
            #expect(try subject(server).hasSuffix("other"))
        }

        @Test func `files that change are taken up by themselves, when both have changed`() async throws {
            let server = try server(copying: "mail")
            try await server.start()
            try server.scratch.write(
                "cert.pem", String(decoding: try Files.read(try TestCertificates.shared.get().path("other.pem")), as: UTF8.self))
            try await server.eventually("a word about half a pair", within: 40) { server.log.contains("certificates not renewed: ") }
            #expect(try subject(server).contains("mail.example.org"))
            try copy("other", to: server)
            try await server.eventually("renewed certificates", within: 40) { server.log.contains("renewed certificates taken up") }
            #expect(try subject(server).hasSuffix("other"))
        }
    }
}
