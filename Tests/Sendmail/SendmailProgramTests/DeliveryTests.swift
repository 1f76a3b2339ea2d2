import ControlMessages
import Envelopes
import Glibc
import Platform
import SMTPProtocol
import Submission
import Testing

@Suite("sendmail and a running daemon") struct DaemonDeliveryTests {
    @Test func `the daemon gets envelope and message`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        let run = try spool.run(
            "-i", "-f", "ada@x.example", "bob@y.example,carol@y.example",
            input: "From: Ada <ada@x.example>\nSubject: s\nBcc: blind\n\n.\n..dots\n.\nFrom here\n\u{E9}")
        #expect(run.code == 0, "\(run.error)")
        #expect(run.output.isEmpty && run.error.isEmpty)
        let message = try #require(daemon.messages.first)
        #expect(daemon.messages.count == 1)
        #expect(message.facts.sender.text == "ada@x.example")
        #expect(message.facts.body == .eightBitMIME)
        #expect(message.names == ["bob@y.example", "carol@y.example"])
        #expect(message.text.hasSuffix("\n\n.\n..dots\n.\nFrom here\n\u{E9}\n"))
        #expect(!message.text.contains("blind"))
        #expect(daemon.requests == [.hello(version: ClientToControl.version), .submit])
        #expect(try spool.offline().isEmpty)
    }

    @Test func `-t takes the header's recipients, and a dot ends the message`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        let run = try spool.run(
            "-t", "arg@x.example", input: "To: a@x.example\nCc: \"b, c\" <b@x.example>\nBcc: d@x.example,\n e@x.example\n\none\n.\ntwo\n")
        #expect(run.code == 0)
        let message = try #require(daemon.messages.first)
        #expect(message.names.sorted() == ["a@x.example", "arg@x.example", "b@x.example", "d@x.example", "e@x.example"])
        #expect(message.text.hasSuffix("\n\none\n"))
        #expect(!message.text.contains("d@x.example"))
    }

    @Test func `good recipients get the message when others are unknown, and the caller hears of those`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path, .init { $0.recipients["bad"] = Reply(550, "5.1.1", "No such user") })
        defer { daemon.stop() }
        let run = try spool.run("-i", "good@x.example", "bad@x.example", ":no:", input: "Subject: s\n\nx\n")
        #expect(run.code == 67)
        #expect(run.error.contains("bad@x.example: 550 5.1.1 No such user"))
        #expect(run.error.contains(":no:"))
        #expect(daemon.messages.first?.names == ["good@x.example"])
        let nobody = try spool.run("-i", "bad@x.example", input: "Subject: s\n\nx\n")
        #expect(nobody.code == 67)
        #expect(daemon.messages.count == 1)
    }

    @Test func `a refusal of the message becomes a status and a text`() throws {
        for (verdict, code) in [(Verdict.refuse(Reply(452, "4.3.1", "Disk full")), CInt(75)), (.refuse(Reply(550, "5.6.0", "No")), 65)] {
            let spool = try Spool()
            let daemon = try FakeDaemon(spool.path, .init { $0.commit = verdict })
            defer { daemon.stop() }
            let run = try spool.run("-i", "bob@x.example", input: "Subject: s\n\nx\n")
            #expect(run.code == code)
            #expect(!run.error.isEmpty)
            #expect(daemon.messages.isEmpty)
            #expect(try spool.offline().isEmpty)
        }
    }

    @Test func `a message above the size limit is refused, known beforehand or not`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path, .init { $0.settings.limits.messageSize = 2000 })
        defer { daemon.stop() }
        let line = String(repeating: "x", count: 99) + "\n"
        let short = try spool.run("-i", "bob@x.example", input: "Subject: s\n\n" + String(repeating: line, count: 30))
        #expect(short.code == 65)
        #expect(short.error.contains("552"))
        let long = try spool.run("-i", "bob@x.example", input: "Subject: s\n\n" + String(repeating: line, count: 30_000))
        #expect(long.code == 65)
        #expect(daemon.messages.isEmpty)
    }

    @Test func `a long message passes whole`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        let body = String(repeating: ".a line of the message\n", count: 150_000)
        let run = try spool.run("-i", "bob@x.example", input: "Subject: s\n\n" + body)
        #expect(run.code == 0, "\(run.error)")
        #expect(daemon.messages.first?.text.hasSuffix("\n\n" + body) == true)
    }

    @Test func `a thousand recipients are all served, in arguments and in the header; more follow in a second transaction`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        let names = (0..<1000).map { "u\($0)@x.example" }
        #expect(try spool.run(["-i"] + names, input: Array("Subject: s\n\nx\n".utf8)).code == 0)
        #expect(try spool.run("-t", "-i", input: "To: \(names.joined(separator: ",\n "))\n\nx\n").code == 0)
        #expect(daemon.messages.map(\.names) == [names, names])
        #expect(try spool.run(["-i"] + names + ["last@x.example"], input: Array("Subject: s\n\nx\n".utf8)).code == 0)
        #expect(daemon.messages.dropFirst(2).map(\.recipients.count) == [1000, 1])
        #expect(daemon.messages.last?.text.hasSuffix("\n\nx\n") == true)
    }

    @Test func `fifty callers at once are all served`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        let run = try spool.shell(
            "for n in 1 2 3 4 5 6 7 8 9 10; do for m in 1 2 3 4 5; do echo $n.$m | $S -i u$n.$m@x.example & p=\"$p $!\"; done; done; for i in $p; do wait $i || exit 1; done")
        #expect(run.code == 0, "\(run.error)")
        #expect(Set(daemon.messages.flatMap(\.names)).count == 50)
    }

    @Test func `notification options travel to the daemon`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        let run = try spool.run(
            "-i", "-N", "success,failure", "-R", "hdrs", "-V", "an id=1", "bob@x.example", input: "Subject: s\n\nx\n")
        #expect(run.code == 0)
        let message = try #require(daemon.messages.first)
        #expect(message.recipients.first?.notify == [.success, .failure])
        #expect(message.facts.returnContent == .headers)
        #expect(message.facts.envelopeIdentifier == Array("an id=1".utf8))
        let strange = try spool.run("-i", "-N", "sometimes", "-V", "\u{7F}\n\u{E9}", "bob@x.example", input: "x\n")
        #expect(strange.code == 0, "\(strange.error)")
        #expect(daemon.messages.count == 2)
    }

    @Test func `-v shows the dialogue and delivers`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        let run = try spool.run("-v", "-i", "bob@x.example", input: "x\n")
        #expect(run.code == 0)
        #expect(run.output.contains(">>> EHLO localhost\n<<< 250"))
        #expect(daemon.messages.count == 1)
    }

    @Test func `-bv asks and delivers nothing`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path, .init { $0.recipients["bad"] = Reply(550, "5.1.1", "No") })
        defer { daemon.stop() }
        #expect(try spool.run(["-bv", "good@x.example"]).code == 0)
        let bad = try spool.run(["-bv", "good@x.example", "bad@x.example"])
        #expect(bad.code == 67)
        #expect(bad.output == "good@x.example... deliverable\nbad@x.example... 550 5.1.1 No\n")
        #expect(daemon.messages.isEmpty)
    }

    @Test func `a daemon that takes no sessions is a reason to try again, and says why`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path, .init { $0.submission = .failed("smtp is paused") })
        defer { daemon.stop() }
        let run = try spool.run("-i", "bob@x.example", input: "x\n")
        #expect(run.code == 75)
        #expect(run.error.contains("smtp is paused"))
        #expect(try spool.offline().isEmpty)
    }

    @Test(arguments: ["EHLO", "MAIL"])
    func `a daemon that dies before the message leaves it to the offline directory`(_ command: String) throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path, .init { $0.leavesAt = command })
        defer { daemon.stop() }
        let run = try spool.run("-i", "bob@x.example", input: "Subject: s\n\nx\n")
        #expect(run.code == 0, "\(run.error)")
        #expect(try spool.offline().map(\.names) == [["bob@x.example"]])
    }

    @Test func `a daemon that dies with the message leaves the caller to try again`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path, .init { $0.leavesAt = "Subject: s" })
        defer { daemon.stop() }
        #expect(try spool.run("-i", "bob@x.example", input: "Subject: s\n\nx\n").code == 75)
        #expect(try spool.offline().isEmpty)
    }
}

