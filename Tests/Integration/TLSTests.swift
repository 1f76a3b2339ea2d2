import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("TLS of listeners, with clients nobody here wrote") struct TLSTests {
        /// A server whose one listener has some TLS options; `more` are statements before it.
        private func server(_ options: String, more: String = "") throws -> Server {
            let certificates = try TestCertificates.shared.get()
            return try Server.standard(listener: options, more: Self.pairs(certificates) + more)
        }

        private static func pairs(_ certificates: TestCertificates) -> String {
            ["mail", "curve", "other"].map {
                "pki \($0) cert \"\(certificates.path("\($0).pem"))\"\npki \($0) key \"\(certificates.path("\($0).key"))\"\n"
            }.joined() + "ca \"clients\" cert \"\(certificates.path("authority.pem"))\"\n"
        }

        /// Says something through `openssl s_client`.
        private func client(_ server: Server, _ options: [String], _ text: String) throws -> Programs.Run {
            try openssl(
                [
                    "s_client", "-connect", "127.0.0.1:\(server.port)", "-crlf", "-quiet", "-CAfile",
                    try TestCertificates.shared.get().path("authority.pem"),
                ] + options, input: text, failing: true)
        }

        private static let message = """
            EHLO client.example
            MAIL FROM:<ada@client.example>
            RCPT TO:<alice@test.example>
            DATA
            Subject: secured

            hello
            .
            QUIT

            """

        // Conformance: RFC 3207 section 4 | STARTTLS with TLS 1.2 and 1.3, RSA and ECDSA
        @Test(arguments: ["-tls1_2", "-tls1_3"], ["mail", "curve"])
        func `a message comes in through STARTTLS, and its trace header says how`(_ version: String, _ pair: String) async throws {
            let server = try server("tls pki \(pair)")
            try await server.start()
            let run = try client(server, ["-starttls", "smtp", version], Self.message)
            #expect(run.output.contains("Message accepted"), "\(run) \(server.log)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            let mail = try #require(server.mail(of: "alice").first)
            let name = version == "-tls1_2" ? "TLSv1.2" : "TLSv1.3"
            #expect(mail.contains("with ESMTPS id ") && mail.contains(" (\(name):") && mail.contains(":256:NO)"), "\(mail)")
            #expect(server.log.contains("smtp tls ciphers=\(name):"))
            #expect(try await server.stop() == .exited(0))
        }

        // Conformance: RFC 8314 section 3.3 | TLS from the first octet (`smtps`)
        @Test func `smtps speaks TLS from the first octet`() async throws {
            let server = try server("smtps pki mail")
            try await server.start()
            let run = try client(server, [], Self.message)
            #expect(run.output.contains("Message accepted") && !run.output.contains("STARTTLS"), "\(run)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
        }

        @Test func `swaks over STARTTLS`() async throws {
            let server = try server("tls-require pki mail pki other")
            try await server.start()
            let words = ["--server", "127.0.0.1:\(server.port)", "--to", "alice@test.example", "--from", "ada@client.example"]
            let clear = try Programs.run("/usr/bin/swaks", words, environment: [], identity: nil)
            #expect(clear.code != 0 && clear.output.contains("530 5.7.0 Must issue a STARTTLS command first"), "\(clear)")
            let run = try Programs.run("/usr/bin/swaks", words + ["--tls"], environment: [], identity: nil)
            #expect(run.code == 0, "\(run)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
        }

        @Test func `a session that idles in TLS is answered when it goes on, and hears of the end`() async throws {
            let server = try server("smtps pki curve")
            try await server.start()
            let client = try SMTPClient(securePort: server.port)
            #expect(try client.greet().code == 250)
            #expect(try client.command("NOOP").code == 250)
            async let end = server.stop()
            #expect(try client.reply().code == 421)
            #expect(try await end == .exited(0))
        }

        // Conformance: RFC 3207 section 4.2 | what was sent in clear behind STARTTLS is thrown away
        @Test func `what stands in clear behind STARTTLS is never carried out (CVE-2011-0411)`() async throws {
            let server = try server("tls pki mail")
            try await server.start()
            let client = try server.client()
            try client.greet()
            try client.send("STARTTLS\r\nMAIL FROM:<eve@client.example>\r\nRCPT TO:<alice@test.example>\r\n")
            #expect(try client.reply().code == 220)
            // Either they were thrown away, or what came after them was no handshake: no reply in any case.
            try client.send("NOOP\r\n")
            #expect(client.isClosed())
            try await server.eventually("the end of the session") { server.log.contains("reason=\"TLS handshake failed\"") }
            #expect(!server.log.contains("eve@"))
        }

        // Conformance: RFC 8446 section 4.4.2 | client certificates are verified where the listener wants it (`verify`)
        @Test func `clients without a good certificate do not get through smtps verify`() async throws {
            let certificates = try TestCertificates.shared.get()
            let server = try server("smtps verify pki mail ca clients")
            try await server.start()
            let missing = try client(server, [], Self.message)
            #expect(!missing.output.contains("220"), "\(missing)")
            func with(_ name: String) -> [String] {
                ["-cert", certificates.path("\(name).pem"), "-key", certificates.path("\(name).key")]
            }
            #expect(try !client(server, with("false-client"), Self.message).output.contains("220"))
            #expect(server.log.contains("tls-failed reason=\"certificate not verified: "), "\(server.log)")
            let run = try client(server, with("client"), Self.message)
            #expect(run.output.contains("Message accepted"), "\(run)")
            #expect(server.log.contains("verified=yes subject="))
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(server.mail(of: "alice")[0].contains(":YES)"))
        }

        @Test func `rules see whether a session is secured`() async throws {
            let server = try server("tls pki mail", more: "match tls from any for domain \"test.example\" reject\n")
            try await server.start()
            #expect(try client(server, ["-starttls", "smtp"], Self.message).output.contains("550 "))
            let clear = try server.client()
            try clear.greet()
            #expect(try clear.deliver(from: "a@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\n").code == 250)
        }

        @Test func `private keys are in the memory of the crypto process alone`() async throws {
            let certificates = try TestCertificates.shared.get()
            let server = try server("tls pki mail pki curve")
            try await server.start()
            _ = try client(server, ["-starttls", "smtp", "-tls1_2"], Self.message)
            _ = try client(server, ["-starttls", "smtp", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384", "-tls1_2"], Self.message)
            // A prime of the RSA key in both orders of octets, the curve's number, and the files as they are.
            var needles: [[UInt8]] = []
            for (name, field) in [("mail", "prime1:"), ("curve", "priv:")] {
                let text = try openssl("pkey -in \(certificates.path("\(name).key")) -noout -text").output
                let number = try #require(Self.number(after: field, in: text))
                // From the middle, where neither a leading zero nor an end of a word of memory is.
                let part = Array(number.suffix(24))
                needles += [part, part.reversed()]
                let lines = try Files.read(certificates.path("\(name).key")).split(separator: 0x0A)
                needles.append(Array(lines[1].suffix(40)))
            }
            var holders: Set<String> = []
            for (role, process) in server.processesByRole {
                if try Memory.contains(any: needles, in: process.id) { holders.insert(role) }
            }
            #expect(holders == ["crypto"])
        }

        /// The octets of a number that `openssl pkey -text` prints in lines of pairs.
        private static func number(after field: String, in text: String) -> [UInt8]? {
            let lines = text.split(separator: "\n")
            guard let start = lines.firstIndex(where: { $0.hasPrefix(field) }) else { return nil }
            var octets: [UInt8] = []
            for line in lines[(start + 1)...] {
                guard line.hasPrefix(" ") else { break }
                octets += line.split { $0 == ":" || $0 == " " }.compactMap { UInt8($0, radix: 16) }
            }
            return octets
        }
    }
}

/// The memory of another process.
enum Memory {
    /// Whether one of some octets is anywhere in it.
    static func contains(any needles: [[UInt8]], in process: pid_t) throws -> Bool {
        let memory = try Files.open("/proc/\(process)/mem", O_RDONLY)
        let maps = String(decoding: try Files.read("/proc/\(process)/maps"), as: UTF8.self)
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 1, fields[1].hasPrefix("rw") else { continue }
            let ends = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard ends.count == 2 else { continue }
            let raw = memory.raw
            var bytes = [UInt8](repeating: 0, count: Int(ends[1] - ends[0]))
            let count = bytes.withUnsafeMutableBytes { pread(raw, $0.baseAddress, $0.count, off_t(truncatingIfNeeded: ends[0])) }
            guard count > 0 else { continue }
            for needle in needles where find(needle, in: bytes, count) { return true }
        }
        return false
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8], _ count: Int) -> Bool {
        bytes.withUnsafeBytes { memory in
            // Memory that is mapped is not empty, and neither is what is looked for.
            guard var place = memory.baseAddress, let first = needle.first else { return false }
            let end = place + count
            while place + needle.count <= end {
                guard let hit = memchr(place, CInt(first), end - place - needle.count + 1) else { return false }
                if memcmp(hit, needle, needle.count) == 0 { return true }
                place = UnsafeRawPointer(hit) + 1
            }
            return false
        }
    }
}
