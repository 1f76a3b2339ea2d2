import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("smtpctl explain (smtpctl(8))") struct ExplainTests {
        private func server() throws -> Server {
            try Server.standard(
                aliases: ["postmaster = \"alice, bob\""],
                more: """
                    table bad { "@bad.example" }
                    match from any for any mail-from <bad> reject
                    """)
        }

        @Test func `the daemon tells rules, aliases and actions of an address`() async throws {
            let server = try server()
            try await server.start(["-P", "mda"])
            let run = try server.control("explain", "postmaster@test.example", "client=192.0.2.1", "sender=ada@client.example")
            #expect(run.code == 0, "\(run.error)")
            #expect(run.output.contains("does not match: mail-from: <bad> does not have `ada@client.example`"), "\(run.output)")
            #expect(run.output.contains("alias: postmaster in <aliases>: alice, bob"))
            #expect(run.output.contains("delivery: to user alice by action deliver"))
            #expect(run.output.contains("action: deliver: maildir ~/Maildir"))
            let refused = try server.control("explain", "x@test.example", "sender=x@bad.example")
            #expect(refused.output.contains("matches: reject"), "\(refused.output)")
            let json = try server.control("--json", "explain", "postmaster@test.example", "client=192.0.2.1")
            #expect(json.output.hasPrefix("{\"name\":\"recipient\"") && json.output.hasSuffix("}\n"), "\(json.output)")
            let nonsense = try server.control("explain", "postmaster", "colour=red")
            #expect(nonsense.code == 1 && nonsense.error.hasPrefix("command failed: postmaster: neither"), "\(nonsense.error)")
        }

        @Test func `a listener lends its tag and TLS, and names its filters`() async throws {
            let server = try Server.standard(
                listener: "tag inside filter { odd }",
                more: """
                    filter odd phase mail-from match mail-from { "@odd.example" } reject "550 odd"
                    action "inside" maildir userbase <users>
                    match tag inside from any for domain "inside.example" action "inside"
                    """)
            try await server.start()
            let words = ["explain", "alice@inside.example", "client=192.0.2.1"]
            let plain = try server.control(words)
            #expect(plain.output.contains("result: refused"), "\(plain.output)\(plain.error)")
            let run = try server.control(words + ["listener=127.0.0.1"])
            #expect(run.output.contains("  tag: inside\n") && run.output.contains("result: 1 delivery"), "\(run.output)\(run.error)")
            #expect(run.output.contains("  filter: odd: at mail-from, where mail-from "), "\(run.output)")
            let offline = try server.control(["explain", "-f", server.scratch.path + "/smtpd.conf"] + words.dropFirst() + ["listener=127.0.0.1"])
            #expect(offline.output.contains("  tag: inside\n") && offline.output.contains("result: 1 delivery"), "\(offline.output)\(offline.error)")
            let none = try server.control(words + ["listener=192.0.2.77"])
            #expect(none.code == 1 && none.error.contains("no such listener"), "\(none.error)")
        }

        @Test func `an envelope tells its state besides`() async throws {
            let server = try server()
            try await server.start(["-P", "mda"])
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\nx").code == 250)
            try await server.eventually("the envelope") { try server.queue().count == 1 }
            let run = try server.control("explain", try server.queue()[0].envelope)
            #expect(run.code == 0, "\(run.error)")
            #expect(run.output.contains("  to: <alice@test.example> by action deliver\n"), "\(run.output)")
            #expect(run.output.contains("  state: waits"))
            #expect(run.output.contains("result: 1 delivery\n"))
            let none = try server.control("explain", "0000000100000001")
            #expect(none.code == 1 && none.error.contains("no such envelope"))
        }

        @Test func `a file is explained without a daemon, in the same words`() async throws {
            let server = try server()
            let file = server.scratch.path + "/smtpd.conf"
            let words = ["postmaster@test.example", "client=192.0.2.1", "sender=ada@client.example"]
            let offline = try server.control(["explain", "-f", file] + words)
            #expect(offline.code == 0, "\(offline.error)")
            try await server.start(["-P", "mda"])
            let online = try server.control(["explain"] + words)
            #expect(online.output.contains("result: 2 deliveries\n"), "\(online.output)")
            let decided = { (text: String) in text.split(separator: "\n").prefix { !$0.hasPrefix("action") } }
            #expect(decided(offline.output) == decided(online.output), "\(offline.output)")
            let missing = try server.control("explain", "-f", file + ".none", "x@test.example")
            #expect(missing.code == 1)
        }

        @Test func `without a daemon and a file it says so`() throws {
            let run = try server().control("explain", "x@test.example")
            #expect(run.code == 1 && run.error.contains("-f FILE"), "\(run.error)")
        }
    }
}