@Suite("sendmail while no daemon runs") struct OfflineDeliveryTests {
    @Test func `the message waits, and the caller is told that all is well`() throws {
        let spool = try Spool()
        let run = try spool.run("-t", "-f", "ada@x.example", input: "To: bob@x.example\nBcc: blind@x.example\n\nhi \u{E9}\0!")
        #expect(run.code == 0, "\(run.error)")
        #expect(run.error.isEmpty)
        let waiting = try #require(try spool.offline().first)
        #expect(waiting.envelope.sender.text == "ada@x.example")
        #expect(waiting.names == ["bob@x.example", "blind@x.example"])
        #expect(waiting.text.hasSuffix("\n\nhi \u{E9}!\n"))
        #expect(!waiting.text.contains("blind"))
        let list = try spool.run([], name: "mailq")
        #expect(list.output.split(separator: "\n").count == 2)
        for line in list.output.split(separator: "\n") {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false)
            #expect(fields.count == 14)
            #expect(fields[0].count == 16)
            #expect(fields[4] == "ada@x.example")
            #expect(fields[11] == "offline")
        }
    }

    @Test func `a socket that nobody serves is no daemon`() throws {
        let spool = try Spool()
        try FakeDaemon(spool.path).stop()
        usleep(200_000)
        #expect(try spool.run("-i", "bob@x.example", input: "x\n").code == 0)
        #expect(try spool.offline().count == 1)
    }

    @Test func `a long message waits whole`() throws {
        let spool = try Spool()
        let body = String(repeating: "a line of the message\r\n", count: 200_000)
        #expect(try spool.run("-i", "bob@x.example", input: "Subject: s\n\n" + body).code == 0)
        #expect(try spool.offline().first?.text.utf8.count ?? 0 > 4_000_000)
    }

    @Test func `what cannot wait is a reason to try again`() throws {
        let spool = try Spool()
        let file = try Files.open(spool.path + "/offline", O_RDWR | O_CREAT)
        try file.close()
        let run = try spool.run("-i", "bob@x.example", input: "x\n")
        #expect(run.code == 75)
        #expect(!run.error.isEmpty)
        let missing = try spool.run(["-i", "bob@x.example"], input: [], environment: ["MARTLET_SPOOL=/nonexistent"])
        #expect(missing.code == 75 || missing.code == 0)
    }

    @Test func `a full disk is a reason to try again and leaves nothing`() throws {
        let spool = try Spool()
        let big = Array(String(repeating: "x\n", count: 200_000).utf8)
        let run = try spool.shell("ulimit -f 100; exec $S -i bob@x.example", input: big)
        #expect(run.code == 75)
        #expect(!run.error.isEmpty)
        #expect(try spool.offline().isEmpty)
        #expect(try spool.run("-i", "bob@x.example", input: "x\n").code == 0)
    }

    @Test func `the file is the owner's alone whatever the umask`() throws {
        let spool = try Spool()
        for mask in ["0", "0777"] {
            #expect(try spool.shell("umask \(mask); exec $S -i bob@x.example", input: Array("x\n".utf8)).code == 0)
        }
        #expect(try spool.offline().count == 2)
    }

    @Test func `-bs says 421, -bv and -q say that nobody is there`() throws {
        let spool = try Spool()
        let session = try spool.run("-bs", input: "EHLO x\n")
        #expect(session.code == 75)
        #expect(session.output.hasPrefix("421 "))
        #expect(try spool.run(["-bv", "bob"]).code == 69)
        #expect(try spool.run(["-q"]).code == 69)
    }
}

