import DNSTesting
import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("smtpctl explain -f asks table programs and the DNS as the daemon would (smtpctl(8))") struct OfflineExplainTests {
        private static let zone: [NameServerRecord] = [
            .mx("far.example", 20, "second.far.example"), .mx("far.example", 10, "first.far.example"),
            .a("first.far.example", "192.0.2.11"), .a("second.far.example", "192.0.2.12"),
            .aaaa("second.far.example", [0x20, 1, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [9]),
            .a("alone.example", "192.0.2.13"), .mx("nullmx.example", 0, ""), .a("hub.provider.example", "192.0.2.14"),
        ]

        /// A configuration whose users, addresses and smarthosts a program has, and that no daemon runs with.
        /// Serves for as long as the tests run.
        private static let names = NameServer(zone: zone)

        private func server(_ names: NameServer = names, type: String) throws -> Server {
            try TablePrograms.install(type, TablePrograms.lines)
            let server = try Server { server in
                """
                table domains { "test.example" }
                table people \(type):\(server.scratch.path)/people
                action "deliver" maildir userbase <people> virtual <people>
                action "smart" relay host <people>
                action "out" relay
                match from any for domain <domains> action "deliver"
                match from any for domain "smart.example" action "smart"
                match from any for any action "out"

                """
            }
            try server.setResolver(names.line)
            let user = OrdinaryUser.current
            try server.scratch.write(
                "people",
                """
                userinfo ada \(user.uid):\(user.gid):\(server.scratch.path)/home/ada
                alias first.last@test.example ada
                relayhost smtp://hub.provider.example x
                relayhost smtp+tls://192.0.2.15:587 x

                """)
            return server
        }

        private func explain(_ server: Server, _ words: String...) throws -> Programs.Run {
            try server.control(["explain", "-f", server.scratch.path + "/smtpd.conf"] + words)
        }

        @Test func `a program of a table is asked, and ends with the explanation`() throws {
            let server = try server(type: "lonely")
            let run = try explain(server, "first.last@test.example")
            #expect(run.code == 0, "\(run.error)")
            #expect(run.output.contains("alias: first.last@test.example in <people>: ada"), "\(run.output)\(run.error)")
            #expect(run.output.contains("delivery: to user ada by action deliver"), "\(run.output)")
            // What the program says on standard error is seen by whoever asks.
            #expect(run.error.contains("asked for lookup of first.last@test.example"), "\(run.error)")
            #expect(try explain(server, "nobody@test.example").output.contains("result: refused: 550"))
            let left = try Files.list("/proc").compactMap { pid_t($0) }.compactMap { ProcessTable.entry($0) }
            #expect(!left.contains { $0.title.contains("table-lonely") }, "a program was left behind")
        }

        @Test(arguments: ["fail", "die", "nonsense"])
        func `what a program cannot say is the temporary failure that it would be`(_ key: String) throws {
            let server = try server(type: "unwell")
            // `KEY@DOMAIN` is asked for first; the bare user makes the program misbehave.
            let run = try explain(server, "\(key)@test.example")
            #expect(run.code == 0, "\(run.error)")
            #expect(run.output.contains("result: refused: 4"), "\(run.output)\(run.error)")
        }

        @Test func `a program that is not there is one too`() throws {
            let server = try server(type: "fleeting")
            try Files.remove(Programs.directory + "/table-fleeting")
            let run = try explain(server, "first.last@test.example")
            // The daemon would not start with it; who asks here is told the same.
            #expect(run.output.contains("result: refused: 4") || run.error.contains("table-fleeting"), "\(run)")
        }

        @Test func `mail exchangers with their addresses come from the DNS`() throws {
            let server = try server(type: "offline")
            let far = try explain(server, "x@far.example")
            #expect(
                far.output.contains(
                    "  mail exchangers: of far.example: 10 first.far.example (192.0.2.11), 20 second.far.example (2001:db8::9 192.0.2.12)\n")
                    || far.output.contains(
                        "  mail exchangers: of far.example: 10 first.far.example (192.0.2.11), 20 second.far.example (192.0.2.12 2001:db8::9)\n"),
                "\(far.output)\(far.error)")
            #expect(try explain(server, "x@alone.example").output.contains("of alone.example: itself: 0 alone.example (192.0.2.13)"))
            #expect(try explain(server, "x@nullmx.example").output.contains("of nullmx.example: takes no mail"))
            #expect(try explain(server, "x@nowhere.example").output.contains("of nowhere.example: no such domain"))
            let json = try server.control(["--json", "explain", "-f", server.scratch.path + "/smtpd.conf", "x@alone.example"])
            #expect(json.output.contains(#"{"name":"mail exchangers","text":"of alone.example: itself"#), "\(json.output)")
        }

        @Test func `smarthosts of a program are listed with their addresses`() throws {
            let server = try server(type: "offline")
            let run = try explain(server, "x@smart.example")
            #expect(run.output.contains("  servers: smtp+tls://192.0.2.15:587, smtp://hub.provider.example\n"), "\(run.output)\(run.error)")
            #expect(run.output.contains("    addresses: of hub.provider.example: 192.0.2.14\n"))
        }

        @Test func `dns=no asks no name server, with the daemon too`() async throws {
            let names = NameServer(zone: Self.zone)
            let server = try server(names, type: "offline")
            let run = try explain(server, "x@far.example", "dns=no")
            #expect(run.code == 0 && run.output.contains("action: out: to another server"), "\(run.output)\(run.error)")
            #expect(!run.output.contains("mail exchangers: of") && names.queries.isEmpty, "\(run.output)")
            let smart = try explain(server, "x@smart.example", "dns=no")
            #expect(smart.output.contains("hub.provider.example") && names.queries.isEmpty, "\(smart.output)")

            let running = try Server.standard(more: "action \"out\" relay\nmatch from any for any action \"out\"")
            try running.setResolver(names.line)
            try await running.start()
            let asked = try running.control("explain", "x@far.example", "client=192.0.2.1", "dns=no")
            #expect(asked.code == 0 && asked.output.contains("action: out"), "\(asked.output)\(asked.error)")
            #expect(names.queries.isEmpty)
            let online = try running.control("explain", "x@alone.example", "client=192.0.2.1")
            #expect(online.output.contains("of alone.example: itself: 0 alone.example (192.0.2.13)"), "\(online.output)")
        }

        @Test func `a name server that is silent, or fails, leaves the rest of the explanation`() throws {
            let server = try server(type: "offline")
            try server.setResolver("nameserver [127.0.0.1]:1\n")
            let run = try explain(server, "x@far.example")
            #expect(run.code == 0, "\(run.error)")
            #expect(run.output.contains("  mail exchangers: of far.example: ") && run.output.contains("action: out"), "\(run.output)")
        }
    }
}
