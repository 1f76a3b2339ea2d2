import CPlatform
import Glibc

/// Descriptors that a service manager opened for this process before it started it: from number 3 on, as many as the
/// environment says (sd_listen_fds(3)).
///
/// A list of numbers which nobody owns yet: whoever takes it adopts each of them exactly once.
package struct PassedDescriptors: Sendable {
    /// One of them.
    package struct Entry: Hashable, Sendable {
        package let raw: CInt
        /// What the service manager calls it, `unknown` when it does not say.
        package let name: String
    }

    /// What is in the environment and makes no sense.
    package enum Problem: Error, Hashable, Sendable, CustomStringConvertible {
        case badProcess(String)
        case badCount(String)
        /// Counted, but there is no such descriptor.
        case notOpen(CInt)

        package var description: String {
            switch self {
            case .badProcess(let text): "LISTEN_PID=\(text): not the number of a process"
            case .badCount(let text): "LISTEN_FDS=\(text): not a number of descriptors up to \(maximum)"
            case .notOpen(let raw): "LISTEN_FDS counts descriptor \(raw), which is not open"
            }
        }
    }

    /// More than this is a mistake.
    package static let maximum = 1_024
    private static let first: CInt = 3
    private static let variables = ["LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"]

    package let entries: [Entry]

    /// Nothing was passed.
    package static let none = PassedDescriptors(entries: [])

    private init(entries: [Entry]) { self.entries = entries }

    /// Reads the values of the three variables; nothing was passed when they are for another process.
    ///
    /// - Parameter own: The number of this process.
    /// - Throws: ``Problem/badProcess(_:)`` and ``Problem/badCount(_:)``.
    package init(process: String?, count: String?, names: String?, own: pid_t) throws(Problem) {
        guard let process, let count else {
            entries = []
            return
        }
        guard let number = pid_t(process), number > 0 else { throw .badProcess(process) }
        guard number == own else {
            entries = []
            return
        }
        guard let total = Int(count), (0...Self.maximum).contains(total) else { throw .badCount(count) }
        let words = names?.split(separator: ":", omittingEmptySubsequences: false) ?? []
        entries = (0..<total).map { index in
            let name = index < words.count && !words[index].isEmpty ? String(words[index]) : "unknown"
            return Entry(raw: Self.first + CInt(index), name: name)
        }
    }

    /// What this process was passed. Programs that it starts see neither the descriptors nor the variables.
    ///
    /// To be called once, before anything else is started, and before the process goes on as another one: the variables
    /// are for the number that it has at its start.
    ///
    /// - Throws: ``Problem``.
    package static func take() throws(Problem) -> PassedDescriptors {
        func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        let process = value("LISTEN_PID"), count = value("LISTEN_FDS"), names = value("LISTEN_FDNAMES")
        for name in variables { unsetenv(name) }
        let passed = try PassedDescriptors(process: process, count: count, names: names, own: getpid())
        for entry in passed.entries where martlet_fcntl(entry.raw, F_SETFD, FD_CLOEXEC) == -1 { throw .notOpen(entry.raw) }
        return passed
    }
}
