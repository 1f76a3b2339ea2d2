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

        @Test func `filter-rspamd refuses what a real rspamd takes for spam, and nothing else`() async throws {
            let port = try Server.freePort()
            let server = try Server.standard(
                listener: "filter rspamd", more: "filter rspamd proc-exec \"filter-rspamd -url http://127.0.0.1:\(port)\"\n")
            try server.scratch.makeDirectory("rspamd", mode: 0o755)
            let directory = server.scratch.path + "/rspamd"
            try server.scratch.write(
                "rspamd/rspamd.conf",
                """
                options { pidfile = "\(directory)/pid"; tempdir = "\(directory)"; hs_cache_dir = "\(directory)"; filters = "";
                  dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; } }
                logging { type = "console"; level = "error"; }
                worker "normal" { bind_socket = "127.0.0.1:\(port)"; count = 1; }
                actions { reject = 15; add_header = 6; greylist = 4; }
                lua = "\(directory)/rules.lua";

                """)
            try server.scratch.write(
                "rspamd/rules.lua",
                """
                rspamd_config:register_symbol({name = 'BUY_NOW', score = 20.0, group = 'test',
                  callback = function(task) local s = task:get_subject(); return s ~= nil and s:find('buy now') ~= nil end})
                rspamd_config:set_metric_symbol({name = 'BUY_NOW', score = 20.0})

                """)
            let user = OrdinaryUser.current
            var program = ChildProcess(
                path: "/usr/bin/rspamd", arguments: ["rspamd", "-f", "-i", "-u", user.name, "-c", directory + "/rspamd.conf"],
                environment: ["PATH=/usr/bin:/bin"])
            program.startsSession = true
            let rspamd = try program.start()
            defer {
                try? ChildProcess.signalGroup(rspamd, SIGKILL)
                _ = try? ChildProcess.wait(for: rspamd)
            }
            // It reads thousands of rules first.
            try await eventually("rspamd", within: 240) { (try? SMTPClient(port: port, timeout: 1)) != nil }
            try await server.start()
            let client = try server.client(timeout: 60)
            try client.greet()
            #expect(try client.deliver(from: "a@client.example", to: ["alice@test.example"], "Subject: buy now\r\n\r\nx").text == "550 message rejected")
            #expect(try client.deliver(from: "a@client.example", to: ["alice@test.example"], "Subject: hello\r\n\r\nx").code == 250)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(server.mail(of: "alice")[0].contains("\nSubject: hello\n"))
        }
    }
}
