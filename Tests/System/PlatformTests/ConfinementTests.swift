import Glibc
import LoopTesting
import Testing

@testable import Platform

/// Whether this kernel has both means; without them the null form is what there is to see.
private let kernel: Confinement.Applied? = {
    guard let outcome = try? Probe.run(["confined", "files", "nowhere"]), let line = outcome.lines.first else { return nil }
    let words = line.split(separator: " ")
    guard words.count == 3 else { return nil }
    return Confinement.Applied(calls: words[1] == "true", paths: words[2] == "true")
}()

@Suite("System calls a process keeps", .enabled(if: kernel?.calls == true)) struct ConfinedCallsTests {
    @Test func `an event loop makes no other calls than those it is allowed`() throws {
        // Another call would kill it.
        let outcome = try Probe.run(["confined-loop"])
        #expect(outcome.lines == ["calls true true 4 8388608"])
        #expect(outcome.status == .exited(0))
    }

    @Test(arguments: [
        ([], "open 1 socket 1 packet 1 exec 1 code 1"),
        (["files"], "open 0 socket 1 packet 1 exec 1 code 1"),
        (["sockets"], "open 1 socket 0 packet 1 exec 1 code 1"),
        (["processes"], "open 1 socket 1 packet 1 exec 1 code 1"),
        (["files", "processes"], "open 0 socket 1 packet 1 exec 0 code 1"),
        (["code"], "open 1 socket 1 packet 1 exec 1 code 0"),
        (["files", "sockets", "processes", "code"], "open 0 socket 0 packet 1 exec 0 code 0"),
    ] as [([String], String)])
    func `each group gives what it says, the rest fails with EPERM`(_ groups: [String], _ expected: String) throws {
        let outcome = try Probe.run(["confined"] + groups)
        #expect(outcome.lines.dropFirst().joined(separator: " ") == expected)
        #expect(outcome.status == .exited(0))
    }

    @Test func `who is confined by a sandbox around him already goes on without what that withholds`() throws {
        let outcome = try Probe.run(["confined", "files", "again"])
        #expect(outcome.lines.prefix(2) == ["applied true false", "again false false"])
        #expect(outcome.status == .exited(0))
    }

    @Test func `a violation kills who asked for that`() throws {
        let outcome = try Probe.run(["confined", "kill"])
        #expect(outcome.lines == ["applied true false"])
        #expect(outcome.status == .signalled(SIGSYS))
    }
}

@Suite("Paths a process keeps", .enabled(if: kernel?.paths == true)) struct ConfinedPathsTests {
    @Test func `without a path nothing opens, and reading is not writing`() throws {
        let nowhere = try Probe.run(["confined", "files", "nowhere"])
        #expect(nowhere.lines.contains("open 13"))
        try withDirectory { directory in
            let reading = try Probe.run(["confined", "files", "r=/etc", "r=\(directory)"])
            #expect(reading.lines.contains("open 0"))
            #expect(reading.lines.contains("write 13") && !reading.lines.contains("write 0"))
        }
    }

    @Test func `below a writable directory files are made and removed`() throws {
        try withDirectory { directory in
            let outcome = try Probe.run(["confined", "files", "w=\(directory)"])
            #expect(outcome.lines.contains("open 13"))
            #expect(outcome.lines.contains("write 0") && outcome.lines.contains("remove 0"))
        }
    }

    @Test func `a path that does not exist is passed over`() throws {
        let outcome = try Probe.run(["confined", "files", "r=/nonexistent", "r=/etc"])
        #expect(outcome.lines.contains("open 0"))
    }
}
