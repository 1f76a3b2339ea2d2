import MailSyntax
import SMTPProtocol

/// The dialogue with one filter program: its registration, questions to it with their tokens, and what it says.
///
/// The driver sends ``FilterIntroduction/bytes``, hands in what the program writes with ``receive(_:)``, and takes
/// events with ``next()`` until there is none. A program that says what it must not is told nothing more: its
/// ``Event/failed(_:)`` is the last event. Answers of sessions that are gone, and of questions that nobody asks any
/// longer, are passed over: a program cannot know.
package struct FilterProgram: Sendable {
    private enum State: Sendable {
        case registering
        case ready
        case failed
    }

    /// What a program has done.
    package enum Event: Hashable, Sendable {
        /// It has registered for ``FilterProgram/registration``.
        case ready
        /// It has answered the question of a session.
        case decided(session: UInt64, FilterDecision)
        /// Lines of content of a session's message, without the dots of SMTP, each ended by LF.
        case content(session: UInt64, [UInt8])
        /// It has given all content of the message back.
        case contentFinished(session: UInt64)
        /// Something it reports of a session without having been asked.
        case report(session: UInt64, [UInt8])
        /// It has broken the protocol.
        case failed(FilterFault)
    }

    /// What a program wants to be asked and told.
    package struct Registration: Hashable, Sendable {
        package var phases: Set<FilterPhase> = []
        package var reports: [FilterSubsystem: Set<ReportEvent.Name>] = [:]
    }

    private var state = State.registering
    package private(set) var registration = Registration()
    /// What the program was told before.
    private let introduction: FilterIntroduction
    /// The open question of each session.
    private var questions: [UInt64: (token: UInt64, phase: FilterPhase)] = [:]
    /// The message that each session sends through.
    private var contents: [UInt64: UInt64] = [:]
    private var lastToken: UInt64

    private var input: [UInt8] = []
    private var position = 0
    /// What the lines of the message seen last begin with.
    private var current: (prefix: [UInt8], session: UInt64)?

    /// Octets of a line of a program with its LF: the longest line of a message, and more than enough around it.
    package static let maximumLine = 128 << 10

    /// - Parameter seed: Random: where the tokens begin.
    package init(introduction: FilterIntroduction, seed: UInt64) {
        self.introduction = introduction
        lastToken = seed
    }

    package var isReady: Bool { if case .ready = state { true } else { false } }

    // MARK: Asking

    /// A token for a question of a session; its answer is the only one that counts.
    package mutating func ask(_ phase: FilterPhase, in session: UInt64) -> UInt64 {
        lastToken &+= 1
        questions[session] = (lastToken, phase)
        return lastToken
    }

    /// A token for the lines of a message.
    package mutating func beginContent(in session: UInt64) -> UInt64 {
        lastToken &+= 1
        contents[session] = lastToken
        return lastToken
    }

    /// Nobody waits for an answer, nor for a message, of this session any longer.
    package mutating func forget(_ session: UInt64) {
        questions[session] = nil
        endContent(in: session)
    }

    /// The message of a session was given up.
    package mutating func endContent(in session: UInt64) {
        contents[session] = nil
        if current?.session == session { current = nil }
    }

    // MARK: Hearing

    /// Takes what the program has written.
    package mutating func receive(_ bytes: [UInt8]) {
        if position == input.count {
            input = bytes
        } else {
            input.removeSubrange(..<position)
            input += bytes
        }
        position = 0
    }

    /// What has happened; nil when more has to come.
    package mutating func next() -> Event? {
        while true {
            if case .failed = state { return nil }
            if let current, let content = takeContent(current.prefix) {
                return .content(session: current.session, content)
            }
            guard let line = nextLine() else {
                return input.count - position >= Self.maximumLine ? fail(.lineTooLong) : nil
            }
            do throws(FilterFault) {
                if let event = try take(line) { return event }
            } catch {
                return fail(error)
            }
        }
    }

    private mutating func fail(_ fault: FilterFault) -> Event {
        state = .failed
        input = []
        position = 0
        questions = [:]
        contents = [:]
        current = nil
        return .failed(fault)
    }

    private mutating func nextLine() -> ArraySlice<UInt8>? {
        let input = input
        let span = input.span
        let end = FilterLines.endOfLine(in: span, from: position)
        guard end > position, span[end - 1] == 0x0A else { return nil }
        let line = input[position..<(end - 1)]
        position = end
        return line
    }

    /// The whole lines that follow and begin with the prefix, up to the last one of the message; nil when there is
    /// none. Most of what a program writes passes here.
    private mutating func takeContent(_ prefix: [UInt8]) -> [UInt8]? {
        let input = input
        let span = input.span
        let prefix = prefix.span
        var position = position
        guard begins(span, at: position, with: prefix) else { return nil }
        // Less than what it is taken from.
        let content = [UInt8](capacity: span.count - position) { content in
            while begins(span, at: position, with: prefix) {
                var start = position + prefix.count
                let end = FilterLines.endOfLine(in: span, from: start)
                guard end > start, span[end - 1] == 0x0A else { break }
                if span[start] == UInt8(ascii: ".") {
                    // The last line, which is for others.
                    if end == start + 2 { break }
                    start += 1
                }
                content.append(octets: span.extracting(start..<end))
                position = end
            }
        }
        self.position = position
        return content.isEmpty ? nil : content
    }

    private func begins(_ span: Span<UInt8>, at start: Int, with prefix: Span<UInt8>) -> Bool {
        guard start >= 0, span.count - start >= prefix.count else { return false }
        let bytes = span.bytes
        let wanted = prefix.bytes
        var index = 0
        while index <= wanted.byteCount - 8 {
            // Any eight octets are a value of UInt64, and there are eight: the prefix has them, and the line is as long.
            let a = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: start + index, as: UInt64.self)
            let b = unsafe wanted.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)
            if a != b { return false }
            index += 8
        }
        while index < prefix.count {
            if span[start + index] != prefix[index] { return false }
            index += 1
        }
        return true
    }

    private mutating func take(_ line: ArraySlice<UInt8>) throws(FilterFault) -> Event? {
        let (word, rest) = FilterLines.cut(line)
        guard let verb = FilterVerb(rawValue: String(decoding: word, as: UTF8.self)) else {
            throw .unknownLine(FilterFault.excerpt(line))
        }
        switch (state, verb) {
        case (.registering, .register):
            return try register(rest ?? [], line)
        case (.ready, .result):
            return try result(rest ?? [], line)
        case (.ready, .content):
            return try contentLine(rest ?? [], line)
        case (.ready, .report):
            return try report(rest ?? [], line)
        case (.registering, _), (.ready, .register), (.failed, _):
            throw .outOfPlace(FilterFault.excerpt(line))
        }
    }

    /// `register|report|SUBSYSTEM|EVENT`, `register|filter|smtp-in|PHASE`, `register|ready`.
    private mutating func register(_ rest: ArraySlice<UInt8>, _ line: ArraySlice<UInt8>) throws(FilterFault) -> Event? {
        let fields = rest.split(separator: FilterLines.separator, omittingEmptySubsequences: false)
        if rest.elementsEqual("ready".utf8) {
            state = .ready
            return .ready
        }
        guard fields.count == 3, let subsystem = FilterSubsystem(word: fields[1]) else {
            throw .malformed(FilterFault.excerpt(line))
        }
        let isAll = fields[2].elementsEqual("*".utf8)
        switch String(decoding: fields[0], as: UTF8.self) {
        case "report":
            let names: Set<ReportEvent.Name>
            if isAll {
                names = Set(ReportEvent.Name.allCases)
            } else if let name = ReportEvent.Name(word: fields[2]) {
                names = [name]
            } else {
                throw .unknownName(FilterFault.excerpt(line))
            }
            registration.reports[subsystem, default: []].formUnion(names)
        case "filter":
            guard subsystem == .incoming else { throw .unknownName(FilterFault.excerpt(line)) }
            if isAll {
                registration.phases.formUnion(FilterPhase.allCases.filter { $0 != .unknown })
            } else if let phase = FilterPhase(word: fields[2]) {
                registration.phases.insert(phase)
            } else {
                throw .unknownName(FilterFault.excerpt(line))
            }
        default:
            throw .malformed(FilterFault.excerpt(line))
        }
        return nil
    }

    /// Session and token at the beginning of an answer. Before protocol 0.5 the token came first, and there are
    /// programs that still answer so: whichever way round they fit counts.
    private func sessionAndToken(
        _ rest: ArraySlice<UInt8>, _ line: ArraySlice<UInt8>
    ) throws(FilterFault) -> (session: UInt64, token: UInt64, rest: ArraySlice<UInt8>) {
        let (one, behindOne) = FilterLines.cut(rest)
        let (two, behindTwo) = FilterLines.cut(behindOne ?? [])
        guard let answer = behindTwo, let first = identifier(one), let second = identifier(two) else {
            throw .malformed(FilterFault.excerpt(line))
        }
        if questions[first]?.token == second || contents[first] == second { return (first, second, answer) }
        if questions[second]?.token == first || contents[second] == first { return (second, first, answer) }
        return (first, second, answer)
    }

    private func identifier(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 16 else { return nil }
        var value: UInt64 = 0
        for byte in digits {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - 0x61 + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt64(byte - 0x41 + 10)
            default: return nil
            }
        }
        return value
    }

    /// `filter-result|SESSION|TOKEN|DECISION[|PARAMETER]`.
    private mutating func result(_ rest: ArraySlice<UInt8>, _ line: ArraySlice<UInt8>) throws(FilterFault) -> Event? {
        let (session, token, answer) = try sessionAndToken(rest, line)
        let (word, parameter) = FilterLines.cut(answer)
        let decision: FilterDecision
        switch (String(decoding: word, as: UTF8.self), parameter) {
        case ("proceed", nil): decision = .proceed
        case ("junk", nil): decision = .junk
        case ("reject", let text?): decision = FilterReply.rejection(text)
        case ("disconnect", let text?): decision = FilterReply.disconnection(text)
        case ("rewrite", let value?): decision = .rewrite(Array(value))
        case ("report", let text?): decision = .report(Array(text), endsChain: true)
        default: throw .unknownDecision(FilterFault.excerpt(line))
        }
        guard let question = questions[session], question.token == token else {
            if contents[session] == token { throw .outOfPlace(FilterFault.excerpt(line)) }
            return nil
        }
        if question.phase == .commit, decision == .junk { throw .unknownDecision(FilterFault.excerpt(line)) }
        questions[session] = nil
        return .decided(session: session, decision)
    }

    /// `filter-dataline|SESSION|TOKEN|LINE`.
    private mutating func contentLine(
        _ rest: ArraySlice<UInt8>, _ line: ArraySlice<UInt8>
    ) throws(FilterFault) -> Event? {
        let (session, token, text) = try sessionAndToken(rest, line)
        guard contents[session] == token else { return nil }
        if text.elementsEqual(".".utf8) {
            endContent(in: session)
            return .contentFinished(session: session)
        }
        // What follows is probably more of it.
        current = (Array(line[..<text.startIndex]), session)
        return .content(session: session, Array(text.first == UInt8(ascii: ".") ? text.dropFirst() : text) + [0x0A])
    }

    /// `report|TIME|smtp-in|SESSION|TEXT`; some put the version before the time.
    private func report(_ rest: ArraySlice<UInt8>, _ line: ArraySlice<UInt8>) throws(FilterFault) -> Event? {
        var fields = rest.split(separator: FilterLines.separator, maxSplits: 3, omittingEmptySubsequences: false)
        if fields.count == 4, FilterSubsystem(word: fields[1]) == nil {
            fields = rest.split(separator: FilterLines.separator, maxSplits: 4, omittingEmptySubsequences: false)
            fields.removeFirst()
        }
        guard fields.count == 4, FilterSubsystem(word: fields[1]) != nil, let session = identifier(fields[2]) else {
            throw .malformed(FilterFault.excerpt(line))
        }
        return .report(session: session, Array(fields[3]))
    }
}

/// What a line of a filter program begins with.
private enum FilterVerb: String {
    case register
    case result = "filter-result"
    case content = "filter-dataline"
    case report
}
