/// One SMTP session as one milter sees it: the protocol's order, without sockets and clocks.
///
/// The driver sends ``offer()`` and hears ``MilterNews/met``; then it tells events in the order of SMTP, each with
/// ``tell(_:_:)``, and carries the step out that it gets. After ``Step/ask(_:)`` it hands in what the milter sends
/// with ``receive(_:)`` and takes ``next()`` until that is a verdict. Any ``MilterFault`` ends the connection.
package struct MilterSession: Sendable {
    private enum State {
        /// Nothing was said.
        case unmet
        /// The offer was sent. Left by its answer (to `ready`).
        case offering
        /// Nothing is owed by either side.
        case ready
        /// A step was sent that is answered. Left by a verdict (to `ready`).
        case asking(MilterStage)
        /// It was told to quit, or has made a fault.
        case over
    }

    /// What the driver does for an event.
    package enum Step: Hashable, Sendable {
        /// The milter does not want to know.
        case nothing
        /// These octets may leave together with later ones.
        case send([UInt8])
        /// These octets leave now, and a verdict is waited for.
        case ask([UInt8])
    }

    private var state = State.unmet
    private var reader = MilterPacketReader()
    private var options = MilterOptions.offered
    private var chosenMacros: [MilterStage: [String]] = [:]
    /// The milter was told of a sender, and has neither heard of an end nor of an abort.
    private var isInMessage = false
    /// It wants no more of this session.
    private var isSessionDone = false
    /// It wants no more of this message.
    private var isMessageDone = false
    /// Stages it wants no more of in this message.
    private var skipped: Set<MilterStage> = []
    private var changes = ChangeLimits()

    /// - Parameter maximumBody: Octets of a body that a milter may put in place of another.
    package init(maximumBody: Int64) { changes.body = maximumBody }

    /// The first thing a milter hears.
    package mutating func offer() -> [UInt8] {
        guard case .unmet = state else { preconditionFailure("a milter is met once") }
        state = .offering
        var bytes: [UInt8] = []
        MilterCommand.offer(.offered).encode(onto: &bytes)
        return bytes
    }

    /// Whether something would be sent for a stage: for whoever has to make an effort for it.
    package func wants(_ stage: MilterStage) -> Bool {
        guard !isSessionDone, stage.isOfSession || stage == .mail || !isMessageDone, !skipped.contains(stage) else { return false }
        if let omission = stage.omission, options.steps.contains(omission) { return false }
        return options.version >= stage.sinceVersion
    }

    /// Tells of an event.
    ///
    /// - Precondition: The milter was met, and a step that it was asked about has its verdict.
    package mutating func tell(_ event: MilterEvent, _ macros: MilterMacros) -> Step {
        guard case .ready = state else { preconditionFailure("told while an answer is due") }
        let stage = event.stage
        var bytes: [UInt8] = []
        if stage == .mail, !isSessionDone {
            bytes = abort()
            isInMessage = true
        }
        guard wants(stage) else { return bytes.isEmpty ? .nothing : .send(bytes) }
        let values = macros.values(for: stage, chosen: chosenMacros[stage])
        if !values.isEmpty { MilterCommand.macros(for: stage, values).encode(onto: &bytes) }
        command(for: event).encode(onto: &bytes)
        if let silence = stage.silence, options.steps.contains(silence) { return .send(bytes) }
        state = .asking(stage)
        return .ask(bytes)
    }

    private func command(for event: MilterEvent) -> MilterCommand {
        switch event {
        case .connect(let host, let peer): return .connect(host: host, peer)
        case .helo(let name): return .helo(name)
        case .mail(let path, let arguments): return .mail(path, arguments: arguments)
        case .recipient(let path, let arguments): return .recipient(path, arguments: arguments)
        case .data: return .data
        case .header(let name, let value):
            let isWhole = options.steps.contains(.leadingSpace)
            return .header(name: name, value: isWhole ? value : Array(value.drop { $0 == 0x20 || $0 == 0x09 }))
        case .endOfHeader: return .endOfHeader
        case .body(let piece): return .body(piece)
        case .endOfMessage: return .endOfMessage
        case .unknown(let line): return .unknown(line)
        }
    }

    /// The message is over for the milter, whatever became of it; what to send is empty when it knows already.
    package mutating func abort() -> [UInt8] {
        isMessageDone = false
        skipped = []
        changes.begin()
        guard isInMessage else { return [] }
        isInMessage = false
        var bytes: [UInt8] = []
        if case .ready = state { MilterCommand.abort.encode(onto: &bytes) }
        return bytes
    }

    /// The session is over.
    package mutating func quit() -> [UInt8] {
        defer { state = .over }
        var bytes: [UInt8] = []
        if case .ready = state { MilterCommand.quit.encode(onto: &bytes) }
        return bytes
    }

    /// The session is over, and the connection may serve another one, for which ``offer()`` is said anew. Nil when
    /// the milter does not know how.
    package mutating func quitAndContinue() -> [UInt8]? {
        guard case .ready = state, options.version >= 6, reader.isEmpty else { return nil }
        var bytes = abort()
        MilterCommand.quitAndContinue.encode(onto: &bytes)
        let limit = changes.body
        self = MilterSession(maximumBody: limit)
        return bytes
    }
}

