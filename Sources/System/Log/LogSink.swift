import CPlatform
import Glibc
import Platform

/// Takes finished lines. Writing must not fail the program: there is nobody to tell.
package protocol LogSink: Sendable {
    /// - Parameter line: Without a line break, escaped.
    func write(_ level: LogLevel, _ line: String)
}

/// Standard error as `program: line`, for programs in the foreground; time is the terminal's business.
package struct StandardErrorSink: LogSink {
    private let program: String?
    /// - Parameter program: What stands before each line; nil for nothing.
    package init(program: String?) { self.program = program }
    /// Writes at once and unbuffered.
    package func write(_ level: LogLevel, _ line: String) { Diagnostics.say(program.map { "\($0): \(line)" } ?? line) }
}

/// The system's log, facility mail.
///
/// One per process. The connection is made at once and so outlives chroot.
package struct SyslogSink: LogSink {
    /// - Parameter program: What stands before the process number in each line.
    package init(program: String) {
        guard martlet_open_syslog(program) == 0 else { Diagnostics.fail("no memory for the log") }
    }

    /// Writes with the priority of the level.
    package func write(_ level: LogLevel, _ line: String) {
        let priority =
            switch level {
            case .debug: LOG_DEBUG
            case .info: LOG_INFO
            case .warning: LOG_WARNING
            case .error: LOG_ERR
            case .critical: LOG_CRIT
            }
        martlet_write_syslog(priority, line)
    }
}

/// Nowhere.
package struct NullSink: LogSink {
    /// For tests and for programs without a log.
    package init() {}
    /// Does nothing.
    package func write(_ level: LogLevel, _ line: String) {}
}