@Suite("sendmail in bad surroundings") struct RobustnessTests {
    @Test(arguments: ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
    func `closed descriptors do no harm`(_ closing: String) throws {
        let spool = try Spool()
        let run = try spool.shell("exec $S -i bob@x.example \(closing)", input: Array("Subject: s\n\nx\n".utf8))
        #expect(run.code == 0)
        let waiting = try #require(try spool.offline().first)
        #expect(waiting.names == ["bob@x.example"])
        #expect(waiting.text.contains(closing.contains("<") ? "From:" : "\n\nx\n"))
        // A complaint does not land in the message's file.
        #expect(try spool.shell("exec $S -Z \(closing)").code == 64)
    }

    @Test func `an empty environment, no home, a deleted directory do no harm`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        let run = try spool.shell(
            "cd $MARTLET_SPOOL && mkdir d && cd d && rmdir ../d && exec /usr/bin/env -i MARTLET_SPOOL=$MARTLET_SPOOL $S -i bob@x.example",
            input: Array("x\n".utf8))
        #expect(run.code == 0, "\(run.error)")
        #expect(daemon.messages.count == 1)
    }

    @Test func `few descriptors suffice`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        #expect(try spool.shell("ulimit -n 8; exec $S -i bob@x.example", input: Array("x\n".utf8)).code == 0)
    }

    @Test func `LOGNAME and USER say nothing of the sender`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        let words = ["-i", "bob@x.example"]
        #expect(try spool.run(words, input: Array("From: x@y.example\n\n".utf8), environment: ["LOGNAME=mallory", "USER=mallory"]).code == 0)
        #expect(try spool.run(words, input: Array("x\n".utf8)).code == 0)
        let senders = daemon.messages.map(\.facts.sender.text)
        #expect(Set(senders).count == 1)
        #expect(senders.first?.hasPrefix("mallory") == false)
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGKILL])
    func `killed before the end of the input it has sent nothing`(_ number: CInt) throws {
        for hasDaemon in [true, false] {
            for size in [10, 3_000_000] {
                let spool = try Spool()
                let daemon = hasDaemon ? try FakeDaemon(spool.path) : nil
                defer { daemon?.stop() }
                let pair = try LocalSocket.pair()
                let process = try ChildProcess(
                    path: programPath(), arguments: ["sendmail", "-i", "bob@x.example"],
                    environment: ["MARTLET_SPOOL=\(spool.path)", "SWIFT_BACKTRACE=enable=no"]
                ).start(input: pair.second.raw)
                let sender = pair.first
                try pair.second.close()
                try Sockets.sendAll(sender.raw, [UInt8](repeating: UInt8(ascii: "x"), count: size))
                try ChildProcess.signal(process, number)
                #expect(try ChildProcess.wait(for: process) == .signalled(number))
                usleep(50_000)
                #expect(daemon?.messages.isEmpty ?? true)
                let names = (try? Files.list(spool.path + "/offline")) ?? []
                #expect(names.allSatisfy { $0.hasPrefix(".") }, "an unfinished file has another name")
            }
        }
    }

    @Test func `usage errors are 64, an empty -t is 65, and nothing waits for input`() throws {
        let spool = try Spool()
        #expect(try spool.run([]).code == 64)
        #expect(try spool.run(["-Z", "bob"]).code == 64)
        #expect(try spool.run(["-f", "a\nb", "bob"]).code == 64)
        let nobody = try spool.run("-t", input: "Subject: s\n\nTo: x\n")
        #expect(nobody.code == 65)
        #expect(nobody.error.contains("no recipients"))
        #expect(try spool.run("-i", "bob@x.example", input: String(repeating: "X: y\n", count: 1_000_000)).code == 65)
        #expect(try spool.offline().isEmpty)
        #expect(try spool.shell("exec $S -i bob@x.example < /").code == 74)
    }
}

