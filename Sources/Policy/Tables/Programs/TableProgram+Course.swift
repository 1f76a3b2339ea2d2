/// How a table program comes to serve, and what follows when it does not.
extension TableProgram {
    mutating func opened(_ services: Set<TableService>?, at time: Time) -> [Step] {
        guard case .opening(let conversation, _, _) = state else { preconditionFailure("introduced while not opening") }
        let isNew = dialect == nil
        dialect = attempt
        state = .serving(conversation, services: services, since: time.monotonic)
        guard isNew, attempt == .frames else { return [] }
        return [.note("table \(table): its program speaks the protocol of OpenSMTPD before 7.6")]
    }

    /// It went without a word: perhaps it does not understand what it was told.
    mutating func disliked(_ what: String, at time: Time) -> [Step] {
        guard dialect == nil else { return lose(what, at: time) }
        switch attempt {
        case .lines:
            attempt = .frames
            state = .starting
            return [.start]
        case .frames:
            attempt = .lines
            return lose("\(what), whether it is spoken to in lines or in frames", at: time)
        }
    }

    /// The program is of no use now. All who wait are told, and it is started again: at once when it had served for
    /// a while, else after a rest.
    mutating func lose(_ reason: String, at time: Time) -> [Step] {
        var isProven = false
        if case .serving(_, _, let since) = state { isProven = time.monotonic - since >= limits.proven }
        let failed = failAll("its program \(reason)")
        if isProven {
            failures = 0
            state = .starting
            return failed + [.warn("table \(table): its program \(reason); it is started again"), .start]
        }
        let rest = min(.seconds(1 << min(failures, 16)), limits.rest)
        failures += 1
        state = .resting(until: time.monotonic + rest, reason: "its program \(reason), and is started again soon")
        return failed + [.warn("table \(table): its program \(reason); it is started again in \(rest.components.seconds)s")]
    }

    mutating func failAll(_ reason: String) -> [Step] {
        let asked = open.sorted { $0.key < $1.key }.filter { !$0.value.isAbandoned }.map(\.value.question) + waiting
        open = [:]
        waiting = []
        return asked.map { .answer($0.number, .failed(reason)) }
    }

    /// Questions whose time is over. A program that has said nothing since one of them was asked hangs, and is ended;
    /// so is one that leaves many unanswered. Else the answer may come, late, and is ignored.
    mutating func abandonLate(at time: Time) -> [Step] {
        let late = open.filter { !$0.value.isAbandoned && $0.value.question.deadline <= time.monotonic }
        guard !late.isEmpty else { return [] }
        if late.values.contains(where: { lastHeard <= $0.sent }) { return [.stop] + lose("does not answer", at: time) }
        var steps: [Step] = []
        for (id, question) in late.sorted(by: { $0.key < $1.key }) {
            open[id]?.isAbandoned = true
            steps.append(.answer(question.question.number, .failed("the table program did not answer in time")))
        }
        if open.values.count(where: \.isAbandoned) >= limits.open {
            return steps + [.stop] + lose("leaves questions unanswered", at: time)
        }
        return steps
    }

    /// Sends what waits, as far as it may be open at once.
    mutating func send(at time: Time) -> [Step] {
        guard !waiting.isEmpty, case .serving(var conversation, let services, let since) = state else { return [] }
        var steps: [Step] = []
        var bytes: [UInt8] = []
        var taken = 0
        while taken < waiting.count, open.count < limits.open, conversation.takesMore {
            let question = waiting[taken]
            taken += 1
            if case .services = question.request {
                steps.append(.answer(question.number, .services(services)))
                continue
            }
            if let service = question.request.service, let services, !services.contains(service) {
                steps.append(.answer(question.number, .failed("the table does not serve \(service.name)")))
                continue
            }
            guard question.request.key.utf8.count <= Self.maximumKey else {
                steps.append(.answer(question.number, .failed("key too long")))
                continue
            }
            let id = freeNumber()
            guard let text = conversation.request(id, question.request, wall: time.wall) else {
                steps.append(.answer(question.number, .failed("a question that cannot be put to the table program")))
                continue
            }
            open[id] = OpenQuestion(question: question, sent: time.monotonic)
            bytes += text
        }
        waiting.removeFirst(taken)
        state = .serving(conversation, services: services, since: since)
        if !bytes.isEmpty { steps.append(.send(bytes)) }
        return steps
    }

    /// Twice what a table is asked for: the key of `auth` is a name and a password.
    static var maximumKey: Int { 2 * TableQuery.maximumKeyLength }

    private mutating func freeNumber() -> UInt32 {
        repeat { nextNumber &+= 1 } while open[nextNumber] != nil
        return nextNumber
    }

    mutating func nextEvent() -> TableProgramEvent? {
        switch state {
        case .opening(var conversation, let until, let hasSpoken):
            let event = conversation.next()
            state = .opening(conversation, until: until, hasSpoken: hasSpoken)
            return event
        case .serving(var conversation, let services, let since):
            state = .idle
            let event = conversation.next()
            state = .serving(conversation, services: services, since: since)
            return event
        case .idle, .starting, .resting, .closed: return nil
        }
    }

    /// A check says only that something was found: by our convention, the key.
    static func completed(_ outcome: TableProgramOutcome, _ request: TableProgramRequest) -> TableProgramOutcome {
        guard case .answer(.found) = outcome, case .check(_, let key) = request else { return outcome }
        return .answer(.found(key))
    }
}

extension TableProgram.Conversation {
    mutating func receive(_ bytes: [UInt8]) {
        switch self {
        case .lines(var lines):
            lines.receive(bytes)
            self = .lines(lines)
        case .frames(var frames):
            frames.receive(bytes)
            self = .frames(frames)
        }
    }

    mutating func next() -> TableProgramEvent? {
        switch self {
        case .lines(var lines):
            let event = lines.next()
            self = .lines(lines)
            return event
        case .frames(var frames):
            let event = frames.next()
            self = .frames(frames)
            return event
        }
    }

    var takesMore: Bool {
        switch self {
        case .lines: true
        case .frames(let frames): frames.isIdle
        }
    }

    mutating func request(_ number: UInt32, _ request: TableProgramRequest, wall: Int64) -> [UInt8]? {
        switch self {
        case .lines(var lines):
            let bytes = lines.line(number, request, wall: wall)
            self = .lines(lines)
            return bytes
        case .frames(var frames):
            let bytes = frames.frame(number, request)
            self = .frames(frames)
            return bytes
        }
    }
}
