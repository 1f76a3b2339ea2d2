import EventLoop
import MailSyntax
import ProcessMessages
import SMTPProtocol

/// Names of clients by reverse lookup.
///
/// Lookup is asked; what it says is kept for a moment, so that a client which comes again and again costs one
/// question, and its later sessions begin at once. Nobody waits long: a name is good to have, and a banner that
/// comes late is bad.
@EventLoopActor
final class ClientNames {
    /// What is known of a client's name.
    struct Name: Hashable {
        /// The name, or ``none``.
        var text: String
        var confirmation: ForwardConfirmation

        /// What stands for a name where there is none.
        static let none = "<unknown>"
        /// What is known before there is an answer.
        static let undecided = Name(text: none, confirmation: .undecided)
    }

    /// A question, and the sessions that wait for its answer.
    private final class Question {
        var waiting: [UnsafeContinuation<Name, Never>] = []
        var timer: LoopTimer?
        /// What those are told who come when nobody waits any longer.
        var answer: Name?
    }

    /// How long an answer is kept.
    static let memory = Duration.seconds(30)
    /// Answers that are kept.
    static let maximumKnown = 4_096

    private let patience: Duration
    private let ask: @EventLoopActor (IPAddress) async -> ReverseNameVerdict?
    private var known: [IPAddress: (name: Name, expires: MonotonicInstant)] = [:]
    private var questions: [IPAddress: Question] = [:]

    /// - Parameters:
    ///   - patience: How long a session waits: long enough for the second of two servers when the first is dead
    ///     (five seconds, resolv.conf(5)).
    ///   - ask: Puts the question to lookup; nil when that is gone.
    init(patience: Duration = .seconds(6), ask: @escaping @EventLoopActor (IPAddress) async -> ReverseNameVerdict?) {
        self.patience = patience
        self.ask = ask
    }

    /// The name of a client, if nobody has to be asked.
    func known(_ address: IPAddress) -> Name? {
        guard let entry = known[address], .now() < entry.expires else { return nil }
        return entry.name
    }

    /// The name of a client; none when it does not come in time.
    func name(of address: IPAddress) async -> Name {
        if let name = known(address) { return name }
        let question = questions[address] ?? begin(address)
        return await withUnsafeContinuation { continuation in
            // Looked at here, for before a task waits others may have run.
            if let answer = question.answer { return continuation.resume(returning: answer) }
            question.waiting.append(continuation)
        }
    }

    private func begin(_ address: IPAddress) -> Question {
        let question = Question()
        questions[address] = question
        // The answer is awaited further, for those who come later.
        let timer = LoopTimer { [unowned question] in
            Self.finish(question, .undecided)
        }
        timer.schedule(after: patience)
        question.timer = timer
        spawn { [self] in
            let name = Self.name(await ask(address))
            questions[address] = nil
            remember(name, of: address)
            Self.finish(question, name)
        }
        return question
    }

    private static func finish(_ question: Question, _ name: Name) {
        question.timer?.cancel()
        question.answer = name
        let waiting = question.waiting
        question.waiting = []
        for continuation in waiting { continuation.resume(returning: name) }
    }

    private static func name(_ verdict: ReverseNameVerdict?) -> Name {
        switch verdict {
        case .found(let domain, let confirmation): Name(text: domain.text, confirmation: confirmation)
        case .missing: Name(text: Name.none, confirmation: .unconfirmed)
        case .failed, nil: .undecided
        }
    }

    private func remember(_ name: Name, of address: IPAddress) {
        let now = MonotonicInstant.now()
        if known.count >= Self.maximumKnown {
            known = known.filter { now < $0.value.expires }
            // Full of what is fresh: a flood from everywhere, which memory would not help against.
            if known.count >= Self.maximumKnown { known = [:] }
        }
        known[address] = (name, now + Self.memory)
    }
}
