import DNSTesting
import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Commands of smtpctl that need no daemon") struct ToolTests {
        @Test func `encrypt hashes with every method that the system has, and a login takes the hash`() async throws {
            let server = try Server.standard()
            let methods = ["yescrypt": "$y$", "gost-yescrypt": "$gy$", "scrypt": "$7$", "bcrypt": "$2b$", "sha512": "$6$", "sha256": "$5$"]
            for (method, prefix) in methods {
                let run = try Programs.run("smtpctl", ["encrypt", "with", method], input: "secret\nother\n", environment: server.environment, identity: OrdinaryUser.current.identity)
                #expect(run.code == 0 && run.lines.count == 2, "\(method): \(run.error)")
                for (line, word) in zip(run.lines, ["secret", "other"]) {
                    #expect(line.hasPrefix(prefix))
                    let check = try Programs.run("/usr/bin/perl", ["-e", "exit(crypt($ARGV[0], $ARGV[1]) ne $ARGV[1])", word, line], environment: [], identity: nil)
                    #expect(check.code == 0, "\(line)")
                }
            }
            let first = try server.control("encrypt", "secret").output
            let second = try server.control("encrypt", "secret").output
            #expect(first.hasPrefix("$y$") && first != second)
            #expect(try server.control("--json", "encrypt", "secret").output.hasPrefix("{\"hash\":\"$"))
            let unknown = try server.control("encrypt", "with", "md5")
            #expect(unknown.code == 1 && unknown.error.contains("yescrypt"))
        }

        @Test func `spf walk prints each network once, through includes and redirects, and warns of the rest`() async throws {
            let names = NameServer(zone: [
                .txt("a.example", ["v=spf1 ip4:192.0.2.0/24 include:b.exam", "ple mx a:host.a.example/28 exists:%{i}.x.example ~all"]),
                .txt("a.example", ["some other text"]),
                .txt("b.example", ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:a.example redirect=c.example"]),
                .txt("c.example", ["v=spf1 ip4:198.51.100.7 -all"]),
                .mx("a.example", 10, "mx.a.example"), .a("mx.a.example", "203.0.113.5"), .a("host.a.example", "203.0.113.17"),
                .txt("two.example", ["v=spf1 -all"]), .txt("two.example", ["v=spf1 +all"]),
            ])
            let server = try Server.standard()
            try server.setResolver(names.line)
            func walk(_ input: String, _ words: [String] = []) throws -> Programs.Run {
                try Programs.run("smtpctl", words + ["spf", "walk"], input: input, environment: server.environment, identity: OrdinaryUser.current.identity)
            }
            let run = try walk("a.example\n\nc.example\n")
            #expect(run.lines == ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7", "203.0.113.5", "203.0.113.17/28"], "\(run.output)\(run.error)")
            #expect(run.code == 1 && run.error.contains("exists:%{i}.x.example"), "\(run.error)")
            #expect(try walk("c.example\n").code == 0)
            #expect(try walk("c.example\n", ["--json"]).output == "{\"network\":\"198.51.100.7\"}\n")
            for domain in ["two.example", "nothing.example", "..", String(repeating: "x", count: 300)] {
                let run = try walk(domain + "\n")
                #expect(run.code == 1 && run.output.isEmpty && !run.error.isEmpty, "\(domain)")
            }
            #expect(try walk("").code == 0)
        }

        @Test func `spf walk ends though records include ever more`() async throws {
            let names = NameServer { query in
                // The case of a question is the resolver's business.
                let name = query.name.lowercased()
                return [query.reply(from: [.txt(name, ["v=spf1 include:x\(name.prefix(100)) ", "include:y.\(name.prefix(200)) ", "ip4:192.0.2.1"])])]
            }
            let server = try Server.standard()
            try server.setResolver(names.line)
            let run = try Programs.run("smtpctl", ["spf", "walk"], input: "a.example\n", environment: server.environment, identity: OrdinaryUser.current.identity)
            #expect(run.code == 1 && run.output == "192.0.2.1\n", "\(run.error.suffix(300))")
        }

        @Test func `what has no meaning here says so`() throws {
            let server = try Server.standard()
            for words in [["discover", "5f3a9c1e"], ["uncorrupt", "5f3a9c1e"], ["profile", "queue"], ["unprofile", "imsg"]] {
                let run = try server.control(words)
                #expect(run.code == 1 && run.output.isEmpty && run.error.hasPrefix("smtpctl: nothing "), "\(run.error)")
            }
        }

        @Test func `shells take the scripts of completion`() throws {
            let server = try Server.standard()
            let script = try server.control("completion", "bash")
            #expect(script.code == 0)
            let test = script.output + "\ncompopt() { :; }\nCOMP_WORDS=(smtpctl show queue fr) COMP_CWORD=3\n_smtpctl\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n"
            let run = try Programs.run("/bin/bash", ["-c", test], environment: [], identity: nil)
            #expect(run.output == "from=\n", "\(run.output)\(run.error)")
            for shell in ["zsh", "fish"] { #expect(try server.control("completion", shell).output.contains("update table")) }
        }

        @Test func `the stored queue is filtered and shown as JSON too`() async throws {
            let server = try Server.standard()
            try await server.start(["-P", "mda"])
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example", "bob@test.example"], "Subject: 1\r\n\r\nx").code == 250)
            try await server.eventually("mail") { try server.queue().count == 2 }
            #expect(try server.control("pause", "envelope", "to=bob@*").code == 0)
            #expect(try await server.stop() == .exited(0))
            #expect(try server.control("show", "queue").lines.count == 2)
            #expect(try server.control("show", "queue", "to=alice@*").lines.count == 1)
            let paused = try server.control("--json", "show", "queue", "state=paused")
            #expect(paused.lines.count == 1 && paused.output.contains("\"state\":\"offline\"") && paused.output.contains("\"recipient\":\"bob@test.example\""))
        }
    }
}
