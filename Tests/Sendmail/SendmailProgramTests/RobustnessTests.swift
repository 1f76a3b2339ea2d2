import ControlMessages
import Envelopes
import Glibc
import Platform
import SMTPProtocol
import Submission
import Testing

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
        #expect(
            try spool.run(
                words, input: Array("From: x@y.example\n\n".utf8), environment: ["LOGNAME=mallory", "USER=mallory"]
            ).code == 0)
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