// MARK: What it says

extension MilterSession {
    /// Takes what the milter sent.
    package mutating func receive(_ bytes: [UInt8]) { reader.receive(bytes) }

    /// What it has said, piece by piece; nil when more has to come.
    package mutating func next() throws(MilterFault) -> MilterNews? {
        do throws(MilterFault) {
            guard let packet = try reader.next() else { return nil }
            return try take(try MilterAnswer(packet), packet.letter)
        } catch {
            state = .over
            throw error
        }
    }

    private mutating func take(_ answer: MilterAnswer, _ letter: UInt8) throws(MilterFault) -> MilterNews {
        switch state {
        case .unmet, .over: throw .unexpected(letter)
        case .offering:
            guard case .options(let options, let macros) = answer else {
                if case .decline = answer { throw .declined }
                throw .unexpected(letter)
            }
            try agree(on: options, macros)
            state = .ready
            return .met
        case .ready:
            // What was said just when the verdict was.
            if case .progress = answer { return .progress }
            throw .unexpected(letter)
        case .asking(let stage):
            return try take(answer, letter, at: stage)
        }
    }

    private mutating func agree(on answer: MilterOptions, _ macros: [MilterStage: [String]]) throws(MilterFault) {
        let offered = MilterOptions.offered
        guard (MilterOptions.oldestVersion...offered.version).contains(answer.version) else { throw .version(answer.version) }
        let excess = answer.steps.subtracting(offered.steps)
        guard excess.isEmpty else { throw .steps(excess.rawValue) }
        options = answer
        options.actions.formIntersection(offered.actions)
        chosenMacros = macros
    }

    private mutating func take(
        _ answer: MilterAnswer, _ letter: UInt8, at stage: MilterStage
    ) throws(MilterFault) -> MilterNews {
        switch answer {
        case .progress: return .progress
        case .decline: throw .declined
        case .options: throw .unexpected(letter)
        case .change(let change):
            guard stage == .endOfMessage else { throw .unexpected(letter) }
            guard change.isAllowed(by: options.actions) else { throw .notAllowed(letter) }
            try changes.count(change)
            return .change(change.normalized(keepsLeadingSpace: options.steps.contains(.leadingSpace)))
        case .proceed: return conclude(stage, .proceed)
        case .accept:
            finish(stage)
            return conclude(stage, .proceed)
        case .skip:
            guard options.steps.contains(.skip), !stage.isOfSession, stage != .endOfMessage else { throw .unexpected(letter) }
            skipped.insert(stage)
            return conclude(stage, .proceed)
        case .discard:
            guard !stage.isOfSession, stage != .unknown else { throw .unexpected(letter) }
            finish(stage)
            return conclude(stage, .discard)
        case .refuse: return refuse(stage, .refusal)
        case .refuseForNow: return refuse(stage, .temporaryRefusal)
        case .reply(let reply): return refuse(stage, .refuse(reply))
        case .shutDown:
            isSessionDone = true
            return conclude(stage, .shutDown)
        }
    }

    private mutating func refuse(_ stage: MilterStage, _ verdict: MilterVerdict) -> MilterNews {
        // The other recipients are still asked about.
        if stage != .recipient { finish(stage) }
        return conclude(stage, verdict)
    }

    private mutating func finish(_ stage: MilterStage) {
        switch stage {
        case .connect, .helo: isSessionDone = true
        case .mail, .recipient, .data, .header, .endOfHeader, .body, .endOfMessage: isMessageDone = true
        // What it says of a command that is none decides nothing else.
        case .unknown: break
        }
    }

    private mutating func conclude(_ stage: MilterStage, _ verdict: MilterVerdict) -> MilterNews {
        state = .ready
        // It knows that the message has ended.
        if stage == .endOfMessage { isInMessage = false }
        return .verdict(verdict)
    }
}

/// How much a milter may change: a program that never ends must not fill the memory.
private struct ChangeLimits: Sendable {
    static let maximumCount = 10_000
    /// Octets of header fields, addresses and reasons.
    static let maximumSize = 1 << 20

    /// Octets of a new body.
    var body: Int64 = 0
    private var count = 0
    private var size = 0
    private var bodySize: Int64 = 0

    mutating func begin() {
        count = 0
        size = 0
        bodySize = 0
    }

    mutating func count(_ change: MessageChange) throws(MilterFault) {
        if case .replaceBody(let bytes) = change {
            bodySize += Int64(bytes.count)
            guard bodySize <= body else { throw .tooManyChanges }
        } else {
            count += 1
            size += change.size
            guard count <= Self.maximumCount, size <= Self.maximumSize else { throw .tooManyChanges }
        }
    }
}
