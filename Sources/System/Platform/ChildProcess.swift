import CPlatform
import Glibc

/// A program to start: what it gets, and as whom it runs. Nothing is inherited that is not named here.
package struct ChildProcess: Sendable {
    /// The program's file; no search.
    package var path: String
    /// The whole vector, the name included.
    package var arguments: [String]
    /// `NAME=value` each, and nothing else.
    package var environment: [String]
    /// Whose rights it has; nil for ours.
    package var identity: Identity?
    /// Becomes its root and working directory; nil for ours. Root alone can do this, and it comes first, as root.
    package var root: String?
    /// Entered as that user; nil for ours.
    package var directory: String?
    /// File mode creation mask; nil for ours.
    package var mask: mode_t?
    /// Whether it leads a session of its own, so that ``signalGroup(_:_:)`` reaches its children.
    package var startsSession = false
    /// Soft limit of open descriptors; nil for ours. 1024 for programs that may use `select`.
    package var openFiles: UInt64?

    /// With our identity, directory, mask and limits, and in our session.
    package init(path: String, arguments: [String], environment: [String]) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
    }

    /// Starts it.
    ///
    /// - Parameters: Descriptors that become 0 to 3, borrowed: nil is /dev/null, for `extra` closed.
    /// - Returns: Its process number, to be waited for by the caller.
    /// - Throws: Also what went wrong in the child until the program ran, such as `execve /x: No such file`;
    ///   EINVAL for a NUL in a string.
    package func start(
        input: CInt? = nil, output: CInt? = nil, error: CInt? = nil, extra: CInt? = nil
    ) throws(SystemError) -> pid_t {
        for text in arguments + environment + [path, directory ?? "", root ?? ""] where text.utf8.contains(0) {
            throw SystemError("start \(path)", code: EINVAL)
        }
        let groups = identity?.groups ?? []
        var request = martlet_spawn()
        request.descriptors = (input ?? -1, output ?? -1, error ?? -1, extra ?? -1)
        request.new_session = startsSession
        request.change_user = identity != nil
        request.user = identity?.uid ?? 0
        request.group = identity?.gid ?? 0
        request.group_count = groups.count
        request.mask = mask.map { CInt($0) } ?? -1
        request.open_files = openFiles ?? 0

        var step: UnsafePointer<CChar>?
        var code: CInt = 0
        let process = withVector(arguments) { arguments in
            withVector(environment) { environment in
                path.withCString { path in
                    withOptionalString(directory) { directory in
                        withOptionalString(root) { root in
                            groups.withUnsafeBufferPointer { groups in
                                request.path = path
                                request.arguments = arguments
                                request.environment = environment
                                request.root = root
                                request.directory = directory
                                request.groups = groups.baseAddress
                                let process = martlet_spawn(&request, &step)
                                code = errno
                                return process
                            }
                        }
                    }
                }
            }
        }
        guard process > 0 else {
            throw SystemError("\(step.map { String(cString: $0) } ?? "spawn") \(path)", code: code)
        }
        return process
    }

    private func withVector<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var copies = strings.map { strdup($0) }
        copies.append(nil)
        defer { for copy in copies { free(copy) } }
        // The array holds the final nil at least, so it has an address.
        return copies.withUnsafeBufferPointer { body($0.baseAddress!) }
    }

    private func withOptionalString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
        guard let text else { return body(nil) }
        return text.withCString { body($0) }
    }
}

/// How a process has ended.
package enum ExitStatus: Hashable, Sendable, CustomStringConvertible {
    case exited(CInt)
    case signalled(CInt)

    init(_ status: CInt) {
        var code: CInt = 0
        self = martlet_wait_exited(status, &code) ? .exited(code) : .signalled(martlet_wait_signal(status))
    }

    /// Exit status 0.
    package var isSuccess: Bool { self == .exited(0) }

    /// For logs: `exit status 75`, `signal 9`.
    package var description: String {
        switch self {
        case .exited(let code): "exit status \(code)"
        case .signalled(let number): "signal \(number)"
        }
    }
}

extension ChildProcess {
    /// One child that has ended, if any has; nil when none has or there is none.
    package static func reap() throws(SystemError) -> (process: pid_t, status: ExitStatus)? {
        var status: CInt = 0
        do throws(SystemError) {
            let process = try checked("waitpid") { waitpid(-1, &status, WNOHANG) }
            return process == 0 ? nil : (process, ExitStatus(status))
        } catch {
            if error.code == ECHILD { return nil }
            throw error
        }
    }

    /// Waits for one child.
    package static func wait(for process: pid_t) throws(SystemError) -> ExitStatus {
        var status: CInt = 0
        _ = try checked("waitpid") { waitpid(process, &status, 0) }
        return ExitStatus(status)
    }

    /// The status of one child if it has ended, else nil.
    package static func poll(_ process: pid_t) throws(SystemError) -> ExitStatus? {
        var status: CInt = 0
        let result = try checked("waitpid") { waitpid(process, &status, WNOHANG) }
        return result == 0 ? nil : ExitStatus(status)
    }

    /// Signals one process; one that is gone is fine.
    package static func signal(_ process: pid_t, _ number: CInt) throws(SystemError) {
        // 0 and negative numbers mean groups, -1 everybody.
        precondition(process > 0, "a process number is positive")
        try deliver(process, number)
    }

    /// Signals a child that leads a session, and what it has started.
    package static func signalGroup(_ leader: pid_t, _ number: CInt) throws(SystemError) {
        precondition(leader > 1, "group 1 would mean everybody")
        try deliver(-leader, number)
    }

    private static func deliver(_ target: pid_t, _ number: CInt) throws(SystemError) {
        do throws(SystemError) {
            _ = try checked("kill") { kill(target, number) }
        } catch {
            if error.code != ESRCH { throw error }
        }
    }
}
