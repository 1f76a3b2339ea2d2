import Configuration
import EventLoop
import Filters
import Glibc
import Log
import Platform
import RoleProcess
import SMTPProtocol

/// The line to one start of a filter program: what is sent, gathered and bounded; what comes, given to whom it concerns;
/// and its end when the program is gone, silent or wrong.
@EventLoopActor
final class FilterConnection {
    private enum State {
        case registering
        case ready
        /// Nothing more is said or heard.
        case closed
    }

    /// A question that waits for its answer.
    private struct Waiter {
        let answered: @EventLoopActor (FilterDecision?) -> Void
        let since: MonotonicInstant
    }

    /// Octets on their way to the program above which content waits.
    static let congestion = 512 << 10
    /// Octets on their way to the program above which it is taken not to read any more.
    static let maximumBacklog = 32 << 20
    /// How long content waits for the next program of a chain to take some, so that two programs that wait for each
    /// other do not do so for ever.
    static let patience = Duration.seconds(1)

    let name: String
    let instance: UInt32
    private let timeout: Duration
    private let spoken: FilterProcess.ProtocolVersion
    private let log: Logger
    /// Told once, when the program is of no more use.
    private let ended: @EventLoopActor (FilterConnection) -> Void
    private let stream: ByteStream
    private var program: FilterProgram
    private var state = State.registering
    private var isRetired = false
    /// What it registered, which is still known when it has failed; nil before it is ready.
    private(set) var registration: FilterRegistration?

    private var output = WriteBacklog()
    private var isFlushPlanned = false
    private var isWriting = false
    private var lastWritten = MonotonicInstant.now()
    private var lastHeard = MonotonicInstant.now()
    private let began = MonotonicInstant.now()

    private var registrationWaiters: [UnsafeContinuation<Void, Never>] = []
    private var drainWaiters: [UnsafeContinuation<Void, Never>] = []
    private var waiters: [UInt64: Waiter] = [:]
    private var stages: [UInt64: ProgramContentStage] = [:]
    private var sessions: [UInt64: @EventLoopActor ([UInt8]) -> Void] = [:]
    private var timer: LoopTimer?
    /// Only while it is traced.
    private var lineTrace: FilterLineTrace?
    /// The last octet that came did not end a line.
    private var isWithinLine = false

    init(
        name: String, instance: UInt32, timeout: Int64, introduction: FilterIntroduction,
        socket: consuming OwnedDescriptor, log: Logger, ended: @escaping @EventLoopActor (FilterConnection) -> Void
    ) {
        self.name = name
        self.instance = instance
        self.timeout = .seconds(timeout)
        spoken = introduction.spoken
        self.log = log
        self.ended = ended
        stream = ByteStream(adopting: socket)
        program = FilterProgram(introduction: introduction, seed: .random(in: .min ... .max))
        send(introduction.bytes)
        watchTime()
        spawn { [self] in await listen() }
    }

    var isReady: Bool { if case .ready = state { true } else { false } }
    private var isClosed: Bool { if case .closed = state { true } else { false } }

    // MARK: Sessions

    /// - Parameter reported: Hears what the program reports of the session by itself.
    func attach(_ session: UInt64, reported: @escaping @EventLoopActor ([UInt8]) -> Void) { sessions[session] = reported }

    func detach(_ session: UInt64) {
        sessions[session] = nil
        program.forget(session)
        stages[session] = nil
        if let waiter = waiters.removeValue(forKey: session) { spawnAnswer(waiter.answered) }
        closeIfUnused()
    }

    /// Waits until the program has registered, or will not.
    func registered() async {
        guard case .registering = state else { return }
        await withUnsafeContinuation { registrationWaiters.append($0) }
    }

    /// No new session comes. Those that are open may finish.
    func retire() {
        isRetired = true
        closeIfUnused()
    }

    private func closeIfUnused() {
        guard isRetired, sessions.isEmpty, !isClosed else { return }
        close()
    }

    // MARK: Asking

