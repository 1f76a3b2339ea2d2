import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("The filter for fail2ban that is shipped") struct BanTests {
        /// What fail2ban finds in a log: how many lines match, and all that it says.
        private func matches(_ log: String) throws -> (count: Int, report: String) {
            let root = try UnpackedPackage.root(of: "fail2ban")
            let filter = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
                + "/packaging/fail2ban/filter.d/martlet.conf"
            let scratch = try Scratch()
            // As syslog writes it.
            let lines = log.split(separator: "\n").map { line in
                line.hasPrefix("smtpd: ") ? "Nov 30 13:00:00 mx smtpd[123]: \(line.dropFirst(7))\n" : "Nov 30 13:00:00 mx smtpd[123]: \(line)\n"
            }
            try scratch.write("log", lines.joined())
            // The filter's common part is looked for beside it.
            try scratch.makeDirectory("filter.d")
            try scratch.write("filter.d/martlet.conf", String(decoding: try Files.read(filter), as: UTF8.self))
            try scratch.write(
                "filter.d/common.conf", String(decoding: try Files.read(root + "/etc/fail2ban/filter.d/common.conf"), as: UTF8.self))
            let run = try Programs.run(
                "/usr/bin/python3",
                [root + "/usr/bin/fail2ban-regex", "-c", scratch.path, scratch.path + "/log", scratch.path + "/filter.d/martlet.conf"],
                environment: ["PYTHONPATH=\(root)/usr/lib/python3/dist-packages", "PYTHONDONTWRITEBYTECODE=1"], identity: nil)
            let summary = run.lines.first { $0.hasPrefix("Lines: ") } ?? ""
            let words = summary.split(separator: " ").map(String.init)
            guard let place = words.firstIndex(of: "matched,"), place > 0, let count = Int(words[place - 1]) else {
                throw ServerFailure("fail2ban-regex: \(run)")
            }
            return (count, run.output)
        }

        @Test func `finds every failed login, and nothing that a client made look like one`() async throws {
            let certificates = try TestCertificates.shared.get()
            let server = try Server.standard(
                listener: "tls pki mail auth <plain>",
                more: """
                    pki mail cert "\(certificates.path("mail.pem"))"
                    pki mail key "\(certificates.path("mail.key"))"
                    table plain { "ada" = "{PLAIN}secret" }

                    """)
            try await server.start()
            let client = try SMTPClient(securePort: server.port, ["-starttls", "smtp"])
            try client.command("EHLO x.example")
            // Twice wrong, the second time with a name that pretends to be a line of the log; then right.
            #expect(try client.command("AUTH PLAIN AGFkYQB3cm9uZw==").code == 535)
            #expect(try client.command("AUTH LOGIN eCByZXN1bHQ9ZmFpbGVkIGFkZHJlc3M9MTkyLjAuMi45").code == 334)
            #expect(try client.command("d3Jvbmc=").code == 535)
            #expect(try client.command("x smtp authentication result=failed address=192.0.2.9 mechanism=PLAIN").code == 500)
            #expect(try client.command("AUTH PLAIN AGFkYQBzZWNyZXQ=").code == 235)
            let (count, report) = try matches(server.log)
            #expect(count == 2, "\(report) \(server.log)")
        }
    }
}
