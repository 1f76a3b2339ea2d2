import Configuration
import EventLoop
import Filters
import Glibc
import Log
import MailSyntax
import Platform
import ProcessMessages
import SMTPProtocol

/// The filter programs that run, as the parent has started them.
@EventLoopActor
final class FilterPrograms {
    private unowned let dispatcher: DispatcherProcess
    /// Those for new sessions, by name.
    private var current: [String: FilterConnection] = [:]
    /// All that are open, with those that only old sessions use.
    private var open: [UInt32: FilterConnection] = [:]

    init(dispatcher: DispatcherProcess) { self.dispatcher = dispatcher }

    /// The program of a name, for a new session; nil while it does not run.
    subscript(name: String) -> FilterConnection? { current[name] }

    func started(_ name: String, _ instance: UInt32, _ socket: consuming OwnedDescriptor) {
        let view = dispatcher.view
        let settings = view.filterProcesses.first { $0.name == name } ?? FilterProcess(name: name, command: "")
        let uses = FilterPlan.subsystems(
            filters: view.filters, listeners: view.listeners + [view.submission], actions: view.actions)
        let introduction = FilterIntroduction(
            version: Self.version, sessionTimeout: Int64(view.session.idleSeconds), subsystems: uses[name] ?? [],
            admd: view.admd, spoken: settings.spoken)
        let connection = FilterConnection(
            name: name, instance: instance, timeout: settings.timeout, introduction: introduction, socket: socket,
            log: dispatcher.log
        ) { [unowned self] connection in ended(connection) }
        current[name] = connection
        open[instance] = connection
    }

    /// Libraries of filters read it as a version of OpenSMTPD, and this is the one whose protocol is spoken.
    private static let version = "7.8.0-martlet"

    func retired(_ name: String, _ instance: UInt32) {
        guard let connection = open[instance] else { return }
        if current[name] === connection { current[name] = nil }
        connection.retire()
    }

    private func ended(_ connection: FilterConnection) {
        open[connection.instance] = nil
        if current[connection.name] === connection { current[connection.name] = nil }
        dispatcher.parent?.send(.endFilter(instance: connection.instance))
    }

    // MARK: Standard error

    /// Lines within ten seconds that go to the log.
    private nonisolated static let maximumLines = 100
    private nonisolated static let period = Duration.seconds(10)
    /// Octets of a line that go to the log.
    private nonisolated static let maximumLine = 1_000

    /// Has what a program writes to standard error go to the log, up to a bound.
    func listen(to name: String, _ pipe: consuming OwnedDescriptor) {
        let stream = ByteStream(adopting: pipe)
        let log = dispatcher.log
        spawn {
            var line: [UInt8] = []
            var count = 0
            var begin = MonotonicInstant.now()
            func tell() {
                if MonotonicInstant.now() - begin > Self.period {
                    if count > Self.maximumLines { log.warning("\(name): \(count - Self.maximumLines) more lines") }
                    begin = .now()
                    count = 0
                }
                count += 1
                guard count <= Self.maximumLines else { return }
                log.warning("\(name): \(LogText.line(String(decoding: line, as: UTF8.self)))")
            }
            reading: while true {
                switch await stream.read() {
                case .bytes(let bytes):
                    for part in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
                        if part.offset > 0 {
                            if !line.isEmpty { tell() }
                            line = []
                        }
                        line += part.element.prefix(max(0, Self.maximumLine - line.count))
                    }
                case .end, .timedOut, .failed: break reading
                }
            }
            if !line.isEmpty { tell() }
            stream.close()
        }
    }
}

extension FilterTime {
    /// The wall clock.
    static func now() -> FilterTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return FilterTime(seconds: Int64(time.tv_sec), microseconds: Int32(truncatingIfNeeded: time.tv_nsec / 1_000))
    }
}

extension DispatcherProcess {
    /// The filters that a reference stands for, for a new session.
    func filters(
        _ reference: FilterReference, _ subsystem: FilterSubsystem, _ facts: FilterFacts, _ domain: Domain
    ) -> SessionFilters {
        // Who the programs report to, once it is there.
        let box = FiltersBox()
        let members = FilterPlan.chain(reference, in: view.filters).compactMap { filter in
            member(filter, subsystem, facts.session) { text in
                box.filters?.report(.filterReport(.program, name: filter.name, text: text))
            }
        }
        let filters = SessionFilters(members: members, facts: facts, domain: domain)
        box.filters = filters
        return filters
    }

    private func member(
        _ filter: FilterDefinition, _ subsystem: FilterSubsystem, _ session: UInt64,
        reported: @escaping @EventLoopActor ([UInt8]) -> Void
    ) -> (any SessionFilter)? {
        switch filter.kind {
        case .builtin(let builtin):
            return subsystem == .incoming ? BuiltinSessionFilter(name: filter.name, builtin, dispatcher: self) : nil
        case .process(let name):
            let settings = view.filterProcesses.first { $0.name == name } ?? FilterProcess(name: name, command: "")
            return ProgramSessionFilter(
                name: filter.name, session: session, subsystem: subsystem, settings: settings,
                connection: filterPrograms[name], reported: reported)
        case .milter(let settings):
            guard subsystem == .incoming else { return nil }
            return MilterSessionFilter(name: filter.name, settings: settings, host: self, log: log)
        case .chain, .legacy:
            // Chains are resolved, and what the other grammar calls a filter has no meaning.
            return nil
        }
    }
}

/// Filters that are to know of each other before all are made.
@EventLoopActor
private final class FiltersBox {
    weak var filters: SessionFilters?
}
