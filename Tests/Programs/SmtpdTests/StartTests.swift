import Glibc
import Platform
import Testing

@Suite("smtpd starts, or says why not") struct StartTests {
    @Test func `-P starts services paused, and resume lets them go`() throws {
        let daemon = try Daemon()
        try daemon.start(["-P", "mda", "-P", "mta"])
        #expect(try daemon.run("smtpctl", ["show", "status"]).output == "MDA paused\nMTA paused\nSMTP running\n")
        _ = try daemon.run("sendmail", ["bob@test.example"], input: "Subject: x\n\nx\n")
        usleep(300_000)
        #expect(try daemon.mailbox().isEmpty)
        #expect(try daemon.run("smtpctl", ["resume", "mda"]).code == 0)
        #expect(try daemon.eventually { try daemon.mailbox().count == 1 })
    }

    @Test func `-T tells of its subjects and of no other`() throws {
        let daemon = try Daemon()
        try daemon.start(["-T", "expand", "-T", "scheduler"])
        _ = try daemon.run("sendmail", ["bob@test.example"], input: "Subject: x\n\nx\n")
        #expect(try daemon.eventually { try daemon.mailbox().count == 1 })
        #expect(daemon.log.contains("smtpd: expand: <bob@test.example> "))
        #expect(daemon.log.contains("smtpd: scheduler: "))
        for subject in ["lookup", "mda", "queue", "rules", "smtp"] { #expect(!daemon.log.contains("smtpd: \(subject): ")) }
    }

    @Test(arguments: [
        (["-T", "nonsense"], "no such subject; there are bounce, expand"), (["-T", "profstat"], "not in this version"),
        (["-P", "imap"], "not mda, mta or smtp"), (["-x", "nobody"], "no such process"), (["-Z"], "unknown option -Z"),
        (["-f"], "needs an argument"), (["extra"], "unexpected argument extra"), (["-D", "novalue"], "not NAME=VALUE"),
    ])
    func `a bad command line ends with status 1 and the reason`(_ words: [String], _ reason: String) throws {
        let daemon = try Daemon()
        let run = try daemon.run("smtpd", words)
        #expect(run.code == 1)
        #expect(run.error.contains(reason), "\(run.error)")
        #expect(run.error.contains("usage: smtpd"))
    }

    @Test func `--version tells which components are in`() throws {
        let run = try Daemon().run("smtpd", ["--version"])
        #expect(run.code == 0)
        let lines = run.output.split(separator: "\n").map(String.init)
        #expect(lines.first?.hasPrefix("Martlet ") == true)
        #if PAM
        #expect(lines.contains { $0.hasPrefix("with: PAM") })
        #else
        #expect(lines.contains { $0.hasPrefix("without: PAM") })
        #endif
        let named = lines.dropFirst().flatMap { $0.split(separator: " ").dropFirst() }
        #expect(Set(named) == ["PAM", "DNSSEC", "SQLite", "MySQL", "PostgreSQL", "LDAP", "Redis"])
    }

    @Test func `a second daemon is refused and does the first no harm`() throws {
        let daemon = try Daemon()
        try daemon.start()
        let second = try daemon.run("smtpd", ["-d", "-f", daemon.path + "/smtpd.conf"])
        #expect(second.code == 1)
        #expect(second.error.contains("smtpd is running already"), "\(second.error)")
        #expect(try daemon.run("smtpctl", ["show", "status"]).code == 0)
        #expect(try Files.status(daemon.spool + "/smtpd.pid") != nil)
        #expect(try daemon.stop() == 0)
        #expect(try Files.status(daemon.spool + "/smtpd.pid") == nil)
        #expect(try Files.status(daemon.spool + "/smtpd.sock") == nil)
    }

    @Test func `what a killed daemon left behind is no obstacle`() throws {
        let daemon = try Daemon()
        try daemon.start()
        try daemon.kill()
        #expect(try Files.status(daemon.spool + "/smtpd.sock") != nil)
        // The lock of the spool goes with the last process.
        usleep(500_000)
        try daemon.start()
        #expect(try daemon.stop() == 0)
    }

    @Test func `without -d it goes into the background once it is ready`() throws {
        let daemon = try Daemon()
        let run = try daemon.run("smtpd", ["-f", daemon.path + "/smtpd.conf"])
        #expect(run.code == 0, "\(run.error)")
        #expect(run.output.isEmpty && run.error.isEmpty)
        // No waiting: it is ready when the command returns.
        #expect(try daemon.run("smtpctl", ["show", "status"]).code == 0)
        let number = String(decoding: try Files.read(daemon.spool + "/smtpd.pid"), as: UTF8.self)
        #expect(pid_t(number.dropLast()) != nil)
        #expect(try daemon.run("smtpctl", ["stop"]).code == 0)
        #expect(try daemon.eventually { try Files.status(daemon.spool + "/smtpd.pid") == nil })
    }

    @Test func `without -d a failed start is told where it was asked for`() throws {
        let daemon = try Daemon()
        chmod(daemon.spool, 0o777)
        let run = try daemon.run("smtpd", ["-f", daemon.path + "/smtpd.conf"])
        #expect(run.code == 1)
        #expect(run.error == "smtpd: \(daemon.spool) has mode 777, which lets others in; it should be 700\n")
        chmod(daemon.spool, 0o700)
        try Files.makeDirectory(daemon.spool + "/queue", mode: 0o700)
        try daemon.give(daemon.spool + "/queue")
        // The queue's process is the one that finds out.
        try Files.open(daemon.spool + "/queue/lock", O_WRONLY | O_CREAT, mode: 0).close()
        let late = try daemon.run("smtpd", ["-f", daemon.path + "/smtpd.conf"])
        if geteuid() == 0 {
            #expect(late.code == 1)
            #expect(late.error.contains("queue"), "\(late.error)")
        }
    }

    @Test func `-F says on standard error too why it does not start`() throws {
        let daemon = try Daemon()
        try Files.open(daemon.spool + "/offline", O_WRONLY | O_CREAT).close()
        try daemon.give(daemon.spool + "/offline")
        let run = try daemon.run("smtpd", ["-F", "-f", daemon.path + "/smtpd.conf"])
        #expect(run.code == 1)
        #expect(run.error == "smtpd: \(daemon.spool)/offline is no directory\n")
    }

    @Test func `a configuration that others can write is told of`() throws {
        let daemon = try Daemon()
        chmod(daemon.path + "/smtpd.conf", 0o666)
        let run = try daemon.run("smtpd", ["-n", "-f", daemon.path + "/smtpd.conf"])
        #expect(run.code == 0)
        #expect(run.error.contains("smtpd.conf: warning: others than its owner can write it"))
        #expect(run.error.contains("configuration OK"))
    }

    @Test func `a hangup reloads, at any time`() throws {
        let daemon = try Daemon()
        try daemon.start()
        for _ in 0..<5 { try daemon.signal(SIGHUP) }
        #expect(try daemon.eventually { daemon.log.contains("configuration reloaded") })
        #expect(try daemon.run("smtpctl", ["show", "status"]).code == 0)
    }

    @Test func `the stored queue of a stopped daemon is listed, and is delivered by the next all the same`() throws {
        let daemon = try Daemon()
        try daemon.start(["-P", "mda"])
        #expect(try daemon.run("sendmail", ["bob@test.example"], input: "Subject: x\n\nx\n").code == 0)
        let running = try daemon.run("smtpctl", ["show", "queue"]).output.split(separator: "|", omittingEmptySubsequences: false)
        #expect(running.count == 14)
        #expect(try daemon.stop() == 0)
        for (program, words) in [
            ("smtpctl", ["show", "queue"]), ("sendmail", ["-bp"]), ("smtpctl", ["show", "queue", String(running[0].prefix(8))]),
        ] {
            let run = try daemon.run(program, words)
            #expect(run.code == 0 && run.error == "", "\(run.error)")
            let stored = run.output.split(separator: "|", omittingEmptySubsequences: false)
            #expect(stored.count == 14)
            #expect(stored.prefix(11) == running.prefix(11))
            #expect(stored[11] == "offline")
        }
        #expect(try daemon.run("smtpctl", ["show", "queue", "00000001"]).output == "")
        try daemon.start()
        #expect(try daemon.eventually { try daemon.mailbox().count == 1 })
    }

    @Test func `a daemon that is down is said to be, and what waits for it is listed`() throws {
        let daemon = try Daemon()
        _ = try daemon.run("sendmail", ["bob@test.example"], input: "Subject: x\n\nx\n")
        let run = try daemon.run("smtpctl", ["show", "queue"])
        #expect(run.code == 0 && run.error == "", "\(run.error)")
        #expect(run.output.contains("|bob@test.example|"))
        #expect(run.output.contains("|offline|"))
        let other = try daemon.run("smtpctl", ["show", "stats"])
        #expect(other.code == 1 && other.output.isEmpty)
        #expect(other.error == "smtpctl: smtpd doesn't seem to be running\n")
    }
}
