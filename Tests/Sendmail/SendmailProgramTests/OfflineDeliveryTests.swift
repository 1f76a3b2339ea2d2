import ControlMessages
import Envelopes
import Glibc
import Platform
import SMTPProtocol
import Submission
import Testing

@Suite("sendmail while no daemon runs") struct OfflineDeliveryTests {
    @Test func `the message waits, and the caller is told that all is well`() throws {
        let spool = try Spool()
        let run = try spool.run(
            "-t", "-f", "ada@x.example", input: "To: bob@x.example\nBcc: blind@x.example\n\nhi \u{E9}\0!")
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
