import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Failures, retries and reports (RFC 3461, RFC 3464)") struct FailureTests {
        /// A command that fails for good, for alice; bob's mail, where reports go, is delivered.
        private static let failing = """
            action "inbox" maildir userbase <users>
            match from any for rcpt-to "bob@test.example" action "inbox"
            """

        private func send(_ server: Server, from: String, _ recipient: String, parameters: String = "", body: String = "Subject: lost\r\n\r\nx") throws {
            let client = try server.client()
            try client.greet()
            #expect(try client.command("MAIL FROM:<\(from)>").code == 250)
            #expect(try client.command("RCPT TO:<\(recipient)>\(parameters)").code == 250)
            #expect(try client.command("DATA").code == 354)
            #expect(try client.command(body + "\r\n.").code == 250)
        }

        @Test func `a permanent failure is reported to a local sender, in three parts`() async throws {
            let server = try Server.standard(action: "mda \"echo no such mailbox; exit 67\"", more: Self.failing)
            try await server.start()
            try send(server, from: "bob@test.example", "alice@test.example")
            try await server.eventually("the report") { server.mailCount(of: "bob") == 1 }
            try await server.drained()
            let report = server.mail(of: "bob")[0]
            #expect(report.hasPrefix("Delivered-To: bob@test.example\n") || report.hasPrefix("Return-Path: <>\n"))
            for part in [
                "Content-Type: multipart/report; report-type=delivery-status", "Auto-Submitted: auto-replied", "Content-Type: message/delivery-status",
                "Final-Recipient: rfc822; alice@test.example", "Action: failed", "Status: 5.", "no such mailbox", "Subject: lost",
            ] { #expect(report.contains(part), "\(part) in \(report)") }
        }

        @Test func `there is no report to the null sender, nor to one who asked for none`() async throws {
            let server = try Server.standard(action: "mda \"exit 1\"", more: Self.failing)
            try await server.start()
            try send(server, from: "", "alice@test.example")
            try send(server, from: "bob@test.example", "alice@test.example", parameters: " NOTIFY=NEVER")
            try send(server, from: "bob@test.example", "alice@test.example", parameters: " NOTIFY=FAILURE ORCPT=rfc822;x@y.example")
            try await server.eventually("one report") { server.mailCount(of: "bob") == 1 }
            try await server.drained()
            #expect(server.mailCount(of: "bob") == 1)
            #expect(server.mail(of: "bob")[0].contains("Original-Recipient: rfc822;x@y.example") || server.mail(of: "bob")[0].contains("Original-Recipient: rfc822; x@y.example"))
        }

        @Test func `a report that cannot be delivered is not reported`() async throws {
            let server = try Server.standard(action: "mda \"exit 1\"")
            try await server.start()
            try send(server, from: "alice@test.example", "alice@test.example")
            try await server.eventually("the end of both") { try server.queue().isEmpty }
            try send(server, from: "nobody@test.example", "alice@test.example")
            try await server.drained()
        }

        @Test func `success is reported to who asked for it`() async throws {
            let server = try Server.standard()
            try await server.start()
            try send(server, from: "bob@test.example", "alice@test.example", parameters: " NOTIFY=SUCCESS")
            try await server.eventually("both") { server.mailCount(of: "alice") == 1 && server.mailCount(of: "bob") == 1 }
            #expect(server.mail(of: "bob")[0].contains("Action: delivered"))
        }

        @Test func `a temporary failure is tried again until it works`() async throws {
            let server = try Server.standard(action: "mda \"test -e @DIR@/open && cat >@DIR@/home/alice/got || exit 75\"")
            try await server.start()
            try send(server, from: "bob@test.example", "alice@test.example")
            try await server.eventually("a failure") { try server.queue().first?.tries == 1 }
            let waiting = try #require(try server.queue().first)
            #expect(waiting.state == "pending")
            let delay = try #require(Int(waiting.fields[12]))
            #expect((0...11).contains(delay), "local delivery is tried again after ten seconds and a tenth of jitter at most")
            try server.scratch.write("open", "")
            // No order is given: the scheduler's own time comes.
            try await server.drained(within: 20)
            #expect(server.scratch.text("home/alice/got")?.contains("Subject: lost") == true)
        }

        @Test func `an envelope whose time is over is reported as expired, a removed one is not`() async throws {
            let server = try Server.standard(action: "mda \"exit 75\"", options: "ttl 2s", more: Self.failing)
            try await server.start()
            try send(server, from: "bob@test.example", "alice@test.example")
            try await server.eventually("the report", within: 20) { server.mailCount(of: "bob") == 1 }
            let report = server.mail(of: "bob")[0]
            #expect(report.contains("Status: 5.4.7") || report.contains("Status: 4.4.7"), "\(report)")
            try server.configure(server.standardConfiguration(action: "mda \"exit 75\"", options: "ttl 1h", more: Self.failing))
            #expect(try server.control("reload").code == 0)
            try send(server, from: "bob@test.example", "alice@test.example")
            try await server.eventually("a failure") { try server.queue().first?.tries == 1 }
            #expect(try server.control("remove", "all").output == "1 envelope removed\n")
            try await server.drained()
            #expect(server.mailCount(of: "bob") == 1)
        }

        @Test func `one user's backlog holds nobody else up`() async throws {
            let server = try Server.standard(
                action: "mda \"while test -e @DIR@/closed; do sleep 0.05; done; cat >/dev/null\"",
                more: Self.failing + "\nmda limit max-session-per-user 1 task-hiwat 5 task-lowat 3 task-release 2")
            try server.scratch.write("closed", "")
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(
                try client.deliver(
                    from: "bob@test.example", to: (0..<40).map { "alice+\($0)@test.example" }, "Subject: slow\r\n\r\nx"
                ).code == 250)
            try await server.eventually("held envelopes") {
                let lines = try server.queue()
                return lines.filter { $0.flags.contains("hold") }.count >= 30
            }
            try send(server, from: "carol@test.example", "bob@test.example", body: "Subject: quick\r\n\r\nx")
            try await server.eventually("the other user's message", within: 5) { server.mailCount(of: "bob") == 1 }
            #expect(try server.queue().filter { $0.recipient.hasPrefix("alice+") }.count == 40)
            try Files.remove(server.scratch.path + "/closed")
            try await server.drained(within: 40)
        }

        @Test func `a message that has been here before is a loop`() async throws {
            let server = try Server.standard(more: Self.failing)
            try await server.start()
            try send(
                server, from: "bob@test.example", "alice@test.example",
                body: "Delivered-To: alice@test.example\r\nSubject: again\r\n\r\nx")
            try await server.eventually("the report") { server.mailCount(of: "bob") == 1 }
            #expect(server.mail(of: "bob")[0].contains("5.4.6"))
            #expect(server.mailCount(of: "alice") == 0)
        }
    }

    @Suite("Both grammars") struct GrammarTests {
        @Test(arguments: [false, true])
        func `the same policy does the same`(_ isOld: Bool) async throws {
            let rules = isOld
                ? """
                    accept from any for domain "test.example" userbase <users> alias <aliases> deliver to maildir "@DIR@/home/%{user.username}/Maildir"
                    reject from any for domain "closed.example"
                    """
                : """
                    action "deliver" maildir "@DIR@/home/%{user.username}/Maildir" userbase <users> alias <aliases>
                    match from any for domain "test.example" action "deliver"
                    match from any for domain "closed.example" reject
                    """
            let user = OrdinaryUser.current
            let server = try Server { server in
                """
                table users { alice = "\(user.uid):\(user.gid):\(server.scratch.path)/home/alice" }
                table aliases { postmaster = alice, gone = "error:550 Gone" }
                listen on 127.0.0.1 port \(server.port) hostname "mx.test.example"
                \(rules.replacing("@DIR@", with: server.scratch.path))

                """
            }
            try server.scratch.makeDirectory("home")
            try server.scratch.makeDirectory("home/alice")
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.command("MAIL FROM:<ada@client.example>").code == 250)
            #expect(try client.command("RCPT TO:<alice@test.example>").code == 250)
            #expect(try client.command("RCPT TO:<Postmaster+x@test.example>").code == 250)
            #expect(try client.command("RCPT TO:<gone@test.example>").code == 550)
            #expect(try client.command("RCPT TO:<who@test.example>").code == 550)
            #expect(try client.command("RCPT TO:<alice@closed.example>").code == 550)
            #expect(try client.command("RCPT TO:<alice@elsewhere.example>").code == 550)
            #expect(try client.command("DATA").code == 354)
            #expect(try client.command("Subject: s\r\n\r\nx\r\n.").code == 250)
            try await server.drained()
            let received = server.mail(of: "alice").map { $0.split(separator: "\n").first { $0.hasPrefix("Delivered-To:") } }
            #expect(Set(received) == ["Delivered-To: alice@test.example", "Delivered-To: Postmaster+x@test.example"])
        }
    }
}
