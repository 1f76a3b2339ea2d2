import Glibc
import Platform

/// The programs under test, at a place where the ordinary user can start them.
package enum Programs {
    /// The directory: copies, since the build directory has the delivery agent under one name only, and may be
    /// closed to others when root runs the tests.
    package static let directory: String = {
        // Another build's, such as one without a trait.
        let other = getenv("MARTLET_TEST_PROGRAMS").map { String(cString: $0) }
        let built = other ?? builtDirectory()
        copies = "/tmp/martlet-programs.\(getpid())"
        // Without its programs no test can run: the reason ends the run.
        try! Files.makeDirectory(copies, mode: 0o755)
        for name in ["smtpd", "smtpctl", "sendmail", "mail.agent", "makemap"] { try! copyProgram(built + "/" + name, to: copies + "/" + name) }
        for name in ["mail.maildir", "mail.mboxfile", "mail.lmtp", "mail.mda"] { symlink("mail.agent", copies + "/" + name) }
        symlink("sendmail", copies + "/newaliases")
        atexit { Scratch.removeTree(Programs.copies) }
        return copies
    }()

    // Written once, before the directory is known to anybody.
    private nonisolated(unsafe) static var copies = ""

    /// The programs lie beside the one that runs the tests.
    private static func builtDirectory() -> String {
        var room = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &room, room.count)
        let own = String(decoding: room.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }

    /// What a program left behind.
    package struct Run: Sendable {
        package let status: Platform.ExitStatus
        package let output: String
        package let error: String
        /// The exit status; -1 after a signal.
        package var code: CInt { if case .exited(let code) = status { code } else { -1 } }
        package var lines: [String] { output.split(whereSeparator: \.isNewline).map(String.init) }
    }

    /// Runs a program to its end.
    ///
    /// - Parameter identity: Whose rights it has; nil for the tests' own.
    package static func run(
        _ name: String, _ words: [String], input: String = "", environment: [String], identity: Identity?
    ) throws -> Run {
        let input = try unnamedFile(input)
        let output = try unnamedFile()
        let error = try unnamedFile()
        var program = ChildProcess(
            path: name.hasPrefix("/") ? name : directory + "/" + name, arguments: [name] + words,
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SWIFT_BACKTRACE=enable=no"] + environment)
        program.identity = identity
        program.directory = "/"
        let status = try ChildProcess.wait(
            for: program.start(input: input.raw, output: output.raw, error: error.raw))
        return Run(status: status, output: try content(of: output), error: try content(of: error))
    }

    private static func unnamedFile(_ text: String = "") throws -> OwnedDescriptor {
        var template = Array("/tmp/martlet-run.XXXXXX".utf8CString)
        let raw = try checked("mkstemp") { mkstemp(&template) }
        let file = OwnedDescriptor(adopting: raw)
        _ = try checked("unlink") { unlink(template) }
        try Files.writeAll(file, Array(text.utf8))
        _ = try checked("lseek") { lseek(raw, 0, SEEK_SET) }
        return file
    }

    private static func content(of file: borrowing OwnedDescriptor) throws -> String {
        let raw = file.raw
        _ = try checked("lseek") { lseek(raw, 0, SEEK_SET) }
        return String(decoding: try Files.readToEnd(file, limit: 1 << 30), as: UTF8.self)
    }
}
