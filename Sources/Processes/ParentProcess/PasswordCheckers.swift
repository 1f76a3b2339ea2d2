import Authentication
import EventLoop
import Glibc
import Log
import Platform
import ProcessMessages
import RoleProcess
import WireFormat

/// The checkers that run, and the questions that wait for one: a process for each comparison of a password, so that
/// none of them holds up another, nor us.
///
/// Why a process: crypt(3) takes a tenth of a second and PAM several, so neither belongs on an event loop; modules of
/// PAM are code of others that may keep state, leak, or crash; and a hash of a table needs no right at all, so that
/// comparison runs as the daemon's user, confined. A start costs some milliseconds, little beside the comparison.
@EventLoopActor
final class PasswordCheckers {
    /// Checkers that run at once: enough for modules that sleep, few enough to leave time for mail.
    static let maximumRunning = 16
    /// Questions that wait; beyond them the answer is "not now".
    static let maximumWaiting = 256
    /// What a checker has for its answer, its start included.
    static let timeLimit = Duration.seconds(30)

    private let installation: InstallationPaths
    private let log: Logger
    private let errorOutput: CInt?
    private var running: Set<pid_t> = []
    var runningCount: Int { running.count }
    private var count = 0
    private var waiting: [UnsafeContinuation<Bool, Never>] = []

    /// - Parameter errorOutput: Standard error of the checkers, nil for none.
    init(installation: InstallationPaths, log: Logger, errorOutput: CInt?) {
        self.installation = installation
        self.log = log
        self.errorOutput = errorOutput
    }

    /// Has a checker compare.
    func check(_ question: PasswordQuestion) async -> PasswordVerdict {
        guard await enter() else { return .unavailable("too many passwords to check") }
        defer { leave() }
        do throws(SystemError) {
            return try await run(question)
        } catch {
            return .unavailable("password checker: \(error)")
        }
    }

    /// Takes the end of a child; false when it is none of ours.
    func childEnded(_ process: pid_t) -> Bool { running.remove(process) != nil }

    /// Waits for a place among those that run; false when too many wait.
    private func enter() async -> Bool {
        if count < Self.maximumRunning {
            count += 1
            return true
        }
        guard waiting.count < Self.maximumWaiting else { return false }
        return await withUnsafeContinuation { waiting.append($0) }
    }

    /// Gives the place to the next, or back.
    private func leave() {
        guard !waiting.isEmpty else {
            count -= 1
            return
        }
        waiting.removeFirst().resume(returning: true)
    }

    private func run(_ question: PasswordQuestion) async throws(SystemError) -> PasswordVerdict {
        let deadline = MonotonicInstant.now() + Self.timeLimit
        let pair = try LocalSocket.pair()
        let process = try start(question, socket: pair.second)
        running.insert(process)
        // Ours is the only reference left here: the end of the stream is the end of the checker.
        try pair.second.close()
        let stream = ByteStream(adopting: pair.first)
        defer { stream.close() }
        let answer = await exchange(question, over: stream, deadline: deadline)
        // A checker that has answered ends by itself; one that hangs must not.
        if answer == nil, running.contains(process) { try ChildProcess.signal(process, SIGKILL) }
        guard let answer else { return .unavailable("password checker gave no answer") }
        return answer
    }

    private func exchange(
        _ question: PasswordQuestion, over stream: ByteStream, deadline: MonotonicInstant
    ) async -> PasswordVerdict? {
        guard case .written = await stream.write(question.encoded, deadline: deadline) else { return nil }
        do throws(SystemError) { try stream.finishWriting() } catch { return nil }
        var bytes: [UInt8] = []
        while bytes.count <= PrintableLine.maximumLength + 16 {
            switch await stream.read(deadline: deadline) {
            case .bytes(let more): bytes += more
            case .end:
                do throws(WireError) {
                    return try PasswordVerdict(decoding: bytes[...])
                } catch {
                    return nil
                }
            case .timedOut, .failed: return nil
            }
        }
        return nil
    }

    private func start(_ question: PasswordQuestion, socket: borrowing OwnedDescriptor) throws(SystemError) -> pid_t {
        var program = ChildProcess(
            path: "/proc/self/exe", arguments: ["smtpd", "-x", "checker"] + (errorOutput == nil ? [] : ["-d"]),
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        program.startsSession = true
        program.openFiles = 1_024
        if case .stored = question, !installation.isRootless {
            guard let user = try Users.named(DaemonAccounts.daemonUser) else {
                throw SystemError("user \(DaemonAccounts.daemonUser)", code: ENOENT)
            }
            program.identity = Identity(alone: user)
        }
        return try program.start(error: errorOutput, extra: socket.raw)
    }
}
