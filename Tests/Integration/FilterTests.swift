import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Filters, built-in and as programs (smtpd-filters(7))") struct FilterTests {
        /// A program that answers as `decide(phase, parameters)` says, in Python; nil is "proceed". What it hears it
        /// writes to `heard` beside it.
        static func python(_ decide: String, phases: [String] = ["*"], content: String = "yield line") -> String {
            """
            #!/usr/bin/env python3
            import os, signal, sys, time
            log = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "heard"), "a", buffering=1)
            count = 0
            def decide(phase, parameters, session):
            \(indented(decide))
                return None
            def lines(line):
            \(indented(content))
            def say(text):
                sys.stdout.write(text + "\\n")
                sys.stdout.flush()
            for text in sys.stdin:
                text = text.rstrip("\\n")
                log.write(text + "\\n")
                fields = text.split("|")
                if text == "config|ready":
                    say("register|report|smtp-in|*")
                    for phase in \(phases): say("register|filter|smtp-in|" + phase)
                    say("register|ready")
                elif fields[0] == "filter":
                    phase, session, token = fields[4:7]
                    if phase == "data-line":
                        line = text.split("|", 7)[7]
                        for out in (["."] if line == "." else lines(line)):
                            say(f"filter-dataline|{session}|{token}|{out}")
                    else:
                        answer = decide(phase, fields[7:], session)
                        if answer != "": say(f"filter-result|{session}|{token}|{answer or 'proceed'}")

            """
        }

        private static func indented(_ text: String) -> String {
            text.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        }

        static func server(
            _ program: String, options: String = "", listener: String = "filter f", more: String = ""
        ) throws -> Server {
            let server = try Server.standard(
                listener: listener, more: more + "filter f proc-exec \"@DIR@/filter\" \(options)\n")
            // Beside it the program writes what it hears, as an ordinary user.
            try server.scratch.write("filter", program, mode: 0o755)
            return server
        }

        func heard(_ server: Server) -> [String] {
            (server.scratch.text("heard") ?? "").split(separator: "\n").map(String.init)
        }

        @Test func `trace filters shows each line to and from a program, of content how much, and no password`() async throws {
            let certificates = try TestCertificates.shared.get()
            let server = try Server.standard(
                listener: "filter f tls pki mail auth-optional <logins>",
                more: """
                    pki mail cert "\(certificates.path("mail.pem"))"
                    pki mail key "\(certificates.path("mail.key"))"
                    table logins { alice = "$5$x$y" }
                    filter f proc-exec "@DIR@/filter"

                    """)
            try server.scratch.write("filter", Self.python("if phase == 'auth': return 'rewrite|' + parameters[0]"), mode: 0o755)
            try await server.start()
            try await server.eventually("the program") { (server.scratch.text("heard") ?? "").contains("config|ready") }
            #expect(try server.control("trace", "filter").output == "command succeeded\n")
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: hidden\r\n\r\nhidden\r\n").code == 250)
            client.close()
            let secret = "AGFsaWNlAHNlY3JldA=="
            _ = try openssl(
                ["s_client", "-connect", "127.0.0.1:\(server.port)", "-starttls", "smtp", "-crlf", "-quiet"],
                input: "EHLO x\nAUTH PLAIN \(secret)\nQUIT\n", failing: true)
            try await server.eventually("the answer about AUTH") { server.log.contains("rewrite|PLAIN") }
            let told = server.log.split(separator: "\n").filter { $0.contains("filters: ") }.map(String.init)
            #expect(told.contains { $0.contains("f >>> filter|0.7|") && $0.contains("|smtp-in|mail-from|") && $0.hasSuffix("|ada@client.example") }, "\(told)")
            #expect(told.contains { $0.contains("f <<< filter-result|") && $0.hasSuffix("|proceed") })
            #expect(told.contains { $0.contains("f >>> report|0.7|") && $0.contains("|link-connect|") })
            #expect(told.contains { $0.contains("f >>> content of ") } && told.contains { $0.contains("f <<< content of ") }, "\(told)")
            #expect(!told.contains { $0.contains("hidden") || $0.contains(secret) }, "\(told)")
            #expect(told.contains { $0.contains("|auth|") && $0.hasSuffix("|PLAIN ********") }, "\(told)")
            #expect(told.contains { $0.hasSuffix("|rewrite|PLAIN ********") }, "\(told)")
        }

        // MARK: Built-in

        @Test func `a program that was written for an older protocol gets its order of fields`() async throws {
            let server = try Self.server(Self.python("pass"), options: "protocol 0.5")
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "a@client.example", to: ["alice@test.example"], "Subject: s\r\n\r\nx").code == 250)
            let lines = heard(server)
            #expect(lines.contains("config|protocol|0.5"))
            #expect(lines.contains { $0.hasPrefix("report|0.5|") && $0.contains("|tx-mail|") && $0.hasSuffix("|a@client.example|ok") })
            #expect(lines.contains { $0.contains("|tx-rcpt|") && $0.hasSuffix("|alice@test.example|ok") })
            #expect(lines.contains { $0.hasPrefix("filter|0.5|") && $0.contains("|mail-from|") })
        }

        @Test func `built-in filters refuse, mark, rewrite and pass over, in the order of their chain`() async throws {
            let server = try Server.standard(
                listener: "filter { names, vip, guesses, spam, old }",
                more: """
                    table bad { "evil.example", "*.evil.example" }
                    filter names phase ehlo match helo <bad> reject "550 5.7.1 not you"
                    filter vip phase rcpt-to match mail-from { "vip@client.example" } bypass
                    filter guesses phase rcpt-to match !rcpt-to regex { "^(alice|bob)@" } reject "550 5.1.1 no guessing"
                    filter spam phase mail-from match src { 127.0.0.0/8 } mail-from { "spam@client.example" } junk
                    filter old phase mail-from match mail-from { "old@client.example" } rewrite "<new@client.example>"

                    """)
            try await server.start()
            let client = try server.client()
            _ = try client.reply()
            #expect(try client.command("EHLO a.evil.example").text == "550 5.7.1 not you")
            #expect(try client.command("EHLO client.example").code == 250)
            #expect(try client.command("MAIL FROM:<spam@client.example>").code == 250)
            #expect(try client.command("RCPT TO:<carol@test.example>").text == "550 5.1.1 no guessing")
            #expect(try client.command("RCPT TO:<alice@test.example>").code == 250)
            #expect(try client.command("DATA").code == 354)
            #expect(try client.command("Subject: s\r\n\r\nx\r\n.").code == 250)
            #expect(try client.command("MAIL FROM:<vip@client.example>").code == 250)
            #expect(try client.command("RCPT TO:<carol@test.example>").code == 250)
            #expect(try client.command("RSET").code == 250)
            #expect(try client.deliver(from: "old@client.example", to: ["bob@test.example"], "Subject: t\r\n\r\nx").code == 250)
            try await server.eventually("both") { server.mailCount(of: "alice") == 1 && server.mailCount(of: "bob") == 1 }
            #expect(server.mail(of: "alice")[0].contains("\nX-Spam: Yes\nReceived: "))
            #expect(server.mail(of: "bob")[0].hasPrefix("Return-Path: <new@client.example>\n"))
            #expect(!server.mail(of: "bob")[0].contains("X-Spam"))
        }

        @Test func `junk goes into the folder of junk, and a refused connection hears why`() async throws {
            let server = try Server.standard(
                action: "maildir junk", listener: "filter f", more: "filter f phase connect match src { 127.0.0.1 } junk\n")
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "a@client.example", to: ["alice@test.example"], "Subject: s\r\n\r\nx").code == 250)
            try await server.eventually("the folder") { server.scratch.count(in: "home/alice/Maildir/.Junk") == 1 }
            // A reload changes what new sessions pass, and not the old one.
            try server.configure(
                server.standardConfiguration(
                    listener: "filter f", more: "filter f phase connect match src { 127.0.0.1 } disconnect \"554 5.7.1 closed\"\n"))
            #expect(try server.control("reload").code == 0)
            let other = try server.client()
            #expect(try other.reply().text == "554 5.7.1 closed")
            #expect(other.isClosed())
            #expect(try client.command("NOOP").code == 250)
        }

        // MARK: Programs

        @Test func `a program is asked in each phase, told of each event, and changes content`() async throws {
            let server = try Self.server(
                Self.python(
                    """
                    if phase == "rcpt-to" and parameters[0].startswith("carol"): return "reject|550 5.1.1 not her"
                    if phase == "mail-from" and parameters[0].startswith("bad"): return "disconnect|550 5.7.1 go"
                    if phase == "mail-from": return "rewrite|<new@client.example>"
                    """,
                    content: """
                        if line == "secret": return
                        yield line
                        if line.startswith("Subject:"): yield "X-Filtered: yes"
                        """))
            try await server.start()
            let client = try server.client()
            try client.greet()
            // Pipelined.
            try client.send(
                "MAIL FROM:<old@client.example> SIZE=100\r\nRCPT TO:<carol@test.example>\r\nRCPT TO:<alice@test.example>\r\nDATA\r\n")
            #expect(try (0..<4).map { _ in try client.reply().code } == [250, 550, 250, 354])
            #expect(try client.command("Subject: s\r\n\r\nsecret\r\n..dot\r\n..\r\nend\r\n.").code == 250)
            #expect(try client.command("MAIL FROM:<bad@client.example>").text == "550 5.7.1 go")
            #expect(client.isClosed())
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            let mail = server.mail(of: "alice")[0]
            #expect(mail.hasPrefix("Return-Path: <new@client.example>\n"))
            #expect(mail.contains("\nSubject: s\nX-Filtered: yes\n"))
            #expect(mail.hasSuffix("\n\n.dot\n.\nend\n"))
            try await server.eventually("the last event") { heard(server).last?.contains("link-disconnect") == true }
            let events = heard(server).filter { $0.hasPrefix("report|") }.map { $0.split(separator: "|")[4] }
            var order = events.filter { !$0.hasPrefix("protocol-") && !$0.hasPrefix("filter-") && $0 != "tx-envelope" }
            #expect(
                order == [
                    "link-connect", "link-greeting", "link-identify", "tx-begin", "tx-mail", "tx-rcpt", "tx-data", "tx-commit",
                    "tx-reset", "link-disconnect",
                ])
            order = heard(server).filter { $0.hasPrefix("filter|") && !$0.contains("|data-line|") }.map { $0.split(separator: "|")[4] }
            #expect(order == ["connect", "ehlo", "mail-from", "rcpt-to", "rcpt-to", "data", "commit", "mail-from"])
        }

        @Test func `stored envelopes are named, and what the server refuses is told`() async throws {
            let server = try Self.server(Self.python("pass"))
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.command("MAIL FROM:<big@client.example> SIZE=99999999999").code == 552)
            #expect(try client.command("MAIL FROM:<ada@client.example>").code == 250)
            #expect(try client.command("RCPT TO:<nobody@elsewhere.example>").code == 550)
            #expect(try client.command("RCPT TO:<alice@test.example>").code == 250)
            #expect(try client.command("RCPT TO:<bob@test.example>").code == 250)
            #expect(try client.command("DATA").code == 354)
            #expect(try client.command("Subject: s\r\n\r\nx\r\n.").code == 250)
            try await server.eventually("the end") { heard(server).contains { $0.contains("|tx-reset|") } }
            var told: [[String]] = []
            for line in heard(server) where line.hasPrefix("report|") && line.contains("|tx-") {
                // The event, and what follows the session.
                var fields: [String] = line.split(separator: "|").map { String($0) }
                fields.removeSubrange(0..<4)
                fields.remove(at: 1)
                told.append(fields)
            }
            let message = try #require(told.first { $0[0] == "tx-begin" })[1]
            #expect(message.utf8.count == 8)
            let envelopes = told.filter { $0[0] == "tx-envelope" }
            #expect(envelopes.count == 2)
            #expect(envelopes.allSatisfy { $0[1] == message && $0[2].utf8.count == 16 && $0[2].hasPrefix(message) })
            #expect(Set(envelopes.map { $0[2] }).count == 2)
            var others: [String] = []
            for fields in told where fields[0] != "tx-envelope" {
                let line = fields[0] == "tx-commit" ? fields[0] : fields.joined(separator: " ")
                others.append(line.replacing(message, with: "ID"))
            }
            #expect(
                others == [
                    "tx-mail 00000000 permfail big@client.example", "tx-begin ID", "tx-mail ID ok ada@client.example",
                    "tx-rcpt ID permfail nobody@elsewhere.example", "tx-rcpt ID ok alice@test.example",
                    "tx-rcpt ID ok bob@test.example", "tx-data ID ok", "tx-commit", "tx-reset ID",
                ])
        }

        @Test func `a message for many recipients has each of its envelopes named`() async throws {
            let server = try Self.server(Self.python("pass", phases: ["commit"]))
            try await server.start()
            let client = try server.client(timeout: 60)
            try client.greet()
            let recipients = (0..<300).map { "alice+\($0)@test.example" }
            #expect(try client.deliver(from: "a@client.example", to: recipients, "Subject: s\r\n\r\nx").code == 250)
            try await server.eventually("the names") { heard(server).contains { $0.contains("|tx-reset|") } }
            var names: Set<Substring> = []
            for line in heard(server) where line.contains("|tx-envelope|") {
                if let name = line.split(separator: "|").last { names.insert(name) }
            }
            #expect(names.count == 300)
        }

        @Test(arguments: ["no-executables.sh", "add-header.pl", "greet-pause.py"])
        func `an example of the manual works`(_ name: String) async throws {
            let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
            let script = String(decoding: try Files.read("\(root)/packaging/examples/filters/\(name)", limit: 1 << 16), as: UTF8.self)
            let server = try Self.server(script)
            try await server.start()
            let client = try server.client()
            try client.greet()
            let plain = "Subject: s\r\n\r\nhello\\nthere  x\r\n\r\n"
            #expect(try client.deliver(from: "a@client.example", to: ["alice@test.example"], plain).code == 250)
            let program = "Subject: s\r\nContent-Type: application/octet-stream; name=x.exe\r\n\r\nMZ\r\n"
            let reply = try client.deliver(from: "a@client.example", to: ["bob@test.example"], program)
            #expect(reply.code == (name.hasSuffix(".sh") ? 550 : 250), "\(reply)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            let mail = server.mail(of: "alice")[0]
            #expect(mail.hasSuffix("\n\nhello\\nthere  x\n\n"))
            if name.hasSuffix(".pl") { #expect(mail.contains("\nX-Client: 127.0.0.1:")) }
            #expect(!server.log.contains("filter f: "), "\(server.log)")
        }

        @Test func `local mail passes the filter of the socket`() async throws {
            let server = try Self.server(
                Self.python("if phase == 'connect' and parameters[1] != 'local': return 'reject|550 who'"), listener: "",
                more: "")
            try server.configure(
                server.standardConfiguration(more: "filter f proc-exec \"@DIR@/filter\"\nlisten on socket filter f\n"))
            try await server.start()
            let run = try server.sendmail("-f", "ada@client.example", "alice@test.example", input: "Subject: local\n\nx\n")
            #expect(run.code == 0, "\(run)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(heard(server).contains { $0.contains("|link-connect|") && $0.contains("|unix:") })
        }

        @Test func `TLS and authentication are told, without the password`() async throws {
            let certificates = try TestCertificates.shared.get()
            let server = try Self.server(
                Self.python("pass"), listener: "tls pki mail auth <plain> filter f",
                more: """
                    pki mail cert "\(certificates.path("mail.pem"))"
                    pki mail key "\(certificates.path("mail.key"))"
                    table plain { "ada" = "{PLAIN}secret" }

                    """)
            try await server.start()
            let run = try Programs.run(
                "/usr/bin/swaks",
                [
                    "--server", "127.0.0.1:\(server.port)", "--to", "alice@test.example", "--from", "ada@client.example", "--tls",
                    "--auth", "PLAIN", "--auth-user", "ada", "--auth-password", "secret",
                ], environment: [], identity: nil)
            #expect(run.code == 0, "\(run)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            let lines = heard(server)
            #expect(lines.contains { $0.contains("|link-tls|") && $0.contains("|TLSv1.") })
            #expect(lines.contains { $0.contains("|link-auth|") && $0.hasSuffix("|pass|ada") })
            #expect(lines.contains { $0.contains("|protocol-client|") && $0.hasSuffix("|AUTH PLAIN ********") })
            #expect(lines.contains { $0.contains("|starttls|") } && lines.contains { $0.contains("|auth|") })
        }

        @Test func `a session on TLS from the first octet passes its filters, with its user`() async throws {
            let certificates = try TestCertificates.shared.get()
            let server = try Self.server(
                Self.python(
                    "if phase == 'connect' and parameters[1] != '127.0.0.1': return 'reject|550 who'",
                    content: "yield line.replace('plain', 'filtered')"),
                listener: "smtps pki mail auth <plain> filter { f, own }",
                more: """
                    pki mail cert "\(certificates.path("mail.pem"))"
                    pki mail key "\(certificates.path("mail.key"))"
                    table plain { "ada" = "{PLAIN}secret" }
                    filter own phase mail-from match !auth reject "550 5.7.1 log in"

                    """)
            try await server.start()
            let run = try Programs.run(
                "/usr/bin/swaks",
                [
                    "--server", "127.0.0.1:\(server.port)", "--to", "alice@test.example", "--from", "ada@client.example",
                    "--tls-on-connect", "--auth", "LOGIN", "--auth-user", "ada", "--auth-password", "secret", "--body", "plain text",
                ], environment: [], identity: nil)
            #expect(run.code == 0, "\(run)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(server.mail(of: "alice")[0].contains("filtered text"))
            try await server.eventually("the end") { heard(server).last?.contains("|link-disconnect|") == true }
            let events = heard(server).filter { $0.hasPrefix("report|") }.map { $0.split(separator: "|")[4] }
            #expect(
                events.filter { $0.hasPrefix("link-") }
                    == ["link-connect", "link-tls", "link-greeting", "link-identify", "link-auth", "link-disconnect"])
            #expect(heard(server).contains { $0.contains("|link-auth|") && $0.hasSuffix("|pass|ada") })
            #expect(!heard(server).contains { $0.contains("c2VjcmV0") && !$0.contains("|auth|") })
        }

        @Test func `sessions with other servers are reported to the filter of the relay action`() async throws {
            let target = try Server.standard()
            try await target.start()
            let server = try Server { server in
                """
                filter f proc-exec "\(server.scratch.path)/filter"
                listen on 127.0.0.1 port \(server.port) hostname "relay.test.example"
                action "out" relay helo "relay.test.example" host "smtp://127.0.0.1:\(target.port)" filter f
                match from any for any action "out"
                """
            }
            try server.scratch.write(
                "filter",
                Self.python("pass").replacing("register|report|smtp-in|*", with: "register|report|smtp-out|*"), mode: 0o755)
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(
                try client.deliver(from: "a@client.example", to: ["alice@test.example", "nobody@test.example"], "Subject: s\r\n\r\nx").code == 250)
            try await target.eventually("the message") { target.mailCount(of: "alice") == 1 }
            try await server.eventually("the events") { heard(server).contains { $0.contains("|tx-commit|") } }
            let lines = heard(server)
            #expect(lines.contains("config|subsystem|smtp-out") && !lines.contains("config|subsystem|smtp-in"))
            #expect(lines.allSatisfy { !$0.hasPrefix("report|") || $0.contains("|smtp-out|") })
            let connection = try #require(lines.first { $0.contains("|link-connect|") }).split(separator: "|")
            #expect(connection[6] == "localhost" && connection[7] == "pass")
            #expect(connection[8].hasPrefix("127.0.0.1:") && connection[8] != "127.0.0.1:0")
            #expect(connection[9] == "127.0.0.1:\(target.port)")
            for name in ["link-connect", "link-greeting", "link-identify", "tx-begin", "tx-mail", "tx-rcpt", "tx-commit", "protocol-client"] {
                #expect(lines.contains { $0.contains("|smtp-out|\(name)|") }, "\(name)")
            }
            // As the server said it, whether or not the commands went out with the message.
            for end in ["|ok|a@client.example", "|ok|alice@test.example", "|permfail|nobody@test.example"] {
                #expect(lines.contains { $0.contains("|smtp-out|tx-") && $0.hasSuffix(end) }, "\(end): \(lines)")
            }
            #expect(lines.contains { $0.contains("|protocol-client|") && $0.contains("|RCPT TO:<alice@test.example>") }, "\(lines)")
        }

        @Test func `a message of twenty megabytes passes in flat memory`() async throws {
            let server = try Self.server(
                """
                #!/usr/bin/env python3
                import sys
                print("register|filter|smtp-in|data-line\\nregister|ready", flush=True)
                for line in sys.stdin.buffer:
                    if line.startswith(b"filter|"):
                        fields = line.split(b"|", 7)
                        sys.stdout.buffer.write(b"filter-dataline|" + fields[5] + b"|" + fields[6] + b"|" + fields[7])
                        if fields[7] == b".\\n": sys.stdout.buffer.flush()

                """)
            try await server.start()
            let dispatcher = try #require(server.processesByRole["dispatcher"]).id
            let before = try #require(Int(ProcessTable.status(dispatcher, "VmHWM")?.split(separator: " ").first ?? ""))
            let client = try server.client(timeout: 120)
            try client.greet()
            let lines = String(repeating: String(repeating: "x", count: 78) + "\r\n", count: 250_000)
            #expect(try client.deliver(from: "a@client.example", to: ["alice@test.example"], "Subject: s\r\n\r\n" + lines).code == 250)
            let after = try #require(Int(ProcessTable.status(dispatcher, "VmHWM")?.split(separator: " ").first ?? ""))
            #expect(after - before < 12_000, "kilobytes more: \(after - before)")
            try await server.eventually("the message", within: 60) { server.mailCount(of: "alice") == 1 }
        }

        @Test func `a reload leaves a program alone whose statement is the same, and replaces another`() async throws {
            let server = try Self.server(Self.python("pass"))
            try await server.start()
            #expect(try server.control("reload").code == 0)
            #expect(server.log.split(separator: "\n").filter { $0.contains("filter f started") }.count == 1)
            let client = try server.client()
            try client.greet()
            try server.configure(
                server.standardConfiguration(listener: "filter f", more: "filter f proc-exec \"@DIR@/filter\" timeout 77s\n"))
            #expect(try server.control("reload").code == 0)
            try await server.eventually("the second start") { server.log.split(separator: "\n").filter { $0.contains("filter f started") }.count == 2 }
            // The old session still has its program.
            #expect(try client.command("MAIL FROM:<a@client.example>").code == 250)
            #expect(try client.command("QUIT").code == 221)
            #expect(!server.log.contains("filter f: "))
            #expect(try await server.stop() == .exited(0))
        }
    }
}
