import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Local delivery") struct DeliveryTests {
        /// Sends one message and expects it to be taken.
        private func send(_ server: Server, to recipients: String..., subject: String = "s", from: String = "ada@client.example") throws {
            let client = try server.client()
            try client.greet()
            let reply = try client.deliver(from: from, to: recipients, "Subject: \(subject)\r\n\r\nFrom the start\r\nbody\r\n")
            #expect(reply.code == 250, "\(reply)")
        }

        @Test func `a sub-address finds its folder, or the inbox where there is none`() async throws {
            let server = try Server.standard()
            for name in ["Maildir", "Maildir/.lists", "Maildir/.lists/cur", "Maildir/.lists/new", "Maildir/.lists/tmp"] {
                try server.scratch.makeDirectory("home/alice/" + name, mode: 0o700)
            }
            try await server.start()
            try send(server, to: "alice+lists@test.example", "alice+other@test.example", "\"alice+../bob\"@test.example")
            try await server.eventually("three messages") {
                server.scratch.count(in: "home/alice/Maildir/.lists") == 1 && server.mailCount(of: "alice") == 2
            }
            #expect(server.scratch.messages(in: "home/alice/Maildir/.lists")[0].contains("Delivered-To: alice+lists@test.example\n"))
            #expect(server.mailCount(of: "bob") == 0)
        }

        @Test func `an mbox holds the messages one after the other, From lines quoted`() async throws {
            let server = try Server.standard(action: "mbox")
            try server.scratch.makeDirectory("spool/mail", mode: 0o700)
            try await server.start()
            for number in 1...3 { try send(server, to: "alice@test.example", subject: "n\(number)") }
            try await server.drained()
            let mbox = try #require(server.scratch.text("spool/mail/alice"))
            #expect(mbox.hasPrefix("From ada@client.example "))
            #expect(mbox.split(separator: "\n", omittingEmptySubsequences: false).filter { $0.hasPrefix("From ") }.count == 3)
            #expect(mbox.contains("\n\n>From the start\n"))
            for number in 1...3 { #expect(mbox.contains("\nSubject: n\(number)\n")) }
            #expect(try Files.status(server.scratch.path + "/spool/mail/alice")?.permissions == 0o660)
        }

        @Test func `a command gets the message and the promised environment, and its exit status decides`() async throws {
            let server = try Server.standard(action: "mda \"exec @DIR@/command\"", options: "ttl 1h")
            try server.scratch.write(
                "command",
                """
                #!/bin/sh
                cat >"$HOME/message.${EXTENSION:-none}"
                env >"$HOME/environment.${EXTENSION:-none}"
                pwd >"$HOME/directory"
                echo first line; echo "told by ${EXTENSION:-none}" >&2
                case "${EXTENSION:-0}" in signal) kill -9 $$;; early) exec 0</dev/null; exit 0;; *) exit "${EXTENSION:-0}";; esac

                """, mode: 0o755)
            try await server.start()
            let statuses = ["0", "1", "64", "67", "71", "75", "77", "signal"]
            let client = try server.client()
            try client.greet()
            let reply = try client.deliver(
                from: "bob@test.example", to: statuses.map { "alice+\($0)@test.example" } + ["alice@test.example"],
                "Subject: command\r\n\r\nbody\r\n")
            #expect(reply.code == 250)
            // Temporary: 71, 75 and a signal. The rest is done, or failed and reported to bob, whose mail goes
            // through the same command.
            try await server.eventually("all outcomes") {
                let lines = try server.queue()
                return lines.count == 3 && lines.allSatisfy { $0.tries >= 1 && $0.state == "pending" }
            }
            #expect(try Set(server.queue().map { $0.recipient }) == Set(["71", "75", "signal"].map { "alice+\($0)@test.example" }))
            #expect(try server.queue().contains { $0.error.contains("told by 75") })

            let message = try #require(server.scratch.text("home/alice/message.none"))
            #expect(message.hasPrefix("Return-Path: <bob@test.example>\nDelivered-To: alice@test.example\n"))
            #expect(message.contains("\nSubject: command\n") && message.hasSuffix("\n\nbody\n"))
            let environment = Set(try #require(server.scratch.text("home/alice/environment.0")).split(separator: "\n").map(String.init))
            let home = server.scratch.path + "/home/alice"
            let expected = [
                "DOMAIN=test.example", "HOME=\(home)", "ORIGINAL_RECIPIENT=alice+0@test.example", "SHELL=/bin/sh",
                "LOCAL=alice+0", "LOGNAME=alice", "USER=alice", "SENDER=bob@test.example", "EXTENSION=0",
            ]
            for variable in expected { #expect(environment.contains(variable), "\(variable) in \(environment.sorted())") }
            let names = Set(environment.map { $0.prefix { $0 != "=" } }).subtracting(["PWD", "SHLVL", "_", "OLDPWD"])
            #expect(names == ["PATH", "DOMAIN", "HOME", "ORIGINAL_RECIPIENT", "RECIPIENT", "SHELL", "LOCAL", "LOGNAME", "USER", "SENDER", "EXTENSION"])
            #expect(server.scratch.text("home/alice/directory") == home + "\n")
            let report = try #require(server.scratch.text("home/bob/message.none"))
            #expect(report.contains("Content-Type: multipart/report"))
            #expect(try server.control("remove", "all").code == 0)
        }

        @Test func `a wrapper gets every delivery as a command, and its exit status decides`() async throws {
            let server = try Server.standard(
                aliases: ["pipe = \"|cat >>@DIR@/home/alice/piped\"", "file = \"@DIR@/home/alice/box\""],
                options: "wrapper w", more: "mda wrapper w \"@DIR@/wrap %{mda}\"")
            try server.scratch.write(
                "wrap",
                """
                #!/bin/sh
                case "$LOCAL" in bob) echo "not today" >&2; exit 75;; esac
                (echo "X-Wrapped: ${1##*/}"; cat) | "$@"

                """, mode: 0o755)
            try await server.start()
            try send(
                server, to: "alice@test.example", "bob@test.example", "pipe@test.example", "file@test.example",
                from: "\"a b\"@client.example")
            try await server.eventually("three outcomes and a try") {
                let queue = try server.queue()
                return queue.count == 1 && queue[0].tries == 1
            }
            #expect(try server.queue().first?.error.contains("not today") == true)
            let message = try #require(server.mail(of: "alice").first)
            #expect(message.hasPrefix("X-Wrapped: mail.maildir\nReturn-Path: <\"a b\"@client.example>\nDelivered-To: alice@test.example\n"))
            #expect(server.scratch.text("home/alice/piped")?.hasPrefix("X-Wrapped: mail.mda\n") == true)
            let box = try #require(server.scratch.text("home/alice/box"))
            #expect(box.hasPrefix("From ") && box.contains("\nX-Wrapped: mail.mboxfile\n"), "\(box)")
        }

        @Test func `aliases lead to users, lists, files, commands and refusals`() async throws {
            let server = try Server.standard(aliases: [
                "\"team\" = \"alice, bob\"", "\"list\" = \":include:@DIR@/members\"", "\"archive\" = \"@DIR@/archive\"",
                "\"robot\" = \"|cat >@DIR@/spool/robot.$SENDER\"", "\"gone\" = \"error:550 5.1.6 Moved away\"",
                "\"busy\" = \"error:450 Come back\"", "\"chain\" = \"team\"", "\"loop\" = \"loop2\"", "\"loop2\" = \"loop\"",
            ])
            try server.scratch.write("members", "# who\nalice\ncarol@test.example\n")
            try server.scratch.write("archive", "", mode: 0o666)
            try await server.start()
            try send(server, to: "team@test.example", "list@test.example", "chain@test.example")
            try await server.drained()
            #expect([server.mailCount(of: "alice"), server.mailCount(of: "bob"), server.mailCount(of: "carol")] == [3, 2, 1])

            try send(server, to: "archive@test.example", "robot@test.example")
            try await server.drained()
            #expect(server.scratch.text("archive")?.hasPrefix("From ada@client.example ") == true, "\(server.log)")
            #expect(server.scratch.text("spool/robot.ada@client.example")?.hasSuffix("body\n") == true)

            let client = try server.client()
            try client.greet()
            #expect(try client.command("MAIL FROM:<ada@client.example>").code == 250)
            #expect(try client.command("RCPT TO:<gone@test.example>").text == "550 5.1.6 Moved away")
            #expect(try client.command("RCPT TO:<busy@test.example>").text.hasPrefix("450"))
            let loop = try client.command("RCPT TO:<loop@test.example>")
            #expect(loop.code >= 400, "\(loop)")
        }

        @Test func `a .forward file leads where its owner says, and nowhere when others can write it`() async throws {
            let server = try Server.standard()
            let home = server.scratch.path + "/home/alice"
            try server.scratch.write("home/alice/.forward", "\\alice\nbob\n|cat >\(home)/piped\n\(home)/filed\n")
            try await server.start()
            try send(server, to: "alice@test.example")
            try await server.drained()
            #expect(server.mailCount(of: "alice") == 1 && server.mailCount(of: "bob") == 1)
            #expect(server.scratch.text("home/alice/piped")?.hasSuffix("body\n") == true)
            #expect(server.scratch.text("home/alice/filed")?.hasPrefix("From ada@client.example ") == true)

            try server.scratch.write("home/alice/.forward", "carol\n", mode: 0o666)
            let client = try server.client()
            try client.greet()
            let reply = try client.deliver(from: "a@b.example", to: ["alice@test.example"], "Subject: unsafe\r\n\r\nx")
            try await server.drained()
            #expect(server.mailCount(of: "carol") == 0, "\(reply)")

            // Who forwards to the one that forwards back gets it himself.
            try server.scratch.write("home/alice/.forward", "bob\n")
            try server.scratch.write("home/bob/.forward", "alice\n")
            let loop = try server.client()
            try loop.greet()
            let answer = try loop.deliver(from: "a@b.example", to: ["alice@test.example"], "Subject: loop\r\n\r\nx")
            try await server.drained()
            #expect(answer.code >= 400 || server.mailCount(of: "alice") + server.mailCount(of: "bob") > 2)
        }

        @Test(arguments: ["fifo", "directory", "device", "many", "long", "nul", "own name"])
        func `a .forward file may be anything without hurting the server`(_ kind: String) async throws {
            let server = try Server.standard()
            let path = server.scratch.path + "/home/alice/.forward"
            switch kind {
            case "fifo": mkfifo(path, 0o600)
            case "directory": try server.scratch.makeDirectory("home/alice/.forward", mode: 0o700)
            case "device": symlink("/dev/zero", path)
            case "many":
                let entries = (0..<20_000).map { "user\($0)@elsewhere.example" }
                try server.scratch.write("home/alice/.forward", entries.joined(separator: "\n") + "\n")
            case "long": try server.scratch.write("home/alice/.forward", String(repeating: "x", count: 1 << 20))
            case "nul": try server.scratch.write("home/alice/.forward", "bob\0carol\n\0\n")
            default: try server.scratch.write("home/alice/.forward", "alice\nalice@test.example\nbob\n")
            }
            lchown(path, OrdinaryUser.current.uid, OrdinaryUser.current.gid)
            try await server.start()
            let client = try server.client(timeout: 10)
            try client.greet()
            #expect(try client.command("MAIL FROM:<a@b.example>").code == 250)
            let reply = try client.command("RCPT TO:<alice@test.example>")
            #expect(reply.code >= 250 && reply.code < 560)
            // Whatever became of alice's mail, bob gets his.
            #expect(try client.command("RCPT TO:<bob@test.example>").code == 250)
            #expect(try client.command("DATA").code == 354)
            #expect(try client.command("Subject: s\r\n\r\nx\r\n.").code == 250)
            try await server.eventually("bob's mail") { server.mailCount(of: "bob") >= 1 }
            #expect(server.processesByRole.count == 7)
        }

        @Test func `a maildir that cannot be written keeps the mail, and other mailboxes get theirs`() async throws {
            let server = try Server.standard()
            try server.scratch.write("home/alice/Maildir", "not a directory")
            try await server.start()
            try send(server, to: "alice@test.example", "bob@test.example")
            try await server.eventually("bob's mail and alice's failure") {
                try server.mailCount(of: "bob") == 1 && server.queue().first?.tries == 1
            }
            try Files.remove(server.scratch.path + "/home/alice/Maildir")
            #expect(try server.control("schedule", "all").code == 0)
            try await server.eventually("alice's mail") { server.mailCount(of: "alice") == 1 }
        }

        @Test func `an LMTP server gets the message, and each of its answers is heard`() async throws {
            let lmtp = try LMTPServer { command, heard in
                if command.contains("<bob") { return heard.commands.filter { $0.contains("<bob") }.count > 1 ? "250 ok" : "451 4.2.0 busy" }
                if command.contains("<carol") { return "550 5.2.1 closed for good" }
                return LMTPServer.agreeable(command)
            }
            let server = try Server.standard(action: "lmtp \"127.0.0.1:\(lmtp.port)\"")
            try await server.start()
            try send(server, to: "alice@test.example", "bob@test.example", "carol@test.example", from: "")
            try await server.eventually("two outcomes") { try server.queue().count == 1 }
            try await server.eventually("one try") { try server.queue().first?.tries == 1 }
            let waiting = try #require(try server.queue().first)
            #expect(waiting.recipient == "bob@test.example" && waiting.error.contains("busy"))
            #expect(lmtp.heard.commands.contains { $0.hasPrefix("LHLO ") })
            #expect(lmtp.heard.commands.contains { $0.hasPrefix("RCPT TO:<alice>") }, "\(lmtp.heard.commands)")
            #expect(lmtp.heard.messages.count == 1)
            #expect(lmtp.heard.messages[0].hasPrefix("Delivered-To: alice@test.example\n"))
            #expect(lmtp.heard.messages[0].hasSuffix("\n\nFrom the start\nbody\n"))
            #expect(try server.control("schedule", "all").output == "1 envelope scheduled\n")
            try await server.drained()
            #expect(lmtp.heard.messages.count == 2)
        }

        @Test func `a slow LMTP server and slow commands hold up nothing else of their user`() async throws {
            let lmtp = try LMTPServer { command, _ in
                if command.hasPrefix("LHLO") { usleep(3_000_000) }
                return LMTPServer.agreeable(command)
            }
            let user = OrdinaryUser.current.name
            let server = try Server.standard(
                action: "maildir \"@DIR@/home/alice/Maildir\"", options: "user \"\(user)\"",
                more: """
                    action "slow" lmtp "127.0.0.1:\(lmtp.port)" userbase <users> user "\(user)"
                    action "run" mda "cat >/dev/null; sleep 3" userbase <users> user "\(user)"
                    match from any for rcpt-to "bob@test.example" action "slow"
                    match from any for rcpt-to "carol@test.example" action "run"
                    """)
            try await server.start()
            // More than a user may have agents.
            for _ in 0..<9 { try send(server, to: "bob@test.example", "carol@test.example") }
            try send(server, to: "alice@test.example")
            try await server.eventually("the mail of the one that is fast") { server.mailCount(of: "alice") == 1 }
            #expect(lmtp.heard.messages.isEmpty)
        }

        @Test func `an LMTP server that is away is tried again`() async throws {
            let port = try Server.freePort()
            let server = try Server.standard(action: "lmtp \"127.0.0.1:\(port)\" rcpt-to")
            try await server.start()
            try send(server, to: "alice+tag@test.example")
            try await server.eventually("a failure") { try server.queue().first?.tries == 1 }
            #expect(try server.queue()[0].error.hasPrefix("4."))
        }

        @Test func `agents stay between messages, one of a user serves many, and they end with the daemon`() async throws {
            let server = try Server.standard()
            try await server.start()
            for _ in 0..<5 {
                try send(server, to: "alice@test.example", "bob@test.example")
                try await server.drained()
            }
            let agents = server.processes.filter { $0.title.contains("mail.agent") }
            #expect((1...2).contains(agents.count), "\(agents)")
            #expect(try server.control("show", "stats").output.contains("mda.running=\(agents.count)\n"))
            try await server.stop()
            try await server.eventually("their end", within: 5) { !agents.contains(where: ProcessTable.isAlive) }
        }

        @Test func `an agent that has had nothing to do for half a minute is gone, and mail brings a new one`() async throws {
            let server = try Server.standard()
            try await server.start()
            try send(server, to: "alice@test.example")
            try await server.drained()
            let first = try #require(server.processes.first { $0.title.contains("mail.agent") })
            // It is looked at every half minute.
            try await server.eventually("its end", within: 90) { !ProcessTable.isAlive(first) }
            #expect(try server.control("show", "stats").output.contains("mda.running=0\n"))
            try send(server, to: "alice@test.example")
            try await server.eventually("two messages") { server.mailCount(of: "alice") == 2 }
        }

        @Test func `with room for one agent all users are served in turn`() async throws {
            let server = try Server.standard(more: "mda limit max-session 1")
            try await server.start()
            for _ in 0..<5 { try send(server, to: "alice@test.example", "bob@test.example", "carol@test.example") }
            try await server.drained()
            #expect(server.processes.filter { $0.title.contains("mail.agent") }.count == 1)
            #expect(Server.users.map { server.mailCount(of: $0) } == [5, 5, 5])
        }

        @Test func `an agent that is killed costs an attempt and no message`() async throws {
            let server = try Server.standard(action: "mda \"cat >@DIR@/home/alice/part; sleep 30\"")
            try await server.start()
            try send(server, to: "alice@test.example")
            try await server.eventually("the command") { server.scratch.text("home/alice/part")?.hasSuffix("body\n") == true }
            let agent = try #require(server.processes.first { $0.title.contains("mail.agent") })
            kill(agent.id, SIGKILL)
            try await server.eventually("a failure") { try server.queue().first?.tries == 1 }
            try server.configure(server.standardConfiguration())
            #expect(try server.control("reload").code == 0)
            #expect(try server.control("schedule", "all").code == 0)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            try await server.drained()
        }

        @Test func `a message too big for a frame goes by descriptor and arrives whole`() async throws {
            let server = try Server.standard()
            try await server.start()
            let client = try server.client()
            try client.greet()
            let line = String(repeating: "y", count: 76)
            let body = Array(repeating: line, count: 60_000).joined(separator: "\r\n")
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example", "bob@test.example"], "Subject: big\r\n\r\n\(body)\r\n").code == 250)
            try await server.drained()
            for user in ["alice", "bob"] {
                let message = try #require(server.mail(of: user).first)
                #expect(message.utf8.count > 60_000 * 77 && message.hasSuffix("\(line)\n"))
            }
        }
    }
}
