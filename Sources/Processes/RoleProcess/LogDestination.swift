import Glibc
import JSON
import Log
import Platform

/// Where the log goes and in which form: what `log to` says, and what every process of the daemon is started with.
package struct LogDestination: Hashable, Sendable {
    package enum Target: String, Hashable, Sendable {
        case syslog
        case journal
        case standardError = "stderr"
    }

    package var target: Target
    /// Each line an object with time, level, process, text and fields; else words and `key=value`.
    package var isJSON: Bool

    package init(target: Target = .syslog, isJSON: Bool = false) {
        self.target = target
        self.isJSON = isJSON
    }

    /// The variable of the environment in which the parent tells its children.
    package static let variable = "MARTLET_LOG"

    /// `journal` or `journal,json`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard let target = parts.first.flatMap({ Target(rawValue: String($0)) }), parts.count == 1 || parts.dropFirst() == ["json"]
        else { return nil }
        self.init(target: target, isJSON: parts.count == 2)
    }

    package var text: String { target.rawValue + (isJSON ? ",json" : "") }

    /// Opens the log. Where there is no journal, the system's log takes its place.
    ///
    /// - Parameter process: The role's name.
    package func open(process: String, settings: LogSettings) -> Logger {
        var isMissing = false
        let sink: any LogSink
        switch target {
        case .syslog: sink = SyslogSink(program: "smtpd")
        case .standardError: sink = StandardErrorSink(program: isJSON ? nil : "smtpd")
        case .journal:
            if let journal = try? JournalSink(program: "smtpd") {
                sink = journal
            } else {
                isMissing = true
                sink = SyslogSink(program: "smtpd")
            }
        }
        let log = Logger(isJSON ? JSONSink(sink, process: process) : sink, settings: settings)
        if isMissing, process == "parent" { log.warning("there is no journal at \(JournalSink.path): logging to syslog") }
        return log
    }
}

/// Turns each line into an object of JSON and passes it on.
struct JSONSink: LogSink {
    private let sink: any LogSink
    private let process: String

    init(_ sink: any LogSink, process: String) {
        self.sink = sink
        self.process = process
    }

    func write(_ level: LogLevel, _ line: String) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let milliseconds = Int64(now.tv_sec) * 1_000 + Int64(now.tv_nsec) / 1_000_000
        sink.write(level, Self.object(level, line, process: process, milliseconds: milliseconds).line)
    }

    /// - Parameter milliseconds: Since 1970.
    static func object(_ level: LogLevel, _ line: String, process: String, milliseconds: Int64) -> JSONValue {
        let parts = LogFields(line)
        var seen: Set<String> = []
        // A name that comes twice would hide the first from most readers.
        let fields = parts.fields.filter { seen.insert($0.name).inserted }
        return .object([
            "time": .thousandths(milliseconds), "level": .text("\(level)"), "process": .text(process), "message": .text(parts.text),
            "fields": .object(fields.map { JSONValue.Member($0.name, .text($0.value)) }),
        ])
    }
}
