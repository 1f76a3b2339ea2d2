import Synchronization

/// How grave a line is.
package enum LogLevel: Int, Comparable, Hashable, Sendable, CaseIterable {
    /// For whoever looks for a fault; shown only when verbose.
    case debug
    /// What happened.
    case info
    /// The world failed and work goes on.
    case warning
    /// Work was lost or given up.
    case error
    /// The program ends.
    case critical

    /// Whether `left` is less grave.
    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// A subject that can be traced by name, such as `expand` or `tables`; its lines appear only then.
package struct TraceSubject: Hashable, Sendable, ExpressibleByStringLiteral {
    /// As the operator writes it.
    package let name: String
    /// Of any name: who traces it decides what it means.
    package init(_ name: String) { self.name = name }
    /// The same, written as a literal.
    package init(stringLiteral name: String) { self.name = name }
}

/// What is logged, changeable while the program runs and from any thread.
package final class LogSettings: Sendable {
    private let threshold: Atomic<Int>
    private let subjects = Mutex<Set<TraceSubject>>([])
    /// Spares those who trace nothing the lock.
    private let tracesAnything = Atomic<Bool>(false)

    /// - Parameter isVerbose: Whether ``LogLevel/debug`` is logged, else from ``LogLevel/info`` on.
    package init(isVerbose: Bool = false) { threshold = Atomic(Self.threshold(isVerbose).rawValue) }

    /// Whether ``LogLevel/debug`` is logged.
    package var isVerbose: Bool {
        get { threshold.load(ordering: .relaxed) <= LogLevel.debug.rawValue }
        set { threshold.store(Self.threshold(newValue).rawValue, ordering: .relaxed) }
    }

    /// Whether lines of this level are logged.
    package func logs(_ level: LogLevel) -> Bool { level.rawValue >= threshold.load(ordering: .relaxed) }

    /// Whether lines of this subject are logged.
    package func traces(_ subject: TraceSubject) -> Bool {
        tracesAnything.load(ordering: .relaxed) && subjects.withLock { $0.contains(subject) }
    }

    /// Begins or ends the trace of a subject.
    package func setTracing(_ subject: TraceSubject, _ isOn: Bool) {
        subjects.withLock { subjects in
            if isOn { subjects.insert(subject) } else { subjects.remove(subject) }
            tracesAnything.store(!subjects.isEmpty, ordering: .relaxed)
        }
    }

    private static func threshold(_ isVerbose: Bool) -> LogLevel { isVerbose ? .debug : .info }
}

/// Where lines go: passed to whoever has something to say, never global.
///
/// A line is one line whatever is in it: control characters are escaped here, so callers may quote what a
/// stranger sent. Copies share their settings.
package struct Logger: Sendable {
    /// Shared with every copy.
    package let settings: LogSettings
    private let sink: any LogSink

    /// - Parameters:
    ///   - sink: Where the lines go.
    ///   - settings: What is logged; shared by whoever gets the same object.
    package init(_ sink: any LogSink, settings: LogSettings = LogSettings()) {
        self.sink = sink
        self.settings = settings
    }

    /// The text is not made when the level is not logged; so with the others.
    package func debug(_ text: @autoclosure () -> String) { log(.debug, text()) }
    /// What happened.
    package func info(_ text: @autoclosure () -> String) { log(.info, text()) }
    /// The world failed and work goes on.
    package func warning(_ text: @autoclosure () -> String) { log(.warning, text()) }
    /// Work was lost or given up.
    package func error(_ text: @autoclosure () -> String) { log(.error, text()) }
    /// The program ends, by the caller.
    package func critical(_ text: @autoclosure () -> String) { log(.critical, text()) }

    /// A line of any level.
    package func log(_ level: LogLevel, _ text: @autoclosure () -> String) {
        guard settings.logs(level) else { return }
        sink.write(level, LogText.line(text()))
    }

    /// A line of a subject, at level debug and with the subject's name, whatever the threshold is.
    package func trace(_ subject: TraceSubject, _ text: @autoclosure () -> String) {
        guard settings.traces(subject) else { return }
        sink.write(.debug, LogText.line("\(subject.name): \(text())"))
    }
}
