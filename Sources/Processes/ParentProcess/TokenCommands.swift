import EventLoop
import Glibc
import Log
import Platform
import ProcessMessages
import RoleProcess
import WireFormat

/// Commands that print access tokens: a process for each run, with the rights of the user whom the operator named,
/// or of the daemon's, and never ours.
///
/// The command gets the secret of the credentials table on its standard input and says the token on its standard
/// output: nobody who lists processes or reads environments sees either.
@EventLoopActor
final class TokenCommands {
    /// What a command has for its answer.
    static let timeLimit = Duration.seconds(30)
    /// Commands that run at once. Each relay asks for one at a time, so that more are a mistake.
    static let maximumRunning = 32
    /// Octets of an answer that are read.
    private static let maximumOutput = RelayToken.maximumLength + 256

    private let installation: InstallationPaths
    private let errorOutput: CInt?
    private var running: Set<pid_t> = []
    private var ended: [pid_t: ExitStatus] = [:]
    /// Running, and nobody waits for their end.
    private var abandoned: Set<pid_t> = []

    /// - Parameter errorOutput: Standard error of the commands, nil for none.
    init(installation: InstallationPaths, errorOutput: CInt?) {
        self.installation = installation
        self.errorOutput = errorOutput
    }

    /// Runs a command to its end.
    func run(_ question: TokenQuestion) async -> TokenVerdict {
        guard running.count < Self.maximumRunning else { return .failed("too many commands run") }
        do throws(SystemError) {
            return try await output(of: question)
        } catch {
            return .failed("\(error)")
        }
    }

    /// Takes the end of a child; false when it is none of ours.
    func childEnded(_ process: pid_t, _ status: ExitStatus) -> Bool {
        guard running.remove(process) != nil else { return false }
        if abandoned.remove(process) == nil { ended[process] = status }
        return true
    }

    private func output(of question: TokenQuestion) async throws(SystemError) -> TokenVerdict {
        let deadline = MonotonicInstant.now() + Self.timeLimit
        let input = try Pipe()
        let output = try Pipe()
        let process = try start(question, input: input.reading, output: output.writing)
        running.insert(process)
        defer { ended[process] = nil }
        try input.writing.setNonBlocking()
        try output.reading.setNonBlocking()
        // Ours are the only other ends left here, so that an end of the stream is an end of the command.
        let writer = ByteStream(adopting: input.intoWriting())
        let reader = ByteStream(adopting: output.intoReading())
        defer { reader.close() }
        // A command that reads nothing may still know a token.
        _ = await writer.write(Array(question.secret.utf8) + [0x0A], deadline: deadline)
        writer.close()
        let bytes = await read(reader, deadline: deadline)
        while bytes != nil, ended[process] == nil, MonotonicInstant.now() < deadline { await pause(until: .now() + .milliseconds(5)) }
        guard let status = ended[process] else {
            // What it started goes with it. It is gone already when there is no such group.
            try? ChildProcess.signalGroup(process, SIGKILL)
            abandoned.insert(process)
            return .failed(bytes == nil ? "too long an answer, or none in half a minute" : "no end in half a minute")
        }
        guard status.isSuccess else { return .failed("\(status)") }
        return TokenAnswer.verdict(bytes ?? [])
    }

    /// What the command says until it ends its output; nil when that is too much or too late.
    private func read(_ stream: ByteStream, deadline: MonotonicInstant) async -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count <= Self.maximumOutput {
            switch await stream.read(deadline: deadline) {
            case .bytes(let more): bytes += more
            case .end: return bytes
            case .timedOut, .failed: return nil
            }
        }
        return nil
    }

    private func start(
        _ question: TokenQuestion, input: borrowing OwnedDescriptor, output: borrowing OwnedDescriptor
    ) throws(SystemError) -> pid_t {
        var environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SHELL=/bin/sh", "ACCOUNT=\(question.account)"]
        var program = ChildProcess(
            path: "/bin/sh", arguments: ["/bin/sh", "-c", question.command.line], environment: [])
        program.directory = "/"
        if question.command.user != nil || !installation.isRootless {
            let name = question.command.user ?? DaemonAccounts.daemonUser
            guard let user = try Users.named(name) else { throw SystemError("user \(name)", code: ENOENT) }
            // Without rights of ours to give away, only who we are can be meant.
            if installation.isRootless {
                guard user.uid == getuid() else { throw SystemError("user \(name)", code: EPERM) }
            } else {
                guard user.uid != 0 else { throw SystemError("a token command does not run as \(name)", code: EPERM) }
                program.identity = question.command.user == nil ? Identity(alone: user) : try Identity(withGroupsOf: user)
            }
            environment += ["HOME=\(user.home)", "LOGNAME=\(name)", "USER=\(name)"]
        }
        program.environment = environment
        program.startsSession = true
        program.openFiles = 1_024
        return try program.start(input: input.raw, output: output.raw, error: errorOutput)
    }
}

/// What a token command prints: the token in the first line, and in a second one, if it likes, for how many seconds it
/// is good.
enum TokenAnswer {
    static func verdict(_ output: [UInt8]) -> TokenVerdict {
        let lines = output.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
            line.last == 0x0D ? line.dropLast() : line
        }
        guard let token = lines.first, !token.isEmpty else { return .failed("it printed no token") }
        guard token.count <= RelayToken.maximumLength else { return .failed("the token is too long") }
        guard token.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return .failed("what it printed is no token") }
        guard lines.count > 1, !lines[1].isEmpty else { return .printed(Array(token), seconds: nil) }
        guard let seconds = UInt32(String(decoding: lines[1], as: UTF8.self)) else {
            return .failed("its second line is no number of seconds")
        }
        return .printed(Array(token), seconds: seconds)
    }
}