    /// Puts a question.
    ///
    /// - Parameter answered: Called once, never before this returns; with nil when there is no answer.
    func ask(
        _ question: FilterQuestion, _ facts: FilterFacts, answered: @escaping @EventLoopActor (FilterDecision?) -> Void
    ) {
        guard isReady else { return spawnAnswer(answered) }
        let token = program.ask(question.phase, in: facts.session)
        waiters[facts.session] = Waiter(answered: answered, since: .now())
        watchTime()
        // Last, for a program that has let too much come together fails here, with all who wait for it.
        send(FilterLines.question(question, facts, token: token, at: .now(), in: spoken))
    }

    /// Tells somebody that there is no answer, later: whoever asks is not called back while he does.
    private func spawnAnswer(_ answered: @escaping @EventLoopActor (FilterDecision?) -> Void) {
        spawn { answered(nil) }
    }

    func report(_ event: ReportEvent, of session: UInt64, in subsystem: FilterSubsystem) {
        guard isReady else { return }
        send(FilterLines.report(event, of: session, in: subsystem, at: .now(), in: spoken))
    }

    // MARK: Content

    func beginContent(_ stage: ProgramContentStage, in session: UInt64) -> UInt64? {
        guard isReady else { return nil }
        stages[session] = stage
        watchTime()
        return program.beginContent(in: session)
    }

    func send(content lines: [UInt8], of session: UInt64, token: UInt64) {
        guard isReady else { return }
        if isTraced { log.trace(TraceSubjects.filters, "\(name) >>> \(FilterLineTrace.sent(content: lines, of: session))") }
        let prefix = FilterLines.contentPrefix(session: session, token: token, at: .now(), in: spoken)
        FilterLines.append(content: lines, prefix: prefix, onto: &output.gathered)
        sent()
    }

    func finishContent(of session: UInt64, token: UInt64) {
        send(FilterLines.contentPrefix(session: session, token: token, at: .now(), in: spoken) + Array(".\n".utf8))
    }

    func endContent(of session: UInt64) {
        stages[session] = nil
        program.endContent(in: session)
    }

    var isCongested: Bool { output.count > Self.congestion }

    func drained() async {
        guard isCongested, !isClosed else { return }
        await withUnsafeContinuation { drainWaiters.append($0) }
    }

    // MARK: Writing

    private func send(_ bytes: [UInt8]) {
        guard !isClosed else { return }
        if isTraced { traceSent(bytes) }
        output.gathered += bytes
        sent()
    }

    private func sent() {
        guard output.count <= Self.maximumBacklog else { return fail("does not read what it is sent") }
        guard !isFlushPlanned, !isWriting else { return }
        isFlushPlanned = true
        lastWritten = .now()
        afterLoopTurn { [self] in
            isFlushPlanned = false
            flush()
        }
    }

    private func flush() {
        guard !isClosed, !output.isEmpty, !isWriting, writeSome() else { return }
        isWriting = true
        watchTime()
        spawn { [self] in
            repeat {
                guard await stream.readiness.writable() == .ready else { break }
            } while writeSome()
            isWriting = false
        }
    }

    /// True when some is left.
    private func writeSome() -> Bool {
        let before = output.count
        switch output.write(to: stream) {
        case .written, .full: break
        case .failed(let error):
            failed(error)
            return false
        }
        if output.count < before { lastWritten = .now() }
        if !isCongested { resumeDrained() }
        return !output.isEmpty
    }

    private func resumeDrained() {
        let waiting = drainWaiters
        drainWaiters = []
        for waiter in waiting { waiter.resume() }
    }

    // MARK: Hearing

    private func listen() async {
        while !isClosed {
            switch await stream.read() {
            case .bytes(let bytes):
                lastHeard = .now()
                if isTraced { traceHeard(bytes) } else { lineTrace = nil }
                isWithinLine = bytes.last != 0x0A
                program.receive(bytes)
                await carryOut()
            case .end: close()
            case .timedOut: break
            case .failed(let error): if !isClosed { failed(error) }
            }
        }
    }

