import Glibc
import Platform
import Testing

@Suite("Messages that sendmail stored while no daemon ran") struct OfflineReplayTests {
    private static let name = "1700000000.0123456789abcdef"

    @Test func `are handed in at the start, once, and gone from the directory`() throws {
        let daemon = try Daemon()
        for number in 1...7 {
            let sent = try daemon.run(
                "sendmail", ["-i", "-f", "ada@test.example", "bob@test.example"], input: "Subject: \(number)\n\n.\nbody\n")
            #expect(sent.code == 0, "\(sent.error)")
        }
        #expect(try daemon.offline().count == 7)
        try daemon.start()
        #expect(try daemon.eventually { try daemon.mailbox().count == 7 && daemon.offline().isEmpty }, "\(daemon.log)")
        let subjects = try daemon.mailbox().compactMap { text in
            text.split(separator: "\n").first { $0.hasPrefix("Subject: ") }
        }
        #expect(Set(subjects).count == 7)
        #expect(try daemon.mailbox().allSatisfy { $0.contains("\n\n.\nbody\n") && $0.contains("Return-Path: <ada@test.example>") })
        #expect(try daemon.stop() == 0)
    }

    @Test func `a refused recipient costs the sender a report, and the others nothing`() throws {
        let daemon = try Daemon()
        _ = try daemon.run(
            "sendmail", ["-f", "ada@test.example", "bob@test.example", "refused@test.example"],
            input: "Subject: both\n\nx\n")
        try daemon.start()
        #expect(try daemon.eventually { try daemon.mailbox().count == 2 && daemon.offline().isEmpty }, "\(daemon.log)")
        let report = try #require(try daemon.mailbox().first { $0.contains("multipart/report") })
        #expect(report.contains("Final-Recipient: rfc822; refused@test.example"))
        #expect(report.contains("To: <ada@test.example>"))
        #expect(report.contains("Return-Path: <>"))
    }

    @Test func `one whose recipients and sender are all refused is set aside`() throws {
        let daemon = try Daemon()
        _ = try daemon.run(
            "sendmail", ["-f", "refused@test.example", "refused@test.example"], input: "Subject: lost\n\nx\n")
        try daemon.start()
        #expect(try daemon.eventually { try daemon.offline().isEmpty }, "\(daemon.log)")
        #expect(try Files.list(daemon.spool + "/corrupt").count == 1)
        #expect(try daemon.mailbox().isEmpty)
    }

    @Test func `what is no message is set aside or removed, and does not hinder the others`() throws {
        let daemon = try Daemon()
        let directory = daemon.spool + "/offline"
        try Files.makeDirectory(directory, mode: 0o700)
        try daemon.give(directory)
        func place(_ number: Int) -> String { "\(directory)/170000000\(number).0123456789abcdef" }
        for (number, content) in ["", "damaged", "martlet\u{1}"].enumerated() {
            let file = try Files.open(place(number), O_WRONLY | O_CREAT)
            try Files.writeAll(file, Array(content.utf8))
            try daemon.give(place(number))
        }
        symlink(daemon.path + "/smtpd.conf", place(3))
        mkfifo(place(4), 0o600)
        try Files.makeDirectory(place(5), mode: 0o700)
        for number in 3...5 { try daemon.give(place(number)) }
        link(place(1), directory + "/other")
        let unfinished = directory + "/.\(Self.name)"
        try Files.open(unfinished, O_WRONLY | O_CREAT).close()
        try daemon.give(unfinished)
        _ = try daemon.run("sendmail", ["bob@test.example"], input: "Subject: sound\n\nx\n")
        try daemon.start()
        #expect(try daemon.eventually { try daemon.mailbox().count == 1 && daemon.offline() == ["other"] }, "\(daemon.log)")
        #expect(try Files.list(daemon.spool + "/corrupt") == ["1700000002.0123456789abcdef", "1700000005.0123456789abcdef"])
        #expect(try Files.status(daemon.path + "/smtpd.conf") != nil)
        #expect(daemon.log.contains("offline message 1700000001.0123456789abcdef: a file with 2 names"))
    }

    @Test func `one that is being written is left alone`() throws {
        let daemon = try Daemon()
        let directory = daemon.spool + "/offline"
        try Files.makeDirectory(directory, mode: 0o700)
        try daemon.give(directory)
        let file = try Files.open(directory + "/.\(Self.name)", O_RDWR | O_CREAT)
        try daemon.give(directory + "/.\(Self.name)")
        #expect(try FileLock.flock.acquire(file))
        try daemon.start()
        usleep(1_500_000)
        #expect(try daemon.offline() == [".\(Self.name)"])
    }

    @Test func `nothing is lost while submission is paused`() throws {
        let daemon = try Daemon()
        _ = try daemon.run("sendmail", ["bob@test.example"], input: "Subject: wait\n\nx\n")
        try daemon.start(["-P", "smtp"])
        #expect(try daemon.eventually { daemon.log.contains("stays: exit status 75") }, "\(daemon.log)")
        #expect(try daemon.offline().count == 1)
        #expect(try daemon.mailbox().isEmpty)
    }
}
