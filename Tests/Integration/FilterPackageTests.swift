import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Filters of Debian's packages") struct FilterPackageTests {
        @Test func `filter-dkimsign signs, and a verifier that nobody here wrote agrees`() async throws {
            let server = try Server.standard(
                listener: "filter sign",
                more: "filter sign proc-exec \"filter-dkimsign -d test.example -s sel -k @DIR@/key\"\n")
            let key = server.scratch.path + "/key"
            #expect(try Programs.run("/usr/bin/openssl", ["genrsa", "-traditional", "-out", key, "2048"], environment: [], identity: OrdinaryUser.current.identity).code == 0)
            let published = try Programs.run("/usr/bin/openssl", ["rsa", "-in", key, "-pubout", "-outform", "PEM"], environment: [], identity: OrdinaryUser.current.identity)
            let base64 = published.output.split(separator: "\n").filter { !$0.hasPrefix("-") && !$0.contains(" ") }.joined()
            try await server.start()
            let client = try server.client()
            try client.greet()
            let text = "From: Ada <ada@test.example>\r\nTo: alice@test.example\r\nSubject: signed\r\nDate: Mon, 30 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@test.example>\r\n\r\n..dot\r\nbody\r\n"
            #expect(try client.deliver(from: "ada@test.example", to: ["alice@test.example"], text).code == 250)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            let mail = server.mail(of: "alice")[0]
            #expect(mail.contains("\nDKIM-Signature: ") || mail.hasPrefix("DKIM-Signature: "), "\(mail)")
            try server.scratch.write("mail", mail)
            let script = """
                import dkim, sys
                record = b"v=DKIM1; k=rsa; p=" + sys.argv[2].encode()
                message = open(sys.argv[1], "rb").read().replace(b"\\n", b"\\r\\n")
                print(dkim.verify(message, dnsfunc=lambda name, timeout=5: record if name.startswith(b"sel._domainkey.test.example") else None))
                """
            let verdict = try Programs.run(
                "/usr/bin/python3", ["-c", script, server.scratch.path + "/mail", base64], environment: [], identity: nil)
            #expect(verdict.output == "True\n", "\(verdict) \(mail)")
            #expect(!server.log.contains("filter sign: "), "\(server.log)")
        }

        @Test func `filter-senderscore registers and lets a client of this machine pass`() async throws {
            let server = try Server.standard(
                listener: "filter score", more: "filter score proc-exec \"filter-senderscore -blockBelow 1\"\n")
            try await server.start()
            let client = try server.client(timeout: 60)
            try client.greet()
            #expect(try client.deliver(from: "a@client.example", to: ["alice@test.example"], "Subject: s\r\n\r\nx").code == 250)
            #expect(!server.log.contains("filter score: "), "\(server.log)")
        }
    }
}
