import Glibc
import Platform
import ServerTesting
import Testing

/// Tests that need all of the server, one after the other.
@Suite(.serialized) enum WholeServer {}

extension WholeServer {
    @Suite("The seven processes") struct ProcessTests {
        @Test func `are one program under seven titles, each with one thread, under load and after a reload`() async throws {
            let server = try Server.standard()
            try await server.start()
            let roles = server.processesByRole
            #expect(Set(roles.keys) == Set(Server.roles))
            let parent = try #require(roles["[priv]"])
            #expect(parent.id == server.process)
            for (name, role) in roles where name != "[priv]" { #expect(role.parent == parent.id, "\(name)") }
            let programs = Set(roles.values.map { ProcessTests.program(of: $0.id) })
            #expect(programs.count == 1, "\(programs)")

            let port = server.port
            let stop = Flag()
            let accepted = Shared(0)
            let clients = (0..<4).map { _ in TestThread { Load.run(port: port, until: stop) { _ in accepted.with { $0 += 1 } } } }
            try await server.eventually("some load") { accepted.current > 20 }
            ProcessTests.expectOneThread(server)
            #expect(try server.control("reload").code == 0)
            let before = accepted.current
            try await server.eventually("load after the reload") { accepted.current > before + 20 }
            ProcessTests.expectOneThread(server)
            stop.set()
            for client in clients { try await client.finished() }
            #expect(server.processesByRole == roles, "no process was replaced")
            try await server.drained()
            #expect(server.mailCount(of: "alice") == accepted.current)
        }

        static func expectOneThread(_ server: Server) {
            let roles = server.processesByRole
            #expect(roles.count == 7)
            for (name, role) in roles { #expect(ProcessTable.threadCount(role.id) == 1, "threads of \(name)") }
        }

        private static func program(of process: pid_t) -> String {
            // Readable for whoever may debug the process: its user, or root.
            var room = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/\(process)/exe", &room, room.count)
            return count < 0 ? "unreadable" : String(decoding: room.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        @Test(arguments: Server.roles.filter { $0 != "[priv]" })
        func `the end of one is the end of all, said in the log`(_ role: String) async throws {
            let server = try Server.standard()
            try await server.start()
            let all = server.processes
            let victim = try #require(server.processesByRole[role])
            kill(victim.id, SIGKILL)
            let status = try await server.ended(within: 5)
            #expect(!status.isSuccess)
            #expect(server.log.contains("\(role) process ended: signal 9; smtpd stops"), "\(server.log)")
            for entry in all { #expect(!ProcessTable.isAlive(entry), "\(entry.title) is left") }
        }

        @Test func `without their parent they end`() async throws {
            let server = try Server.standard()
            try await server.start()
            let all = server.processes
            kill(try #require(server.process), SIGKILL)
            _ = try await server.ended(within: 5)
            try await server.eventually("the end of all roles", within: 5) { !all.contains(where: ProcessTable.isAlive) }
            // And another daemon can start in their place.
            try await server.start()
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a second daemon in the same place is refused and the first goes on`() async throws {
            let server = try Server.standard()
            try await server.start()
            let second = try Programs.run(
                "smtpd", ["-d", "-f", server.scratch.path + "/smtpd.conf"], environment: server.environment,
                identity: OrdinaryUser.current.identity)
            #expect(second.code == 1)
            #expect(second.error.contains("running"), "\(second.error)")
            #expect(try server.control("show", "status").code == 0)
        }
    }

    @Suite("SIGTERM") struct TerminationTests {
        @Test func `stops cleanly, leaves no process and loses nothing`() async throws {
            let server = try Server.standard()
            let acknowledged = Shared<[String]>([])
            for _ in 0..<3 {
                try await server.start()
                let port = server.port
                let stop = Flag()
                let clients = (0..<4).map { _ in
                    TestThread { Load.run(port: port, until: stop) { id in acknowledged.with { $0.append(id) } } }
                }
                let before = acknowledged.current.count
                try await server.eventually("some load") { acknowledged.current.count > before + 30 }
                let all = server.processes
                #expect(try await server.stop() == .exited(0), "\(server.log)")
                stop.set()
                for client in clients { try await client.finished() }
                try await server.eventually("the end of all processes", within: 5) { !all.contains(where: ProcessTable.isAlive) }
                #expect(try Files.status(server.scratch.path + "/spool/smtpd.sock") == nil)
                #expect(try Files.status(server.scratch.path + "/spool/smtpd.pid") == nil)
                #expect(!server.log.contains("killed"), "\(server.log)")
            }
            try await server.start()
            try await server.drained()
            #expect(Load.identifiers(in: server.mail(of: "alice")).sorted() == acknowledged.current.sorted())
        }

        @Test func `an idle session hears 421`() async throws {
            let server = try Server.standard()
            try await server.start()
            let client = try server.client()
            try client.greet()
            kill(try #require(server.process), SIGTERM)
            #expect(try client.reply().code == 421)
            #expect(client.isClosed())
            #expect(try await server.ended() == .exited(0))
        }

        @Test func `smtpctl stop does the same`() async throws {
            let server = try Server.standard()
            try await server.start()
            let run = try server.control("stop")
            #expect(run.code == 0, "\(run.error)")
            #expect(try await server.ended() == .exited(0))
            let after = try server.control("stop")
            #expect(after.code == 1)
            #expect(after.error.contains("smtpd doesn't seem to be running"))
        }
    }

    @Suite("Reading the configuration again") struct ReloadTests {
        @Test func `SIGHUP and smtpctl reload keep open sessions and change what comes after`() async throws {
            let server = try Server.standard()
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.command("MAIL FROM:<ada@client.example>").code == 250)
            #expect(try client.command("RCPT TO:<alice@test.example>").code == 250)
            #expect(try client.command("RCPT TO:<new@test.example>").code == 550)

            try server.configure(server.standardConfiguration(aliases: ["new = \"bob\""]))
            #expect(try server.control("reload").output == "command succeeded\n")
            #expect(try client.command("RCPT TO:<new@test.example>").code == 250)
            #expect(try client.command("DATA").code == 354)
            #expect(try client.command("Subject: s\r\n\r\nx\r\n.").code == 250)
            try await server.eventually("both messages") { server.mailCount(of: "alice") == 1 && server.mailCount(of: "bob") == 1 }

            let other = try Server.freePort()
            try server.configure(
                server.standardConfiguration(aliases: ["newer = \"carol\""], more: "listen on 127.0.0.1 port \(other)"))
            kill(try #require(server.process), SIGHUP)
            try await server.eventually("the new listener") { (try? SMTPClient(port: other)) != nil }
            #expect(try client.command("MAIL FROM:<ada@client.example>").code == 250)
            #expect(try client.command("RCPT TO:<newer@test.example>").code == 250)
            let second = try SMTPClient(port: other)
            #expect(try second.greet().code == 250)

            // A listener that is gone from the configuration is gone, its sessions are not.
            try server.configure(server.standardConfiguration())
            #expect(try server.control("reload").code == 0)
            try await server.eventually("its end") { (try? SMTPClient(port: other, timeout: 2)) == nil }
            #expect(try second.command("NOOP").code == 250)
        }

        @Test func `again and again under load disturbs no session`() async throws {
            let server = try Server.standard()
            try await server.start()
            let port = server.port
            let stop = Flag()
            let (accepted, broken) = (Shared(0), Shared(0))
            let clients = (0..<4).map { _ in
                TestThread {
                    if !Load.run(port: port, until: stop, acknowledged: { _ in accepted.with { $0 += 1 } }) { broken.with { $0 += 1 } }
                }
            }
            for round in 0..<30 {
                try server.configure(server.standardConfiguration(aliases: ["round\(round) = \"bob\""], more: "listen on 127.0.0.2 port \(port)"))
                #expect(try server.control("reload").code == 0)
            }
            stop.set()
            for client in clients { try await client.finished() }
            #expect(broken.current == 0, "sessions that ended without being told to")
            try await server.drained()
            #expect(server.mailCount(of: "alice") == accepted.current)
        }

        @Test func `a bad configuration changes nothing and says why`() async throws {
            let server = try Server.standard()
            try await server.start()
            let client = try server.client()
            try client.greet()
            try server.configure("listen on 127.0.0.1 port \(server.port)\nmatch from any action \"missing\"\n")
            let run = try server.control("reload")
            #expect(run.code == 1)
            #expect(run.error.contains("smtpd.conf:2"), "\(run.error)")
            kill(try #require(server.process), SIGHUP)
            try await server.eventually("a line in the log") { server.log.contains("not reloaded, the old one stays in force") }
            #expect(server.log.contains("smtpd.conf:2"))
            #expect(try client.deliver(from: "a@b.example", to: ["alice@test.example"], "Subject: s\r\n\r\nx").code == 250)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
        }

        @Test func `a listener that cannot be bound changes nothing`() async throws {
            let server = try Server.standard()
            try await server.start()
            let taken = try Server.freePort()
            // The octets are four.
            let other = try ListeningSocket.internet(SocketAddress(octets: [127, 0, 0, 1], port: taken)!)
            try server.configure(server.standardConfiguration(more: "listen on 127.0.0.1 port \(taken)"))
            let run = try server.control("reload")
            #expect(run.code == 1 && run.error.contains("in use"), "\(run.error)")
            #expect(try server.client().greet().code == 250)
            try other.close()
            #expect(try server.control("reload").code == 0)
            #expect(try SMTPClient(port: taken).greet().code == 250)
        }

        @Test(arguments: ["missing", "broken"])
        func `a table file that cannot be used leaves the old configuration in force`(_ name: String) async throws {
            let server = try Server.standard()
            try await server.start()
            // A mapping whose second line has no value.
            try server.scratch.write("broken", "key value\nalone\n")
            let other = try Server.freePort()
            try server.configure(
                server.standardConfiguration(
                    aliases: ["new = \"bob\""],
                    more: """
                        table more file:@DIR@/\(name)
                        listen on 127.0.0.1 port \(other)
                        match from any for domain <more> reject
                        """))
            let run = try server.control("reload")
            #expect(run.code == 1 && run.error.contains(name), "\(run.output)\(run.error)")
            let client = try server.client()
            #expect(try client.greet().code == 250)
            #expect(try client.command("MAIL FROM:<ada@client.example>").code == 250)
            #expect(try client.command("RCPT TO:<new@test.example>").code == 550)
            #expect(throws: (any Error).self) { try SMTPClient(port: other, timeout: 2) }
            #expect(server.processesByRole.count == 7)

            try server.scratch.write(name, "closed.example\n")
            #expect(try server.control("reload").code == 0)
            #expect(try client.command("RCPT TO:<new@test.example>").code == 250)
            #expect(try SMTPClient(port: other).greet().code == 250)
        }
    }
}
