// A spool of its own for each test, and running the program in it.
import Glibc
import Platform
import Submission
import Testing

/// A rootless installation in a fresh directory, removed afterwards.
struct Spool: ~Copyable {
    let path: String

    init() throws {
        var template = Array("/tmp/sendmail-test.XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!).map { String(cString: $0) } }
        path = try #require(made)
    }

    deinit { removeTree(path) }

    /// The messages in the offline directory; unfinished files have no place in it.
    func offline() throws -> [Waiting] {
        let directory = path + "/offline"
        guard try Files.status(directory) != nil else { return [] }
        return try Files.list(directory).map { name in
            #expect(!name.hasPrefix("."), "an unfinished file is left")
            let content = try Files.read(directory + "/" + name)
            let status = try #require(try Files.status(directory + "/" + name))
            #expect(status.permissions == 0o600)
            let read = try OfflineMessage(beginning: content, fileSize: Int64(content.count))
            return Waiting(
                envelope: read.envelope, text: String(decoding: content[read.messageOffset...], as: UTF8.self))
        }
    }

    struct Waiting {
        let envelope: SubmissionEnvelope
        let text: String
        var names: [String] { envelope.recipients.map(\.text) }
    }

    /// What a run left behind.
    struct Result {
        let status: Platform.ExitStatus
        let output: String
        let error: String
        var code: CInt { if case .exited(let code) = status { code } else { -1 } }
    }

    /// Runs `sendmail` under a name.
    func run(
        _ words: [String], input: [UInt8]? = nil, name: String = "sendmail", environment: [String] = []
    ) throws -> Result {
        try start(path: programPath(), arguments: [name] + words, input: input, environment: environment)
    }

    /// Runs the program that stores messages for `sendmail`.
    func runHelper(input: [UInt8]) throws -> Result {
        try start(
            path: programPath("sendmail-offline"), arguments: ["sendmail-offline"], input: input, environment: [])
    }

    func run(_ words: String..., input: String, name: String = "sendmail") throws -> Result {
        try run(words, input: Array(input.utf8), name: name)
    }

    /// Runs a shell command in which `$S` is the program.
    func shell(_ command: String, input: [UInt8] = []) throws -> Result {
        try start(
            path: "/bin/sh", arguments: ["sh", "-c", command], input: input, environment: ["S=\(try programPath())"])
    }

    private func start(
        path program: String, arguments: [String], input: [UInt8]?, environment: [String]
    ) throws -> Result {
        let number = "\(arguments.hashValue)"
        let (inputPath, outputPath, errorPath) = ("\(path)/in\(number)", "\(path)/out\(number)", "\(path)/err\(number)")
        let file = try Files.open(inputPath, O_RDWR | O_CREAT | O_TRUNC)
        try Files.writeAll(file, input ?? [])
        lseek(file.raw, 0, SEEK_SET)
        let output = try Files.open(outputPath, O_RDWR | O_CREAT | O_TRUNC)
        let error = try Files.open(errorPath, O_RDWR | O_CREAT | O_TRUNC)
        let process = try ChildProcess(
            path: program, arguments: arguments,
            environment: ["MARTLET_SPOOL=\(path)", "SWIFT_BACKTRACE=enable=no"] + environment
        ).start(input: input == nil ? nil : file.raw, output: output.raw, error: error.raw)
        let status = try ChildProcess.wait(for: process)
        return Result(
            status: status, output: String(decoding: try Files.read(outputPath), as: UTF8.self),
            error: String(decoding: try Files.read(errorPath), as: UTF8.self))
    }
}

/// The program lies beside the one that runs the tests.
func programPath(_ name: String = "sendmail") throws -> String {
    var room = [CChar](repeating: 0, count: 4096)
    let count = try checked("readlink") { readlink("/proc/self/exe", &room, room.count) }
    let own = String(decoding: room.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/" + name
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
