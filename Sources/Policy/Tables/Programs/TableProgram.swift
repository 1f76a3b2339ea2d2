/// One table that a program answers for: when it is started, in which dialect it is spoken to, which questions are
/// open, and what becomes of them when it is slow, silent, wrong or gone.
///
/// A machine: inputs are methods named for what happened and take the time; outputs are steps to carry out in their
/// order. A question always gets exactly one outcome, within ``Limits/answer``. Whatever goes wrong with the program
/// is a failure for whoever asked and never "not found".
///
/// **Which dialect.** The program is spoken to in lines. One that ends, or is silent for too long, without having
/// said a word is started again and spoken to in frames: programs of the older kind take our lines for a frame that
/// is too long, and end. What has worked once is kept.
package struct TableProgram: Sendable {
    package struct Limits: Hashable, Sendable {
        /// For a question to be answered, the wait for others before it included.
        package var answer = Duration.seconds(30)
        /// For a program to introduce itself.
        package var opening = Duration.seconds(30)
        /// Questions that are open at once in lines. Few enough that their lines fit into a socket's buffer.
        package var open = 64
        /// Questions that wait for those.
        package var waiting = 4_096
        /// A program that served for so long is started again at once.
        package var proven = Duration.seconds(10)
        /// The longest rest between two starts; the first is a second, each twice the one before.
        package var rest = Duration.seconds(60)

        package init() {}
    }

    /// What is to be done.
    package enum Step: Hashable, Sendable {
        /// Start a process; answered by ``started(at:)`` or ``notStarted(_:at:)``.
        case start
        case send([UInt8])
        /// End the process that was started last; nothing more is heard of it.
        case stop
        case answer(UInt64, TableProgramOutcome)
        /// For the log.
        case warn(String)
        case note(String)
    }

    /// What all inputs take.
    package struct Time: Hashable, Sendable {
        /// Of a clock that only goes forward.
        package var monotonic: Duration
        /// Microseconds since 1970.
        package var wall: Int64

        package init(monotonic: Duration, wall: Int64 = 0) {
            self.monotonic = monotonic
            self.wall = wall
        }
    }

    enum Conversation: Sendable {
        case lines(LineConversation)
        case frames(FrameConversation)
    }

    enum State: Sendable {
        /// Not started; the first question or ``start(at:)`` does.
        case idle
        /// The process is being started.
        case starting
        /// Started, and has not introduced itself. Left for `serving`, or `resting` or `starting` in the other dialect.
        case opening(Conversation, until: Duration, hasSpoken: Bool)
        case serving(Conversation, services: Set<TableService>?, since: Duration)
        /// Failed; not started before that moment.
        case resting(until: Duration, reason: String)
        /// Over.
        case closed
    }

    struct Question: Sendable {
        let number: UInt64
        let request: TableProgramRequest
        let deadline: Duration
    }

    struct OpenQuestion: Sendable {
        let question: Question
        let sent: Duration
        /// Its time was over: an answer is still to come, and interests nobody.
        var isAbandoned = false
    }

    package let table: String
    let limits: Limits
    var state = State.idle
    /// What the program speaks, once that is known.
    var dialect: TableProgramDialect?
    /// The dialect it is being tried in.
    var attempt = TableProgramDialect.lines
    var waiting: [Question] = []
    var open: [UInt32: OpenQuestion] = [:]
    var nextNumber: UInt32 = 1
    /// When it last said something.
    var lastHeard = Duration.zero
    /// Starts in a row that led to nothing lasting.
    var failures = 0

    package init(table: String, limits: Limits = Limits()) {
        self.table = table
        self.limits = limits
    }

    // MARK: Inputs

    /// Starts the program before anybody asks.
    package mutating func start(at time: Time) -> [Step] {
        guard case .idle = state else { return [] }
        state = .starting
        return [.start]
    }

    /// - Parameter number: The caller's, for the outcome.
    package mutating func ask(_ number: UInt64, _ request: TableProgramRequest, at time: Time) -> [Step] {
        switch state {
        case .closed: return [.answer(number, .failed("the table is closed"))]
        case .resting(let until, let reason) where time.monotonic < until:
            return [.answer(number, .failed(reason))]
        case .resting, .idle, .starting, .opening, .serving: break
        }
        guard waiting.count < limits.waiting else { return [.answer(number, .failed("too many questions wait for the table program"))] }
        waiting.append(Question(number: number, request: request, deadline: time.monotonic + limits.answer))
        switch state {
        case .idle, .resting:
            state = .starting
            return [.start]
        case .serving: return send(at: time)
        case .starting, .opening, .closed: return []
        }
    }

    package mutating func started(at time: Time) -> [Step] {
        guard case .starting = state else { return [.stop] }
        let conversation: Conversation
        let opening: [UInt8]
        switch attempt {
        case .lines:
            let lines = LineConversation(table: table)
            (conversation, opening) = (.lines(lines), lines.opening)
        case .frames:
            let frames = FrameConversation(table: table)
            (conversation, opening) = (.frames(frames), frames.opening)
        }
        lastHeard = time.monotonic
        state = .opening(conversation, until: time.monotonic + limits.opening, hasSpoken: false)
        return [.send(opening)]
    }

    package mutating func notStarted(_ reason: String, at time: Time) -> [Step] {
        guard case .starting = state else { return [] }
        return lose("cannot be started: \(reason)", at: time)
    }

    package mutating func receive(_ bytes: [UInt8], at time: Time) -> [Step] {
        lastHeard = time.monotonic
        var steps: [Step] = []
        switch state {
        case .opening(var conversation, let until, _):
            conversation.receive(bytes)
            state = .opening(conversation, until: until, hasSpoken: true)
        case .serving(var conversation, let services, let since):
            // Not held twice while it grows.
            state = .idle
            conversation.receive(bytes)
            state = .serving(conversation, services: services, since: since)
        case .idle, .starting, .resting, .closed: return []
        }
        while let event = nextEvent() {
            switch event {
            case .ready(let services): steps += opened(services, at: time)
            case .outcome(let id, let outcome):
                if let answered = open.removeValue(forKey: id), !answered.isAbandoned {
                    steps.append(.answer(answered.question.number, Self.completed(outcome, answered.question.request)))
                }
            case .nonsense(let reason): return steps + [.stop] + lose("talks nonsense: \(reason)", at: time)
            }
        }
        if case .serving = state { steps += send(at: time) }
        return steps
    }

    /// Its socket is closed, or takes no more.
    package mutating func ended(_ reason: String, at time: Time) -> [Step] {
        switch state {
        case .opening(_, _, hasSpoken: false): return [.stop] + disliked("ended without a word", at: time)
        case .opening, .serving: return [.stop] + lose(reason, at: time)
        case .idle, .starting, .resting, .closed: return []
        }
    }

    /// The next moment at which ``passed(at:)`` has something to do; nil for none.
    package var deadline: Duration? {
        var moments = [waiting.first?.deadline].compactMap { $0 }
        moments += open.values.filter { !$0.isAbandoned }.map(\.question.deadline)
        switch state {
        case .opening(_, let until, _): moments.append(until)
        case .resting(let until, _): moments.append(until)
        case .idle, .starting, .serving, .closed: break
        }
        return moments.min()
    }

    /// Time has passed.
    package mutating func passed(at time: Time) -> [Step] {
        var steps: [Step] = []
        let late = waiting.prefix { $0.deadline <= time.monotonic }
        waiting.removeFirst(late.count)
        steps += late.map { .answer($0.number, .failed("the table program did not answer in time")) }
        switch state {
        case .opening(_, let until, let hasSpoken) where until <= time.monotonic:
            steps.append(.stop)
            steps += hasSpoken ? lose("did not introduce itself in time", at: time) : disliked("says nothing", at: time)
        case .resting(let until, _) where until <= time.monotonic:
            state = .starting
            steps.append(.start)
        case .serving: steps += abandonLate(at: time)
        case .opening, .resting, .idle, .starting, .closed: break
        }
        return steps
    }

    /// The table is not in the configuration any more, or leads elsewhere.
    package mutating func close() -> [Step] {
        let hasProcess: Bool
        switch state {
        case .opening, .serving: hasProcess = true
        case .idle, .starting, .resting, .closed: hasProcess = false
        }
        state = .closed
        return (hasProcess ? [.stop] : []) + failAll("the table is closed")
    }
}