    private func carryOut() async {
        /// Who takes more slowly than the program gives.
        var slow: [any ContentSink] = []
        while !isClosed, let event = program.next() {
            switch event {
            case .ready:
                state = .ready
                registration = FilterRegistration(program.registration)
                log.debug("filter \(name) ready")
                resumeRegistered()
            case .decided(let session, let decision):
                waiters.removeValue(forKey: session)?.answered(decision)
            case .content(let session, let lines):
                if let sink = stages[session]?.give(lines), sink.isCongested, !slow.contains(where: { $0 === sink }) {
                    slow.append(sink)
                }
            case .contentFinished(let session):
                stages.removeValue(forKey: session)?.giveEnd()
            case .report(let session, let text):
                sessions[session]?(text)
            case .failed(let fault):
                fail(fault.text)
            }
        }
        for sink in slow { await sink.ready() }
    }

    // MARK: Tracing

    private var isTraced: Bool { log.settings.traces(TraceSubjects.filters) }

    private func traceSent(_ bytes: [UInt8]) {
        var trace = lineTrace ?? FilterLineTrace(isWithinLine: isWithinLine)
        for line in trace.send(bytes) { log.trace(TraceSubjects.filters, "\(name) >>> \(line)") }
        lineTrace = trace
    }

    private func traceHeard(_ bytes: [UInt8]) {
        var trace = lineTrace ?? FilterLineTrace(isWithinLine: isWithinLine)
        for line in trace.receive(bytes) { log.trace(TraceSubjects.filters, "\(name) <<< \(line)") }
        lineTrace = trace
    }

    private func resumeRegistered() {
        let waiting = registrationWaiters
        registrationWaiters = []
        for waiter in waiting { waiter.resume() }
    }

    // MARK: Time

    /// Looks every second, while somebody waits, whether it is too long.
    private func watchTime() {
        let timer = timer ?? LoopTimer { [weak self] in self?.tick() }
        self.timer = timer
        if !timer.isScheduled { timer.schedule(after: .seconds(1)) }
    }

    private func tick() {
        guard !isClosed else { return }
        let now = MonotonicInstant.now()
        if case .registering = state, now - began > timeout { return fail("has not registered in \(timeout.seconds) seconds") }
        if !output.isEmpty, now - lastWritten > timeout { return fail("does not read what it is sent") }
        for (session, waiter) in waiters where now - waiter.since > timeout {
            // One that says nothing at all is not going to answer anybody.
            if lastHeard < waiter.since { return fail("has not answered in \(timeout.seconds) seconds") }
            log.warning("filter \(name): no answer for session \(sessionText(session)) in \(timeout.seconds) seconds")
            waiters[session] = nil
            program.forget(session)
            spawnAnswer(waiter.answered)
        }
        for (session, stage) in stages {
            guard let since = stage.waitsSince, now - since > timeout else { continue }
            if lastHeard < since { return fail("has not answered in \(timeout.seconds) seconds") }
            log.warning("filter \(name): message of session \(sessionText(session)) not finished in \(timeout.seconds) seconds")
            stage.fail(ProgramContentStage.failure)
        }
        var isBusy = !waiters.isEmpty || !stages.isEmpty || !output.isEmpty
        if case .registering = state { isBusy = true }
        if isBusy { watchTime() } else { output.releaseMemory() }
    }

    private func sessionText(_ session: UInt64) -> String { String(decoding: FilterLines.digits(session), as: UTF8.self) }

    // MARK: The end

    /// The end of a program is for the parent to tell, who knows how it came.
    private func failed(_ error: SystemError) {
        if error.code == EPIPE || error.code == ECONNRESET { close() } else { fail("\(error)") }
    }

    private func fail(_ reason: String) {
        guard !isClosed else { return }
        log.warning("filter \(name): \(LogText.line(reason))")
        close()
    }

    /// Ends the line without a word in the log.
    func close() {
        guard !isClosed else { return }
        state = .closed
        stream.close()
        output.removeAll()
        timer?.cancel()
        let (open, flowing) = (waiters, stages)
        waiters = [:]
        stages = [:]
        for waiter in open.values { spawnAnswer(waiter.answered) }
        for stage in flowing.values { stage.fail(ProgramContentStage.failure) }
        resumeDrained()
        resumeRegistered()
        ended(self)
    }
}

extension Duration {
    /// Whole seconds.
    fileprivate var seconds: Int64 { components.seconds }
}
