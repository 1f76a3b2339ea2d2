import Platform
import ServerTesting
import Testing

extension RealProcesses {
    /// The milters that people run, as Debian packages them, without a network.
    @Suite("Milters nobody here wrote") struct MilterProgramTests {
        private func server(_ filters: String, chain: String = "m", more: String = "") throws -> Server {
            try Server.standard(listener: "filter \(chain)", more: filters + "\n" + more)
        }

        private func mail(_ server: Server) async throws -> String {
            try await server.eventually("mail") { server.mailCount(of: "alice") == 1 }
            return try #require(server.mail(of: "alice").first)
        }

        private func deliver(_ server: Server, _ text: String) throws -> SMTPClient.Reply {
            let client = try server.client()
            try client.greet()
            return try client.deliver(from: "ada@client.example", to: ["alice@test.example"], text)
        }

        /// OpenDKIM that signs for client.example; the public key is in `scratch`.
        private func openDKIM(_ port: UInt16, _ scratch: Scratch) async throws -> RunningProgram {
            try openssl(["genrsa", "-out", "\(scratch.path)/key", "2048"])
            try openssl(["rsa", "-in", "\(scratch.path)/key", "-pubout", "-out", "\(scratch.path)/public"])
            let key = try #require(scratch.text("key"))
            try scratch.write("signing.key", key, mode: 0o600)
            try scratch.write(
                "opendkim.conf",
                """
                Background no
                Syslog no
                Mode s
                Domain client.example
                Selector test
                KeyFile \(scratch.path)/signing.key
                RequireSafeKeys no
                Socket inet:\(port)@127.0.0.1
                OversignHeaders From,Subject,To,Date
                PidFile \(scratch.path)/opendkim.pid

                """)
            let program = try RunningProgram(["/usr/sbin/opendkim", "-f", "-x", "\(scratch.path)/opendkim.conf"], in: scratch)
            try await program.listens(on: port)
            return program
        }

        /// What a verifier that has nothing to do with OpenDKIM says of a message, with the key in `scratch`.
        private func verdict(on message: String, _ scratch: Scratch) throws -> String {
            try scratch.write("message", message)
            try scratch.write(
                "verify.py",
                """
                import sys, dkim
                key = ''.join(l for l in open(sys.argv[1]).read().splitlines() if '-----' not in l)
                record = ('v=DKIM1; k=rsa; p=' + key).encode()
                message = open(sys.argv[2], 'rb').read()
                print('good' if dkim.verify(message, dnsfunc=lambda name, timeout=5: record) else 'bad')

                """)
            let run = try Programs.run(
                "/usr/bin/python3", ["\(scratch.path)/verify.py", "\(scratch.path)/public", "\(scratch.path)/message"],
                environment: [], identity: nil)
            return run.output + run.error
        }

