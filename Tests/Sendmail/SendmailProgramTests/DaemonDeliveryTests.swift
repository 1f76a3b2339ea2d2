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
            "-t", "arg@x.example",
            input: "To: a@x.example\nCc: \"b, c\" <b@x.example>\nBcc: d@x.example,\n e@x.example\n\none\n.\ntwo\n")
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
        for (verdict, code) in [
            (Verdict.refuse(Reply(452, "4.3.1", "Disk full")), CInt(75)), (.refuse(Reply(550, "5.6.0", "No")), 65)
        ] {
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
        let long = try spool.run(
            "-i", "bob@x.example", input: "Subject: s\n\n" + String(repeating: line, count: 30_000))
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

    @Test
    func `a thousand recipients are all served, in arguments and in the header; more follow in a second transaction`()
        throws
    {
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
            "for n in 1 2 3 4 5 6 7 8 9 10; do for m in 1 2 3 4 5; do echo $n.$m | $S -i u$n.$m@x.example & p=\"$p $!\"; done; done; for i in $p; do wait $i || exit 1; done"
        )
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
        // The greeting is not waited for.
        #expect(run.output.contains(">>> EHLO localhost\n<<< 220 "))
        #expect(run.output.contains(">>> MAIL FROM:<"))
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
