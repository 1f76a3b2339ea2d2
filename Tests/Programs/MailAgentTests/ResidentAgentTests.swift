import AgentMessages
import Envelopes
import Glibc
import Platform
import Testing
import WireFormat

@Suite("The resident delivery agent (architecture 9)") struct ResidentAgentTests {
    @Test func `one batch goes to maildir, mbox, file and command, as the user`() throws {
        let workshop = try Workshop()
        let agent = try AgentUnderTest(workshop)
        let home = workshop.home
        let command = AgentCommand(
            line: "cat > command; echo $SENDER $EXTENSION $(id -u) > who", user: "ada", home: home, subaddress: "x",
            everyFailureIsTemporary: false)
        try agent.send([
            .deliver(try request(1, .maildir(path: home + "/Maildir", subaddress: "x", filesJunk: false))),
            .deliver(try request(2, .mbox(path: home + "/box"))),
            .deliver(try request(3, .file(path: home + "/file"))),
            .deliver(try request(4, .command(command))),
        ])
        let outcomes = try agent.outcomes(4)
        #expect(outcomes.count == 4)
        #expect(outcomes.values.allSatisfy { $0.isDelivered })
        let fields = "Return-Path: <bob@example.org>\nDelivered-To: ada+x@example.org\nA: b\n\nbody\n"
        let name = try #require(try workshop.names("Maildir/new").first)
        #expect(name.hasPrefix("1700000000.1234567800000001."))
        #expect(try workshop.content("Maildir/new/" + name) == fields)
        for mbox in ["box", "file"] {
            let content = try workshop.content(mbox)
            #expect(content.hasPrefix("From bob@example.org "))
            #expect(content.hasSuffix("\n" + fields + "\n"))
        }
        #expect(try workshop.content("command") == fields)
        #expect(try workshop.content("who") == "bob@example.org x \(workshop.identity?.uid ?? geteuid())\n")
        #expect(try Files.status(home + "/Maildir/new/" + name)?.user == workshop.identity?.uid ?? geteuid())
        #expect(try agent.finish() == .exited(0))
    }

    @Test func `bodies come as descriptors, one for each request and from any place of the file`() throws {
        let workshop = try Workshop()
        let agent = try AgentUnderTest(workshop)
        let big = String(repeating: "line of text\n", count: 100_000)
        let file = try Files.open(workshop.path + "/segment", O_RDWR | O_CREAT)
        try Files.writeAll(file, Array(("????A: 1\n\n" + big + "A: 2\n\n").utf8))
        let method = DeliveryMethod.maildir(path: workshop.home + "/Maildir", subaddress: nil, filesJunk: false)
        let first = UInt64(big.utf8.count + 6)
        try agent.send([.deliver(try request(1, method, .descriptor(offset: 4, size: first)))], descriptor: file.raw)
        try agent.send([.deliver(try request(2, method, .descriptor(offset: 4 + first, size: 6)))], descriptor: file.raw)
        try agent.send([.deliver(try request(3, method, .descriptor(offset: 4 + first, size: 7)))], descriptor: file.raw)
        let outcomes = try agent.outcomes(3)
        #expect(outcomes[1]?.isDelivered == true)
        #expect(outcomes[2]?.isDelivered == true)
        #expect(outcomes[3]?.temporaryStatus == "4.3.0")
        let names = try workshop.names("Maildir/new")
        #expect(names.count == 2)
        #expect(try workshop.content("Maildir/new/" + names[0]).hasSuffix("example.org\nA: 1\n\n" + big))
        #expect(try workshop.content("Maildir/new/" + names[1]).hasSuffix("example.org\nA: 2\n\n"))
        #expect(try agent.finish() == .exited(0))
    }

    @Test func `pipelined requests are all answered, and repeats add nothing`() throws {
        let workshop = try Workshop()
        let agent = try AgentUnderTest(workshop)
        let method = DeliveryMethod.maildir(path: workshop.home + "/Maildir", subaddress: nil, filesJunk: false)
        for isRepeat in [false, true] {
            // Less than a socket holds, since nobody reads meanwhile.
            for start in stride(from: UInt64(1), to: 300, by: 100) {
                try agent.send(try (start..<(start + 100)).map { .deliver(try request($0, method, isRepeat: isRepeat)) })
                let outcomes = try agent.outcomes(100)
                #expect(outcomes.count == 100)
                #expect(outcomes.values.allSatisfy { $0.isDelivered })
            }
        }
        #expect(try workshop.names("Maildir/new").count == 300)
        #expect(try agent.finish() == .exited(0))
    }

    @Test func `a message that has been here is a loop, whatever the method`() throws {
        let workshop = try Workshop()
        let agent = try AgentUnderTest(workshop)
        let body = DeliveryBody.inline(Array("Delivered-To: ADA@example.org\n\n".utf8))
        try agent.send([
            .deliver(try request(1, .maildir(path: workshop.home + "/Maildir", subaddress: nil, filesJunk: false), body)),
            .deliver(try request(2, .file(path: workshop.home + "/file"), body)),
        ])
        #expect(try agent.outcomes(2) == [1: .loop, 2: .loop])
        #expect(try workshop.names("") == [])
        #expect(try agent.finish() == .exited(0))
    }

    @Test func `a command that hangs holds up neither mail nor other commands`() throws {
        let workshop = try Workshop()
        let agent = try AgentUnderTest(workshop)
        func command(_ line: String) -> DeliveryMethod {
            .command(AgentCommand(line: line, user: "ada", home: workshop.home, subaddress: nil, everyFailureIsTemporary: false))
        }
        let hanging = try (1...16).map {
            DispatcherToAgent.deliver(try request($0, command("cat > /dev/null; while [ ! -e go ]; do sleep 0.02; done")))
        }
        try agent.send(hanging + [
            .deliver(try request(20, command("cat > /dev/null; exit 67"))),
            .deliver(try request(21, .file(path: workshop.home + "/file"))),
        ])
        // The seventeenth command waits for a place; the mail does not.
        #expect(try agent.outcomes(1).keys.sorted() == [21])
        try Files.writeAll(try Files.open(workshop.home + "/go", O_WRONLY | O_CREAT), [])
        let rest = try agent.outcomes(17)
        #expect(rest.count == 17)
        #expect(rest[20]?.permanentStatus == "5.1.1")
        #expect(try agent.finish() == .exited(0))
    }

    @Test func `what is under way is finished and answered when the dispatcher stops sending`() throws {
        let workshop = try Workshop()
        let agent = try AgentUnderTest(workshop)
        let command = AgentCommand(
            line: "echo begun > begun; cat > /dev/null; sleep 0.2; echo done > done", user: "ada", home: workshop.home, subaddress: nil,
            everyFailureIsTemporary: false)
        try agent.send([.deliver(try request(1, .command(command)))])
        while try !workshop.names("").contains("begun") { usleep(10_000) }
        shutdown(agent.socket.raw, CInt(SHUT_WR))
        #expect(try agent.outcomes(1)[1]?.isDelivered == true)
        #expect(try agent.receive() == nil)
        #expect(try agent.finish() == .exited(0))
    }

    /// One that outlived the server would deliver what is delivered again.
    @Test(arguments: [false, true]) func `commands end with the server, and those that want to finish may`(_ isWarned: Bool) throws {
        let workshop = try Workshop()
        let agent = try AgentUnderTest(workshop)
        func command(_ line: String) -> DeliveryMethod {
            .command(AgentCommand(line: line, user: "ada", home: workshop.home, subaddress: nil, everyFailureIsTemporary: false))
        }
        try agent.send([
            .deliver(try request(1, command("cat > /dev/null; (trap '' TERM; sleep 30; echo late > late) & echo $! > child; sleep 30"))),
            .deliver(try request(2, command("cat > /dev/null; echo begun > begun; sleep 0.2; echo done > done"))),
        ])
        while try !workshop.names("").contains("begun") || !workshop.names("").contains("child") { usleep(10_000) }
        if isWarned {
            try agent.send([
                .endCommands(withinMilliseconds: 1_000), .deliver(try request(3, command("echo begun > third"))),
                .deliver(try request(4, .file(path: workshop.home + "/file"))),
            ])
        } else {
            shutdown(agent.socket.raw, CInt(SHUT_WR))
        }
        let outcomes = try agent.outcomes(isWarned ? 3 : 2)
        #expect(outcomes[1] == .temporary(DeliveryFailure(status: "4.3.0", text: "terminated; the mail server stops")))
        #expect(outcomes[2]?.isDelivered == true)
        #expect(outcomes[4]?.isDelivered == (isWarned ? true : nil))
        #expect(try agent.finish() == .exited(0))
        #expect(try !workshop.names("").contains("third"))
        let child = try #require(pid_t(workshop.content("child").filter { $0.isNumber }))
        // Of the group, and killed with it.
        for _ in 0..<200 where kill(child, 0) == 0 { usleep(10_000) }
        #expect(kill(child, 0) == -1)
    }

    @Test func `started for mailboxes it does nothing else with its group`() throws {
        let workshop = try Workshop()
        let agent = try AgentUnderTest(workshop, ["-m"])
        let command = AgentCommand(
            line: "touch command", user: "ada", home: workshop.home, subaddress: nil, everyFailureIsTemporary: false)
        try agent.send([
            .deliver(try request(1, .mbox(path: workshop.home + "/box"))),
            .deliver(try request(2, .file(path: workshop.home + "/file"))),
            .deliver(try request(3, .command(command))),
            .deliver(try request(4, .maildir(path: workshop.home + "/Maildir", subaddress: nil, filesJunk: false))),
        ])
        let outcomes = try agent.outcomes(4)
        #expect(outcomes[1]?.isDelivered == true)
        for id in UInt64(2)...4 { #expect(outcomes[id]?.temporaryStatus == "4.3.5") }
        #expect(try workshop.names("") == ["box"])
        #expect(try agent.finish() == .exited(0))
    }

    @Test func `malformed input ends it with a message and nothing delivered`() throws {
        let workshop = try Workshop()
        let good = DispatcherToAgent.deliver(try request(1, .file(path: workshop.home + "/file"), .descriptor(offset: 0, size: 1)))
        let cases: [[UInt8]] = [
            [0, 0, 0, 1, 99], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], [0, 0x10, 0, 1],
            // Names a descriptor and brings none.
            try AgentUnderTest(workshop).frame(good),
        ]
        for bytes in cases {
            let agent = try AgentUnderTest(workshop)
            try agent.send(bytes)
            #expect(try agent.receive() == nil)
            #expect(try ChildProcess.wait(for: agent.process) == .exited(1))
        }
        let agent = try AgentUnderTest(workshop)
        let file = try Files.open("/dev/null", O_RDONLY)
        try agent.send([.endCommands(withinMilliseconds: 9)], descriptor: file.raw)
        #expect(try ChildProcess.wait(for: agent.process) == .exited(1))
        #expect(try workshop.names("") == [])
    }

    @Test func `a dispatcher that dies in mid-message ends it quietly`() throws {
        let workshop = try Workshop()
        let agent = try AgentUnderTest(workshop)
        try agent.send(Array(agent.frame(.deliver(try request(1, .file(path: workshop.home + "/file")))).dropLast(3)))
        #expect(try agent.finish() == .exited(0))
    }

    @Test func `killed at any time it leaves nothing torn, and its successor completes the work`() throws {
        let workshop = try Workshop()
        let method = DeliveryMethod.maildir(path: workshop.home + "/Maildir", subaddress: nil, filesJunk: false)
        let all = try (UInt64(1)...100).map { DispatcherToAgent.deliver(try request($0, method, isRepeat: true)) }
        for delay in 0..<12 {
            let agent = try AgentUnderTest(workshop)
            try agent.send(all)
            usleep(UInt32(delay) * 1_500)
            try ChildProcess.signal(agent.process, SIGKILL)
            _ = try ChildProcess.wait(for: agent.process)
            guard try Files.status(workshop.home + "/Maildir/new") != nil else { continue }
            for name in try workshop.names("Maildir/new") {
                #expect(try workshop.content("Maildir/new/" + name).hasSuffix("A: b\n\nbody\n"))
            }
        }
        let agent = try AgentUnderTest(workshop)
        try agent.send(all)
        #expect(try agent.outcomes(100).values.allSatisfy { $0.isDelivered })
        #expect(try workshop.names("Maildir/new").count == 100)
        #expect(try agent.finish() == .exited(0))
    }

    @Test func `as root it refuses to start`() throws {
        guard geteuid() == 0 else { return }
        let workshop = try Workshop()
        for name in ["mail.agent", "mail.maildir", "mail.mboxfile", "mail.lmtp", "mail.mda"] {
            let (status, said) = try workshop.run(name, ["x"], isRoot: true)
            #expect(status == .exited(1))
            #expect(said == "\(name): must not run as root\n")
        }
    }
}