        @Test func `a signature of OpenDKIM verifies, on mail of the network and of programs`() async throws {
            let scratch = try Scratch()
            let port = try Server.freePort()
            let dkim = try await openDKIM(port, scratch)
            let server = try server(
                "filter m milter \"inet:127.0.0.1:\(port)\"", more: "listen on socket filter m")
            try await server.start()
            let text = """
                From: ada@client.example\r\nTo: alice\r\nSubject: signed\r\n  and folded\r\n\
                \r\nbody  with  blanks \r\n..dots\r\n.dot\r\n\r\n\r\n
                """
            #expect(try deliver(server, text).code == 250)
            let message = try await mail(server)
            #expect(message.contains("\nDKIM-Signature: v=1;"))
            #expect(try verdict(on: message, scratch) == "good\n")
            #expect(try verdict(on: message.replacing("with", with: "without"), scratch) == "bad\n")
            let run = try server.sendmail("-f", "ada@client.example", "bob@test.example", input: "From: ada@client.example\nSubject: local\n\nx\n")
            #expect(run.status == .exited(0))
            try await server.eventually("mail") { server.mailCount(of: "bob") == 1 }
            let local = try #require(server.mail(of: "bob").first)
            #expect(try verdict(on: local, scratch) == "good\n", "\(local)")
            withExtendedLifetime(dkim) {}
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `ClamAV refuses what it knows`() async throws {
            let scratch = try Scratch()
            let port = try Server.freePort()
            try scratch.makeDirectory("signatures")
            // The test file of EICAR, as a signature of our own: a real database would have to be downloaded.
            let eicar = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
            let digits = eicar.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            try scratch.write("signatures/test.ndb", "Test.Eicar:0:*:\(digits)\n")
            try scratch.write(
                "clamd.conf",
                """
                Foreground yes
                LocalSocket \(scratch.path)/clamd.sock
                DatabaseDirectory \(scratch.path)/signatures
                TemporaryDirectory \(scratch.path)

                """)
            try scratch.write(
                "clamav-milter.conf",
                """
                Foreground yes
                MilterSocket inet:\(port)@127.0.0.1
                ClamdSocket unix:\(scratch.path)/clamd.sock
                OnInfected Reject
                RejectMsg Infected by %v
                AddHeader Add
                TemporaryDirectory \(scratch.path)

                """)
            let scanner = try RunningProgram(["/usr/sbin/clamd", "-c", "\(scratch.path)/clamd.conf"], in: scratch)
            try await eventually("clamd", within: 60) { (try? Files.status("\(scratch.path)/clamd.sock")) != nil }
            let milter = try RunningProgram(["/usr/sbin/clamav-milter", "-c", "\(scratch.path)/clamav-milter.conf"], in: scratch)
            try await milter.listens(on: port)
            let server = try server("filter m milter \"inet:127.0.0.1:\(port)\"")
            try await server.start()
            let reply = try deliver(server, "Subject: x\r\n\r\n\(eicar)\r\n")
            #expect(reply.code == 550)
            #expect(reply.text.contains("Infected by Test.Eicar"))
            #expect(try deliver(server, "Subject: x\r\n\r\nharmless\r\n").code == 250)
            #expect(try await mail(server).contains("\nX-Virus-Status: Clean\n"))
            withExtendedLifetime((scanner, milter)) {}
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `OpenDMARC adds its results, before spamass-milter refuses spam and marks the rest`() async throws {
            let scratch = try Scratch()
            let port = try Server.freePort()
            let spamd = try Server.freePort()
            // It leaves this machine alone otherwise.
            try scratch.write("ignored", "192.0.2.1\n")
            try scratch.write(
                "opendmarc.conf",
                """
                Socket inet:\(port)@127.0.0.1
                AuthservID mx.test.example
                IgnoreHosts \(scratch.path)/ignored
                IgnoreAuthenticatedClients false
                Syslog no

                """)
            let dmarc = try RunningProgram(["/usr/sbin/opendmarc", "-f", "-c", "\(scratch.path)/opendmarc.conf"], in: scratch)
            try await dmarc.listens(on: port)
            let scanner = try RunningProgram(
                ["/usr/sbin/spamd", "-L", "-x", "-i", "127.0.0.1", "-p", "\(spamd)", "-m", "1", "-H", scratch.path, "-r", "\(scratch.path)/spamd.pid"],
                in: scratch)
            try await scanner.listens(on: spamd, within: 60)
            let milter = try RunningProgram(
                ["/usr/sbin/spamass-milter", "-p", "\(scratch.path)/spamass.sock", "-r", "10", "--", "-d", "127.0.0.1", "-p", "\(spamd)"],
                in: scratch)
            try await eventually("spamass-milter", within: 60) { (try? Files.status("\(scratch.path)/spamass.sock")) != nil }
            let server = try server(
                "filter d milter \"inet:127.0.0.1:\(port)\"\nfilter s milter \"unix:\(scratch.path)/spamass.sock\"", chain: "{ d, s }")
            try await server.start()
            let header = "From: ada@client.example\r\nTo: alice@test.example\r\nSubject: x\r\nDate: Mon, 30 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@client.example>\r\n"
            let reply = try deliver(server, header + "\r\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n")
            #expect(reply.code == 550 && reply.text.contains("SpamAssassin"), "\(reply) \(server.log)")
            #expect(try deliver(server, header + "\r\nhello\r\n").code == 250)
            let message = try await mail(server)
            #expect(message.contains("\nAuthentication-Results: mx.test.example; dmarc="))
            #expect(message.contains("\nX-Spam-Status: No, score="))
            withExtendedLifetime((dmarc, scanner, milter)) {}
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `rspamd refuses spam and marks the rest, before OpenDKIM signs that`() async throws {
            let scratch = try Scratch()
            let port = try Server.freePort()
            let signing = try Server.freePort()
            let dkim = try await openDKIM(signing, scratch)
            try scratch.makeDirectory("rspamd")
            try scratch.write(
                "rspamd.conf",
                """
                .include "$CONFDIR/common.conf"
                options {
                  pidfile = "\(scratch.path)/rspamd/pid";
                  filters = "regexp";
                  dns { nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }
                  control_socket = "\(scratch.path)/rspamd/control.sock mode=0600";
                }
                logging { type = "console"; level = "info"; }
                worker "rspamd_proxy" {
                  bind_socket = "127.0.0.1:\(port)";
                  milter = yes;
                  count = 1;
                  upstream "local" { default = yes; self_scan = yes; }
                }
                milter_headers { use = ["x-spamd-bar"]; skip_local = false; skip_authenticated = false; }

                """)
            let milter = try RunningProgram(
                [
                    "/usr/bin/rspamd", "-f", "-c", "\(scratch.path)/rspamd.conf", "--var", "DBDIR=\(scratch.path)/rspamd",
                    "--var", "RUNDIR=\(scratch.path)/rspamd", "--var", "LOGDIR=\(scratch.path)/rspamd",
                ], in: scratch)
            // It compiles its expressions first.
            try await milter.listens(on: port, within: 240)
            let server = try server(
                "filter r milter \"inet:127.0.0.1:\(port)\"\nfilter d milter \"inet:127.0.0.1:\(signing)\"", chain: "{ r, d }")
            try await server.start()
            let header = "From: ada@client.example\r\nTo: alice@test.example\r\nSubject: x\r\nDate: Mon, 30 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@client.example>\r\n"
            let reply = try deliver(server, header + "\r\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n")
            #expect(reply.code == 554)
            #expect(reply.text.contains("Gtube"))
            #expect(try deliver(server, header + "\r\nhello\r\n").code == 250)
            let message = try await mail(server)
            #expect(message.contains("\nX-Spamd-Bar: "))
            #expect(try verdict(on: message, scratch) == "good\n")
            withExtendedLifetime((milter, dkim)) {}
            #expect(try await server.stop() == .exited(0))
        }
    }
}
