import Glibc
import LoopTesting
import Testing

@testable import Platform

private let isRoot = geteuid() == 0

@Suite("Starting programs") struct ChildProcessTests {
    @Test func `nothing is inherited that is not named`() throws {
        // Descriptors without close-on-exec, as a careless library leaves them.
        var ends: [CInt] = [-1, -1]
        _ = try checked("pipe") { pipe(&ends) }
        defer { for end in ends { close(end) } }
        let outcome = try Probe.run(["inherited"]) { program in
            program.environment = ["ONE=1", "TWO=2"]
            program.startsSession = true
            program.mask = 0o027
            program.openFiles = 99
            program.directory = "/"
        }
        // The last descriptor is the directory being listed.
        for line in [
            "descriptors 0 1 2 3", "arguments 2", "environment ONE=1 TWO=2", "leader true", "Umask: 0027",
            "SigBlk: 0000000000000000", "files 99", "directory /",
        ] {
            #expect(outcome.lines.contains(line), "\(outcome.output)")
        }
        let ignored = try #require(outcome.lines.first { $0.hasPrefix("SigIgn: ") })
        let signals = try #require(UInt64(ignored.dropFirst(8), radix: 16))
        // 32 and 33 are the C library's, which lets nobody touch them.
        #expect(signals & ~0x1_8000_0000 == 0)
    }

    @Test(.enabled(if: isRoot)) func `a program runs as another user with that user's groups only`() throws {
        // A program of the system: ours may lie where that user cannot look.
        var program = ChildProcess(path: "/bin/cat", arguments: ["cat", "/proc/self/status"], environment: [])
        program.identity = Identity(uid: 12_345, gid: 12_346, groups: [12_346, 12_347])
        let output = try temporaryFile()
        #expect(try ChildProcess.wait(for: program.start(output: output.raw)) == .exited(0))
        let lines = try content(output).replacing("\t", with: " ").split(separator: "\n")
        #expect(lines.contains("Uid: 12345 12345 12345 12345"))
        #expect(lines.contains("Gid: 12346 12346 12346 12346"))
        #expect(lines.contains { $0.hasPrefix("Groups: 12346 12347") })
    }

    @Test func `each descriptor takes its place, whatever number it had`() throws {
        let pair = try LocalSocket.pair()
        let program = ChildProcess(
            path: "/bin/sh", arguments: ["sh", "-c", "echo out; echo err >&2; echo extra >&3; cat"], environment: [])
        let output = try temporaryFile(), error = try temporaryFile(), extra = try temporaryFile()
        let child = try program.start(input: pair.first.raw, output: output.raw, error: error.raw, extra: extra.raw)
        try Files.writeAll(pair.second, Array("in".utf8))
        try pair.second.close()
        #expect(try ChildProcess.wait(for: child) == .exited(0))
        #expect(try content(output) == "out\nin")
        #expect(try content(error) == "err\n")
        #expect(try content(extra) == "extra\n")
    }

    @Test func `what fails in the child is thrown here, with the call's name`() throws {
        var program = ChildProcess(path: "/nonexistent/program", arguments: ["program"], environment: [])
        #expect(throws: SystemError("execve /nonexistent/program", code: ENOENT)) { try program.start() }
        program = ChildProcess(path: "/bin/true", arguments: ["true"], environment: [])
        program.directory = "/nonexistent"
        #expect(throws: SystemError("chdir /bin/true", code: ENOENT)) { try program.start() }
        program.directory = nil
        program.arguments.append("a\0b")
        #expect(throws: SystemError("start /bin/true", code: EINVAL)) { try program.start() }
    }

    @Test func `a status says how it ended`() throws {
        let failing = ChildProcess(path: "/bin/sh", arguments: ["sh", "-c", "exit 75"], environment: [])
        #expect(try ChildProcess.wait(for: try failing.start()) == .exited(75))
        var sleeping = ChildProcess(path: "/bin/sh", arguments: ["sh", "-c", "sleep 60 & wait"], environment: ["PATH=/bin:/usr/bin"])
        sleeping.startsSession = true
        let child = try sleeping.start()
        #expect(try ChildProcess.poll(child) == nil)
        try ChildProcess.signalGroup(child, SIGKILL)
        #expect(try ChildProcess.wait(for: child) == .signalled(SIGKILL))
        // Gone: fine.
        try ChildProcess.signal(child, SIGTERM)
    }
}

@Suite("What a process says of itself") struct ThisProcessTests {
    @Test func `the title appears in ps and leaves the environment alone`() throws {
        for title in ["smtpd: queue", "x", String(repeating: "long ", count: 9)] {
            let outcome = try Probe.run(["title", title]) { $0.environment = ["PROBE=kept", "ROOM=" + String(repeating: "r", count: 60)] }
            #expect(outcome.lines == ["\(title)|\(title.prefix(15))|kept|kept"])
        }
    }

    @Test func `a title that does not fit is cut`() throws {
        let title = String(repeating: "t", count: 5000)
        let outcome = try Probe.run(["title", title]) { $0.arguments = ["LoopProbe", "title", title] }
        let shown = try #require(outcome.lines.first?.split(separator: "|").first)
        #expect(shown.count >= 4000 && shown.allSatisfy { $0 == "t" })
    }

    @Test func `random octets differ`() throws {
        #expect(try ThisProcess.randomBytes(0).isEmpty)
        #expect(try ThisProcess.randomBytes(32) != ThisProcess.randomBytes(32))
        #expect(try ThisProcess.randomBytes(100_000).count == 100_000)
    }
}

@Suite("Privileges", .enabled(if: isRoot)) struct PrivilegesTests {
    @Test func `a drop is complete and final`() throws {
        try withDirectory { directory in
            try Files.makeDirectory("\(directory)/inside", mode: 0o755)
            _ = try checked("chmod") { chmod(directory, 0o755) }
            let outcome = try Probe.run(["drop", "12345", directory])
            #expect(outcome.lines == ["ids 12345 12345 12345 12345 1", "back -1 -1 -1", "root inside"])
        }
    }

    @Test func `acting as a user has the user's rights and ends`() throws {
        try withDirectory { directory in
            let file = "\(directory)/secret"
            try Files.writeAll(try Files.open(file, O_WRONLY | O_CREAT, mode: 0o600), Array("12345".utf8))
            let refused = try Probe.run(["acting", "12345", file])
            #expect(refused.lines == ["as 12345 12345 1", "refused \(EACCES)", "again 0 0 5"])
            _ = try checked("chmod") { chmod(directory, 0o755) }
            _ = try checked("chown") { chown(file, 12345, 12345) }
            let read = try Probe.run(["acting", "12345", file])
            #expect(read.lines == ["as 12345 12345 1", "read", "again 0 0 5"])
        }
    }
}

/// A directory that is gone afterwards, with what one level below it.
func withDirectory(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/platform-tests-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
    let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    defer {
        for name in (try? Files.list(path)) ?? [] { remove("\(path)/\(name)") }
        rmdir(path)
    }
    try body(path)
}

/// A file without a name.
private func temporaryFile() throws -> OwnedDescriptor {
    var template = Array("/tmp/platform-tests-XXXXXX".utf8CString)
    let file = OwnedDescriptor(adopting: try checked("mkstemp") { mkstemp(&template) })
    _ = try checked("unlink") { unlink(template) }
    return file
}

private func content(_ file: borrowing OwnedDescriptor) throws -> String {
    let raw = file.raw
    _ = try checked("lseek") { lseek(raw, 0, SEEK_SET) }
    return String(decoding: try Files.readToEnd(file, limit: 4_096), as: UTF8.self)
}