@Suite("The other faces of sendmail") struct OtherModeTests {
    @Test func `-bs is a session of its own, with bare line feeds and several messages`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path, .init { $0.settings.acceptsBareLineFeed = false })
        defer { daemon.stop() }
        let message = "MAIL FROM:<a@x.example>\nRCPT TO:<b@x.example>\nDATA\nSubject: s\n\n..x\n.\n"
        let run = try spool.run("-bs", input: "EHLO x\n\(message)\(message)VRFY b\nNOOP\nRSET\nQUIT\n")
        #expect(run.code == 0, "\(run.error)")
        let codes = run.output.split(separator: "\r\n").filter { !$0.dropFirst(3).hasPrefix("-") }.map { String($0.prefix(3)) }
        #expect(codes == ["220", "250", "250", "250", "354", "250", "250", "250", "354", "250", "252", "250", "250", "221"])
        #expect(daemon.messages.count == 2)
        #expect(daemon.messages.first?.text.hasSuffix("\n\n.x\n") == true)
    }

    @Test func `-bs drops a message whose input ends`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path)
        defer { daemon.stop() }
        let run = try spool.run(
            "-bs", input: "EHLO x\nMAIL FROM:<a@x.example>\nRCPT TO:<b@x.example>\nDATA\nSubject: s\n\nx\n")
        #expect(run.code == 0)
        #expect(daemon.messages.isEmpty)
    }

    @Test func `mailq prints what the daemon lists and nothing else`() throws {
        let line = "5f3a9c1e00d1b2c4|inet4|mta|auth|a@x|b@y|b@y|1|2|3|1|pending|5|451 later\n"
        for (answers, output, code) in [
            ([ControlToClient.output(Array(line.utf8)), .output(Array(line.utf8)), .end], line + line, CInt(0)),
            ([.end], "", 0), ([.refused], "", 77), ([.failed("no")], "", 69), ([.incompatible(version: 9)], "", 69),
        ] {
            let spool = try Spool()
            let daemon = try FakeDaemon(spool.path, .init { $0.answers = answers })
            defer { daemon.stop() }
            let run = try spool.run([], name: "mailq")
            #expect(run.output == output)
            #expect(run.code == code)
            #expect(run.error.isEmpty == (code == 0))
            #expect(daemon.requests.last == .showQueue(nil))
            #expect(try spool.run(["-bp"]).output == output)
        }
    }

    @Test func `-q has everything tried now`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path, .init { $0.answers = [.done(count: 3)] })
        defer { daemon.stop() }
        for option in ["-q", "-q30m", "-qf"] { #expect(try spool.run([option]).code == 0) }
        #expect(daemon.requests.filter { $0 == .schedule(.all) }.count == 3)
    }

    @Test func `-bd says clearly what it cannot do`() throws {
        let spool = try Spool()
        let run = try spool.run(["-bd", "-q30m"])
        // On a machine with the daemon installed it would run.
        guard try Files.status(InstallationPaths.daemon) == nil else { return }
        #expect(run.code == 69)
        #expect(run.error.contains(InstallationPaths.daemon))
    }
}
