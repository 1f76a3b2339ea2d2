import ControlMessages
import Envelopes
import Glibc
import Platform
import ServerTesting
import SMTPProtocol
import Submission
import Testing

@Suite("The other faces of sendmail") struct OtherModeTests {
    @Test func `-bs is a session of its own, with bare line feeds and several messages`() throws {
        let spool = try Spool()
        let daemon = try FakeDaemon(spool.path, .init { $0.settings.acceptsBareLineFeed = false })
        defer { daemon.stop() }
        let message = "MAIL FROM:<a@x.example>\nRCPT TO:<b@x.example>\nDATA\nSubject: s\n\n..x\n.\n"
        let run = try spool.run("-bs", input: "EHLO x\n\(message)\(message)VRFY b\nNOOP\nRSET\nQUIT\n")
        #expect(run.code == 0, "\(run.error)")
        let codes = run.output.split(separator: "\r\n").filter { !$0.dropFirst(3).hasPrefix("-") }.map {
            String($0.prefix(3))
        }
        #expect(
            codes == ["220", "250", "250", "250", "354", "250", "250", "250", "354", "250", "252", "250", "250", "221"])
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
            ([.end], "", 0), ([.refused], "", 77), ([.failed("no")], "", 69), ([.incompatible(version: 9)], "", 69)
        ] {
            let spool = try Spool()
            let daemon = try FakeDaemon(spool.path, .init { $0.answers = answers })
            defer { daemon.stop() }
            let run = try spool.run([], name: "mailq")
            #expect(run.output == output)
            #expect(run.code == code)
            #expect(run.error.isEmpty == (code == 0))
            #expect(daemon.requests.last == .showQueue(.all))
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
        // A copy that has no daemon beside it.
        let copy = spool.path + "/sendmail"
        try copyProgram(programPath(), to: copy)
        let run = try spool.shell("exec \(copy) -bd -q30m")
        #expect(run.code == 69)
        #expect(run.error.contains("cannot start \(spool.path)/smtpd"))
    }

    @Test func `starting is cheap: the libraries of the daemon are not loaded`() throws {
        let spool = try Spool()
        let loaded = try spool.run(["bob"], environment: ["LD_TRACE_LOADED_OBJECTS=1"]).output
        #expect(loaded.contains("libc.so"))
        for library in ["libevent", "libssl", "libcrypto", "libFoundation"] {
            #expect(!loaded.contains(library))
        }
    }
}

@Suite("The set-group-id program") struct OfflineHelperTests {
    /// Frames whose envelope makes no sense end before anything is opened.
    @Test(arguments: [
        [], [0], [0, 0, 0, 0], [0, 0, 0, 4, 1, 2, 3, 4], [0, 0, 0, 9, 1], [0xFF, 0xFF, 0xFF, 0xFF, 0],
        Array("MAIL FROM:<>\r\n".utf8)
    ])
    func `refuses what sendmail would not send it, wherever the environment points`(_ input: [UInt8]) throws {
        let spool = try Spool()
        try Files.makeDirectory(spool.path + "/offline", mode: 0o777)
        let run = try spool.runHelper(input: input)
        #expect(run.code == 65)
        #expect(!run.error.isEmpty)
        #expect(try spool.offline().isEmpty)
    }
}
