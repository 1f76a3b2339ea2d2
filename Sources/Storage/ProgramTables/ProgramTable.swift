import EventLoop
import Glibc
import Log
import Platform
import Tables

/// A table that a program answers for: carries out what ``TableProgram`` decides, over the socket to the program.
///
/// It starts nothing itself: who may do that is a ``TableProgramLauncher``.
@EventLoopActor
package final class ProgramTable {
    /// As the configuration has it.
    package let definition: TableDefinition
    private let log: Logger
    private let launcher: any TableProgramLauncher
    private var machine: TableProgram
    private var cache: TableCache?
    private var stream: ByteStream?
    /// The request that started the process.
    private var process: UInt64?
    private var waiters: [UInt64: @EventLoopActor (TableProgramOutcome) -> Void] = [:]
    private var lastQuestion: UInt64 = 0
    private var timer: LoopTimer?

    /// - Parameter launcher: Has the program started, and ended.
    package init(_ definition: TableDefinition, launcher: any TableProgramLauncher, log: Logger) {
        self.definition = definition
        self.launcher = launcher
        self.log = log
        machine = TableProgram(table: definition.name)
        cache = definition.cacheLifetime.map { TableCache(seconds: $0) }
        timer = LoopTimer { [weak self] in
            guard let self else { return }
            perform(machine.passed(at: .now()))
        }
    }

    /// Starts the program before anybody asks.
    package func start() { perform(machine.start(at: .now())) }

    /// An answer that is still good; nil when the program has to be asked.
    package func remembered(_ query: TableQuery) -> TableAnswer? { cache?.answer(query, at: TableProgram.Time.now().monotonic) }

    /// Calls back with the answer; whatever is wrong with the program is a failure.
    package func ask(_ query: TableQuery, then report: @escaping @EventLoopActor (TableAnswer) -> Void) {
        ask(TableProgramRequest(query)) { [weak self] outcome in
            switch outcome {
            case .answer(let answer):
                self?.cache?.note(answer, to: query, at: TableProgram.Time.now().monotonic)
                report(answer)
            case .failed(let reason): report(.failed(reason))
            case .updated, .services: preconditionFailure("the machine answers what was asked")
            }
        }
    }

    /// Has the program read its data again; calls back with the reason why it did not.
    package func update(then report: @escaping @EventLoopActor (String?) -> Void) {
        cache?.forgetAll()
        ask(.update) { [weak self] outcome in
            self?.cache?.forgetAll()
            if case .failed(let reason) = outcome { report(reason) } else { report(nil) }
        }
    }

    /// Whether the program says that it serves something; false when it does not say.
    package func serves(_ service: TableService) async -> Bool {
        await withUnsafeContinuation { continuation in
            ask(.services) { outcome in
                if case .services(let services?) = outcome {
                    continuation.resume(returning: services.contains(service))
                } else {
                    continuation.resume(returning: false)
                }
            }
        }
    }

    /// Ends it: the table is not in the configuration any more.
    package func close() {
        perform(machine.close())
        timer?.cancel()
    }

    private func ask(_ request: TableProgramRequest, then report: @escaping @EventLoopActor (TableProgramOutcome) -> Void) {
        lastQuestion += 1
        waiters[lastQuestion] = report
        perform(machine.ask(lastQuestion, request, at: .now()))
    }

    // MARK: Carrying out

    private func perform(_ steps: [TableProgram.Step]) {
        for step in steps {
            switch step {
            case .start: launch()
            case .send(let bytes): send(bytes)
            case .stop: stop()
            // Whoever is told may ask again, which comes back here.
            case .answer(let question, let outcome): waiters.removeValue(forKey: question)?(outcome)
            case .warn(let text): log.warning(text)
            case .note(let text): log.info(text)
            }
        }
        if let deadline = machine.deadline {
            timer?.schedule(at: MonotonicInstant(nanoseconds: deadline.wholeNanoseconds))
        } else {
            timer?.cancel()
        }
    }

    private func launch() {
        spawn { [self] in
            let started = await launcher.start(definition.name)
            guard let stream = started.stream else {
                return perform(machine.notStarted(started.failure ?? "no socket came", at: .now()))
            }
            self.stream = stream
            process = started.request
            perform(machine.started(at: .now()))
            while self.stream === stream {
                let result = await stream.read()
                guard self.stream === stream else { return }
                switch result {
                case .bytes(let bytes): perform(machine.receive(bytes, at: .now()))
                case .end: perform(machine.ended("has ended", at: .now()))
                case .timedOut: preconditionFailure("a read without a deadline")
                case .failed(let error): perform(machine.ended("is gone: \(error)", at: .now()))
                }
            }
        }
    }

    /// At once: what may be open fits into the socket's buffer, so one that is full belongs to a program that does
    /// not read.
    private func send(_ bytes: [UInt8]) {
        guard let stream else { return }
        var rest = bytes
        switch stream.tryWrite(&rest) {
        case .written: break
        case .full: perform(machine.ended("does not read", at: .now()))
        // The end of the stream, which is read next, says the same; after it nothing is.
        case .failed(let error): perform(machine.ended("is gone: \(error)", at: .now()))
        }
    }

    private func stop() {
        stream?.close()
        stream = nil
        if let process { launcher.end(process) }
        process = nil
    }
}

/// Who can start the program of a table.
@EventLoopActor
package protocol TableProgramLauncher: AnyObject {
    func start(_ table: String) async -> StartedProgram
    /// - Parameter request: That of what ``start(_:)`` returned.
    func end(_ request: UInt64)
}

/// What came of a start: the line to the program, or the reason why there is none.
package struct StartedProgram: Sendable {
    /// Names the process for ``TableProgramLauncher/end(_:)``.
    package var request: UInt64 = 0
    package var stream: ByteStream?
    package var failure: String?

    /// - Parameter failure: Why there is no program.
    package init(failure: String) { self.failure = failure }

    /// - Parameters:
    ///   - socket: Our end of the line; nil for none.
    ///   - failure: Why there is none.
    @EventLoopActor package init(request: UInt64 = 0, socket: consuming OwnedDescriptor?, failure: String? = nil) {
        self.request = request
        self.failure = failure
        if let socket = socket.take() { stream = ByteStream(adopting: socket) }
    }
}

extension TableProgram.Time {
    static func now() -> Self {
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        return Self(
            monotonic: .nanoseconds(MonotonicInstant.now().nanoseconds),
            wall: Int64(wall.tv_sec) * 1_000_000 + Int64(wall.tv_nsec) / 1_000)
    }
}
