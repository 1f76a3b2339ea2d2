import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Tables that programs answer (table(5))") struct TableProgramTests {
        private static let user = OrdinaryUser.current
        /// Of the password `secret`.
        private static let yescrypt = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$GmcwIgvdUC9qLWcKCi6gklUa1dM3ziD43YxYNURLKy0"

        /// A server whose users, addresses and passwords a program has.
        private func server(type: String, script: String, cache: String = "", service: String = "credentials") throws -> Server {
            try TablePrograms.install(type, script)
            let certificates = try TestCertificates.shared.get()
            let server = try Server { server in
                """
                table domains { "test.example" }
                table people \(type):\(server.scratch.path)/people \(cache)
                pki mail cert "\(certificates.path("mail.pem"))"
                pki mail key "\(certificates.path("mail.key"))"
                listen on 127.0.0.1 port \(server.port) hostname "mx.test.example" tls pki mail auth-optional <people>
                action "deliver" maildir userbase <people> virtual <people>
                match from any for domain <domains> action "deliver"

                """
            }
            try server.scratch.makeDirectory("home")
            try server.scratch.makeDirectory("home/ada", mode: 0o700)
            var lines = [
                "userinfo ada \(Self.user.uid):\(Self.user.gid):\(server.scratch.path)/home/ada",
                "alias first.last@test.example ada", "alias postmaster@test.example ada",
            ]
            lines.append(service == "auth" ? "auth ada:secret 1" : "credentials ada ada:\(Self.yescrypt)")
            try server.scratch.write("people", lines.joined(separator: "\n") + "\n")
            return server
        }

        private func rcpt(_ server: Server, _ address: String) throws -> Int {
            let client = try server.client()
            defer { client.close() }
            try client.greet()
            _ = try client.command("MAIL FROM:<x@client.example>")
            return try client.command("RCPT TO:<\(address)>").code
        }

        private func deliver(_ server: Server) async throws {
            let before = server.mailCount(of: "ada")
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "x@client.example", to: ["first.last@test.example"], "Subject: s\r\n\r\nb\r\n").code == 250)
            client.close()
            try await server.eventually("the message") { server.mailCount(of: "ada") == before + 1 }
        }

        private func login(_ server: Server, password: String) throws -> CInt {
            try Programs.run(
                "/usr/bin/swaks",
                [
                    "--server", "127.0.0.1:\(server.port)", "--to", "postmaster@test.example", "--from", "a@test.example", "--tls",
                    "--auth", "PLAIN", "--auth-user", "ada", "--auth-password", password, "--quit-after", "RCPT",
                ], environment: [], identity: nil
            ).code
        }

        private func program(_ server: Server, _ type: String) -> ProcessTable.Entry? {
            server.processes.first { $0.title.contains("/table-\(type)") || $0.title.hasPrefix("people ") }
        }

        @Test(arguments: [("lines", TablePrograms.lines), ("frames", TablePrograms.frames)])
        func `userinfo, virtual and credentials of a program, in either protocol`(_ name: String, _ script: String) async throws {
            let type = "all-\(name)"
            let server = try server(type: type, script: script)
            try await server.start()
            try await deliver(server)
            #expect(try rcpt(server, "nobody@test.example") == 550)
            #expect(try login(server, password: "secret") == 0, "\(server.log)")
            #expect(try login(server, password: "wrong") != 0)
            #expect(server.log.contains("before 7.6") == (name == "frames"))
            let entry = try #require(program(server, type))
            #expect(entry.title.hasSuffix("\(server.scratch.path)/people"))
            // What is in the file counts once the program was told.
            try server.scratch.write("people", try #require(server.scratch.text("people")) + "alias new@test.example ada\n")
            let update = try server.control("update", "table", "people")
            #expect(update.code == 0, "\(update)")
            if name == "lines" { #expect(try rcpt(server, "new@test.example") == 250) }
            try await server.stop()
            #expect(!ProcessTable.isAlive(entry))
        }

        @Test func `a program that dies in the middle is a temporary failure, and comes back`() async throws {
            let server = try server(type: "dies", script: TablePrograms.lines)
            try await server.start()
            try await deliver(server)
            #expect(try rcpt(server, "die@test.example") == 451)
            try await server.eventually("the program again", within: 90) { try rcpt(server, "first.last@test.example") == 250 }
            try await server.eventually("its end in the log") { server.log.contains("its program ended: exit status 3") }
            let first = try #require(program(server, "dies"))
            try ChildProcess.signal(first.id, SIGKILL)
            try await server.eventually("another process", within: 90) { if let now = program(server, "dies") { now.id != first.id } else { false } }
            try await server.eventually("the program again", within: 90) { try rcpt(server, "first.last@test.example") == 250 }
            try await deliver(server)
        }

        @Test func `the end of one that hung up before is told with its status`() async throws {
            let server = try server(type: "leaves", script: TablePrograms.lines)
            try await server.start()
            #expect(try rcpt(server, "leave@test.example") == 451)
            try await server.eventually("its end in the log") { server.log.contains("its program ended: exit status 4") }
        }

        @Test(arguments: ["nonsense", "flood", "fail"])
        func `one that talks nonsense, floods, or reports an error never says no`(_ word: String) async throws {
            let server = try server(type: "wrong", script: TablePrograms.lines)
            try await server.start()
            #expect(try rcpt(server, "\(word)@test.example") == 451)
            try await server.eventually("the program") { try rcpt(server, "first.last@test.example") == 250 }
            if word != "fail" { #expect(server.log.contains("talks nonsense")) }
            #expect(try rcpt(server, "nobody@test.example") == 550)
        }

        @Test func `noise on standard error is cut, and nobody else waits for it`() async throws {
            let server = try server(type: "noisy", script: TablePrograms.lines)
            try await server.start()
            let client = try server.client()
            try client.greet()
            _ = try client.command("MAIL FROM:<x@client.example>")
            try client.send("RCPT TO:<noise@test.example>\r\n")
            try await server.eventually("noise") { server.log.contains("noise 1") }
            // Alone by the system's users and the parent, which reads the noise.
            #expect(try server.control("show", "stats").code == 0)
            #expect(server.log.split(separator: "\n").count { $0.contains("noise") } < 20_000)
        }

        @Test func `auth of a program goes before credentials, and its log has no password`() async throws {
            let server = try server(type: "auth", script: TablePrograms.lines, service: "auth")
            try await server.start(["-T", "lookup"])
            #expect(try login(server, password: "secret") == 0, "\(server.log)")
            #expect(try login(server, password: "wrong") != 0)
            #expect(!server.log.contains("ada:secret") && !server.log.contains("ada:wrong"))
        }

        @Test func `answers are used again when that was asked for`() async throws {
            let server = try server(type: "cached", script: TablePrograms.lines, cache: "cache 1h")
            try await server.start()
            for _ in 0..<3 { #expect(try rcpt(server, "first.last@test.example") == 250) }
            let question = "asked for lookup of first.last@test.example"
            #expect(server.log.split(separator: "\n").count { $0.contains(question) } == 1)
            #expect(try server.control("update", "table", "people").code == 0)
            #expect(try rcpt(server, "first.last@test.example") == 250)
            #expect(server.log.split(separator: "\n").count { $0.contains(question) } == 2)
        }

        @Test func `a table whose program is not installed is refused with the places`() async throws {
            let server = try Server { _ in "table a nosuch:/x\nmatch from any for any reject\n" }
            try server.launch()
            #expect(try await server.ended() == .exited(1))
            #expect(server.log.contains("no backend `nosuch` for table a: no program table-nosuch in \(Programs.directory)"))
        }

        @Test func `a reload ends programs that are gone from the configuration and starts new ones`() async throws {
            let server = try server(type: "reloaded", script: TablePrograms.lines)
            try await server.start()
            try await deliver(server)
            let first = try #require(program(server, "reloaded"))
            #expect(try server.control("reload").code == 0, "\(server.log)")
            #expect(program(server, "reloaded")?.id == first.id)
            let text = try #require(server.scratch.text("smtpd.conf"))
            try server.configure(text.replacing("/people", with: "/others"))
            try server.scratch.write("others", try #require(server.scratch.text("people")))
            #expect(try server.control("reload").code == 0, "\(server.log)")
            try await server.eventually("the end of the first") { !ProcessTable.isAlive(first) }
            try await deliver(server)
        }
    }

    @Suite("Tables in files that change (table(5))") struct ChangingTableTests {
        @Test func `a passwd file has users and their passwords`() async throws {
            let user = OrdinaryUser.current
            let server = try Server { server in
                """
                table people passwd:\(server.scratch.path)/passwd
                listen on 127.0.0.1 port \(server.port) hostname "mx.test.example"
                action "deliver" maildir userbase <people>
                match from any for domain "test.example" action "deliver"

                """
            }
            try server.scratch.makeDirectory("home")
            try server.scratch.makeDirectory("home/ada", mode: 0o700)
            try server.scratch.write("passwd", "ada:{PLAIN}x:\(user.uid):\(user.gid)::\(server.scratch.path)/home/ada::userdb_mail=x\n")
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "x@client.example", to: ["ada@test.example"], "Subject: s\r\n\r\nb\r\n").code == 250)
            try await server.eventually("the message") { server.mailCount(of: "ada") == 1 }
        }

        @Test func `a file and a database are read again when they have changed`() async throws {
            let server = try Server { server in
                let entries = Server.users.map { "\($0) = \"\(OrdinaryUser.current.uid):\(OrdinaryUser.current.gid):\(server.scratch.path)/home/\($0)\"" }
                return """
                    table users { \(entries.joined(separator: ", ")) }
                    table domains file:\(server.scratch.path)/domains
                    table aliases db:\(server.scratch.path)/aliases.db
                    listen on 127.0.0.1 port \(server.port) hostname "mx.test.example"
                    action "deliver" maildir userbase <users> alias <aliases>
                    match from any for domain <domains> action "deliver"

                    """
            }
            func rcpt(_ address: String) throws -> Int {
                let client = try server.client()
                defer { client.close() }
                try client.greet()
                _ = try client.command("MAIL FROM:<x@client.example>")
                return try client.command("RCPT TO:<\(address)>").code
            }
            func makeMap(_ text: String) throws {
                try server.scratch.write("aliases", text)
                let run = try Programs.run(
                    "makemap", ["-t", "aliases", server.scratch.path + "/aliases"], environment: [],
                    identity: OrdinaryUser.current.identity)
                #expect(run.code == 0, "\(run)")
            }
            try server.scratch.write("domains", "test.example\n")
            try makeMap("first: alice\n")
            try await server.start()
            #expect(try rcpt("first@test.example") == 250)
            #expect(try rcpt("second@test.example") == 550)
            try makeMap("second: alice\n")
            #expect(try rcpt("second@test.example") == 250)
            #expect(try rcpt("alice@other.example") == 550)
            // newaliases finds the table in the configuration, and makes the database of its file.
            try server.scratch.write("aliases", "third: alice\n")
            let newaliases = try Programs.run(
                "newaliases", ["-f", server.scratch.path + "/smtpd.conf"], environment: server.environment,
                identity: OrdinaryUser.current.identity)
            #expect(newaliases.code == 0, "\(newaliases)")
            #expect(newaliases.output.hasPrefix("\(server.scratch.path)/aliases: 1 aliases\n"))
            #expect(try rcpt("third@test.example") == 250)
            try server.scratch.write("domains", "test.example\nother.example\n")
            try await server.eventually("the new domain") { try rcpt("alice@other.example") == 250 }
        }
    }
}
