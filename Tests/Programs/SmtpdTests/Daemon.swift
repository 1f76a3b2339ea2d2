import Glibc
import Platform
import ServerTesting
import Testing

/// The programs in a scratch directory of an ordinary user, with a rootless installation beside them; root runs
/// them as nobody. Everything is removed, and the daemon ended, when the value goes away.
final class Daemon {
    let path: String
    /// The installation: `MARTLET_SPOOL`.
    let spool: String
    private let identity: Identity?
    private var process: pid_t?

    private static let programs = ["smtpd", "smtpctl", "sendmail", "mail.agent"]
    /// Of an unknown user, whom the system's database has under the name nobody.
    private static let nobody: uid_t = 65_534

    init() throws {
        var template = Array("/tmp/martlet-daemon.XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        spool = path + "/spool"
        identity = geteuid() == 0 ? Identity(uid: Self.nobody, gid: Self.nobody, groups: []) : nil
        chmod(path, 0o755)
        let built = try builtDirectory()
        for name in Self.programs { try copyProgram(built + "/" + name, to: path + "/" + name) }
        try Files.makeDirectory(spool, mode: 0o700)
        try give(spool)
        try write("smtpd.conf", """
            table people { "@test.example" = "\(try userName())" }
            action deliver maildir "\(spool)/Maildir" virtual <people> user \(try userName())
            match from any for rcpt-to "refused@test.example" reject
            match from any for domain "test.example" action deliver
            """)
    }

    deinit {
        if let process {
            try? ChildProcess.signal(process, SIGTERM)
            _ = try? ChildProcess.wait(for: process)
        }
        removeTree(path)
    }

    private func userName() throws -> String {
        try #require(try Users.withID(identity?.uid ?? geteuid())).name
    }

    /// Makes a file or directory the user's own.
    func give(_ path: String) throws {
        if let identity { _ = try checked("chown") { lchown(path, identity.uid, identity.gid) } }
    }

    func write(_ name: String, _ text: String) throws {
        let file = try Files.open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try Files.writeAll(file, Array((text + "\n").utf8))
    }

    // MARK: The daemon

    var log: String { (try? Files.read(path + "/log")).map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// Starts smtpd in the foreground and waits until it answers.
    func start(_ options: [String] = []) throws {
        let log = try Files.open(path + "/log", O_WRONLY | O_CREAT | O_APPEND)
        let started = try program("smtpd", ["-d", "-v", "-f", path + "/smtpd.conf"] + options).start(error: log.raw)
        process = started
        for _ in 0..<400 {
            if try run("smtpctl", ["show", "status"]).code == 0 { return }
            guard try ChildProcess.poll(started) == nil else { break }
            usleep(50_000)
        }
        Issue.record("smtpd does not start: \(self.log)")
    }

    func signal(_ number: CInt) throws { try ChildProcess.signal(try #require(process), number) }

    /// Ends it without a chance to tidy up; its other processes follow by themselves.
    func kill() throws {
        try signal(SIGKILL)
        _ = try ChildProcess.wait(for: try #require(process))
        process = nil
    }

    /// Ends it, and gives its exit status.
    func stop() throws -> CInt {
        let running = try #require(process)
        process = nil
        try ChildProcess.signal(running, SIGTERM)
        return code(try ChildProcess.wait(for: running))
    }

    /// Waits up to ten seconds for something to come true.
    func eventually(_ condition: () throws -> Bool) throws -> Bool {
        for _ in 0..<200 {
            if try condition() { return true }
            usleep(50_000)
        }
        return try condition()
    }

    // MARK: Programs

    struct Result {
        let code: CInt
        let output: String
        let error: String
    }

    private func program(_ name: String, _ words: [String]) -> ChildProcess {
        var program = ChildProcess(
            path: path + "/" + name, arguments: [name] + words,
            environment: ["MARTLET_SPOOL=\(spool)", "PATH=/usr/bin:/bin", "SWIFT_BACKTRACE=enable=no"])
        program.identity = identity
        return program
    }

    func run(_ name: String, _ words: [String], input: String = "") throws -> Result {
        func scratch(_ name: String) throws -> OwnedDescriptor {
            try Files.open(path + "/" + name, O_RDWR | O_CREAT | O_TRUNC)
        }
        let standardInput = try scratch("in")
        let output = try scratch("out")
        let error = try scratch("err")
        try Files.writeAll(standardInput, Array(input.utf8))
        lseek(standardInput.raw, 0, SEEK_SET)
        let started = try program(name, words).start(input: standardInput.raw, output: output.raw, error: error.raw)
        let status = try ChildProcess.wait(for: started)
        func text(_ name: String) throws -> String { String(decoding: try Files.read(path + "/" + name), as: UTF8.self) }
        return Result(code: code(status), output: try text("out"), error: try text("err"))
    }

    private func code(_ status: Platform.ExitStatus) -> CInt { if case .exited(let code) = status { code } else { -1 } }

    // MARK: What is there

    /// The delivered messages.
    func mailbox() throws -> [String] {
        let folder = spool + "/Maildir/new"
        guard try Files.status(folder) != nil else { return [] }
        return try Files.list(folder).map { String(decoding: try Files.read(folder + "/" + $0), as: UTF8.self) }
    }

    /// The names in the offline directory.
    func offline() throws -> [String] {
        try Files.status(spool + "/offline") == nil ? [] : try Files.list(spool + "/offline")
    }
}

/// The programs lie beside the one that runs the tests.
private func builtDirectory() throws -> String {
    var room = [CChar](repeating: 0, count: 4096)
    let count = try checked("readlink") { readlink("/proc/self/exe", &room, room.count) }
    let own = String(decoding: room.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
}

private func removeTree(_ path: String) {
    // What cannot be removed stays in /tmp; no test depends on it.
    for name in (try? Files.list(path)) ?? [] {
        let child = path + "/" + name
        if let status = try? Files.status(child), status.isDirectory {
            removeTree(child)
        } else {
            try? Files.remove(child)
        }
    }
    rmdir(path)
}
