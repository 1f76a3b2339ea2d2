import Glibc
import Platform
import Testing

@Suite("The delivery programs (tools reference 10)") struct StandaloneTests {
    @Test func `mail.maildir delivers to the home's Maildir or a given one`() throws {
        let workshop = try Workshop()
        #expect(try workshop.run("mail.maildir", []).status == .exited(0))
        let names = try workshop.names("Maildir/new")
        #expect(names.count == 1)
        let parts = try #require(names.first).split(separator: ".", maxSplits: 2)
        #expect(parts.count == 3 && parts[1].utf8.count == 8)
        #expect(try workshop.content("Maildir/new/" + names[0]) == "A: b\n\nbody\n")
        #expect(try workshop.run("mail.maildir", ["sub/dir"]).status == .exited(0))
        #expect(try workshop.names("sub/dir/new").count == 1)
        #expect(try workshop.run("mail.maildir", [], environment: ["EXTENSION=none"]).status == .exited(0))
        #expect(try workshop.names("Maildir/new").count == 2)
        #expect(try workshop.run("mail.maildir", ["-j"], "X-Spam: Yes\n\n").status == .exited(0))
        #expect(try workshop.names("Maildir/.Junk/new").count == 1)
    }

    @Test func `mail.maildir exits 1 for mistakes in the call and 75 for trouble`() throws {
        let workshop = try Workshop()
        #expect(try workshop.run("mail.maildir", ["-x"]).status == .exited(1))
        #expect(try workshop.run("mail.maildir", ["a", "b"]).status == .exited(1))
        #expect(try workshop.run("mail.maildir", [""]).status == .exited(1))
        #expect(try workshop.run("mail.maildir", [String(repeating: "x", count: 5_000)]).status == .exited(1))
        #expect(try workshop.run("mail.maildir", ["/proc/Maildir"]).status == .exited(75))
        let (status, said) = try workshop.run("mail.maildir", ["/etc/passwd"])
        #expect(status == .exited(75))
        #expect(said == "mail.maildir: Maildir /etc/passwd is not a directory\n")
    }

    @Test func `mail.mboxfile appends with the sender it is given`() throws {
        let workshop = try Workshop()
        #expect(try workshop.run("mail.mboxfile", ["-f", "bob@example.org", "box"]).status == .exited(0))
        #expect(try workshop.run("mail.mboxfile", ["-f", "MAILER-DAEMON", "box"]).status == .exited(0))
        #expect(try workshop.run("mail.mboxfile", [workshop.home + "/box"]).status == .exited(0))
        let lines = try workshop.content("box").split(separator: "\n").filter { $0.hasPrefix("From ") }
        #expect(lines.map { $0.split(separator: " ")[1] } == ["bob@example.org", "MAILER-DAEMON", "MAILER-DAEMON"])
        #expect(try workshop.run("mail.mboxfile", []).status == .exited(1))
        #expect(try workshop.run("mail.mboxfile", ["-f", "a\nb", "box"]).status == .exited(1))
        symlink(workshop.home + "/box", workshop.home + "/link")
        #expect(try workshop.run("mail.mboxfile", ["link"]).status == .exited(75))
    }

    @Test func `many writers of one mbox never mix`() throws {
        let workshop = try Workshop()
        let input = workshop.path + "/big"
        let body = "A: b\n\n" + String(repeating: "a line of text\n", count: 20_000)
        try Files.writeAll(try Files.open(input, O_WRONLY | O_CREAT), Array(body.utf8))
        let processes = try (0..<8).map { _ in
            let file = try Files.open(input, O_RDONLY)
            return try workshop.start(as: "mail.mboxfile", ["box"], input: file.raw)
        }
        for process in processes { #expect(try ChildProcess.wait(for: process) == .exited(0)) }
        let content = try workshop.content("box")
        #expect(content.utf8.count == 8 * (body.utf8.count + 1) + content.split(separator: "\n").filter { $0.hasPrefix("From ") }.reduce(0) { $0 + $1.utf8.count + 1 })
        let messages = content.split(separator: "From MAILER-DAEMON ")
        #expect(messages.count == 8)
        for message in messages { #expect(message.drop { $0 != "\n" } == "\n" + body + "\n") }
        #expect(try workshop.names("") == ["box"])
    }

    @Test func `a full disk leaves the mailbox as it was and asks for another attempt`() throws {
        let workshop = try Workshop()
        #expect(try workshop.run("mail.mboxfile", ["box"]).status == .exited(0))
        let before = try workshop.content("box")
        // The size limit of files stands in for the disk's; it is inherited.
        var old = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &old)
        let (status, said) = try workshop.run("mail.mda", ["ulimit -f 1; exec \(workshop.path)/mail.mboxfile box"], String(repeating: "x\n", count: 100_000))
        #expect(status == .exited(127) || status == .exited(75), "\(said)")
        symlink(workshop.path + "/program", workshop.path + "/mail.mboxfile")
        let full = try workshop.run("mail.mda", ["ulimit -f 1; exec \(workshop.path)/mail.mboxfile box"], String(repeating: "x\n", count: 100_000))
        #expect(full.status == .exited(75))
        #expect(full.said.hasPrefix("mail.mboxfile: Mailbox full"))
        #expect(try workshop.content("box") == before)
        symlink(workshop.path + "/program", workshop.path + "/mail.maildir")
        let maildir = try workshop.run("mail.mda", ["ulimit -f 1; exec \(workshop.path)/mail.maildir"], String(repeating: "x\n", count: 100_000))
        #expect(maildir.status == .exited(75))
        #expect(try workshop.names("Maildir/new") == [])
        #expect(try workshop.names("Maildir/tmp") == [])
    }

    @Test func `a sender that needs the quotes of SMTP is taken without them`() throws {
        let workshop = try Workshop()
        #expect(try workshop.run("mail.mboxfile", ["-f", "a:b c@example.org", "box"]).status == .exited(0))
        #expect(try workshop.content("box").hasPrefix("From "))
        #expect(try workshop.run("mail.mboxfile", ["-f", "a\"b@example.org", "box"]).status == .exited(1))
        #expect(try workshop.run("mail.mboxfile", ["-f", "@example.org", "box"]).status == .exited(1))
    }

    @Test func `mail.mda gives the command's own exit status, 75 when it died`() throws {
        let workshop = try Workshop()
        #expect(try workshop.run("mail.mda", ["cat > out; exit 42"]).status == .exited(42))
        #expect(try workshop.content("out") == "A: b\n\nbody\n")
        #expect(try workshop.run("mail.mda", ["kill -9 $$"]).status == .exited(75))
        #expect(try workshop.run("mail.mda", []).status == .exited(1))
        #expect(try workshop.run("mail.mda", ["test \"$SENDER\" = x"], environment: ["SENDER=x"]).status == .exited(0))
    }

    @Test func `mail.lmtp exits 75 for mistakes in the call and where nobody listens`() throws {
        let workshop = try Workshop()
        for arguments in [[], ["-r", "-u"], ["-r", "x"], ["-d", "a b", "u"], ["-d", "/nonexistent", "u"], ["-d", "127.0.0.1:1", "u"]] {
            let (status, said) = try workshop.run("mail.lmtp", arguments)
            #expect(status == .exited(75), "\(arguments)")
            #expect(!said.isEmpty)
        }
    }
}
