import Configuration
import MailSyntax
import Tables

/// Finds the first rule that matches one address (smtpd.conf(5), `match`).
///
/// A pull machine: ``start()`` and ``answer(_:)`` return either a question to a table or the outcome.
/// Logic has three values: a condition holds, does not hold, or its table cannot say; the last makes
/// the evaluation fail, since skipping a rule could let through what it rejects. No table is asked
/// the same question twice.
package struct RuleEvaluation: Sendable {
    package enum Step: Hashable, Sendable {
        case ask(TableQuery)
        case finished(Outcome, RuleTrace)
    }

    package enum Outcome: Hashable, Sendable {
        case decided(Rule)
        /// No rule matched, which refuses.
        case noMatch
        /// A table could not say; the reason is for the log.
        case failed(String)
    }

    private enum State {
        case ready
        /// A condition of a rule waits for its table.
        case asking(TableQuery)
        case finished
    }

    private let rules: [Rule]
    let subject: RuleSubject
    private let order: [RuleCriterion]
    private var state = State.ready
    private var rule = 0
    private var criterion = 0
    private var trace = RuleTrace()
    /// What tables have said so far; given to the next evaluation of the same recipient.
    private(set) var answers: [TableQuery: TableAnswer]

    package init(
        rules: [Rule], subject: RuleSubject, generation: Generation, answers: [TableQuery: TableAnswer] = [:]
    ) {
        self.rules = rules
        self.subject = subject
        self.order = RuleCriterion.order(generation)
        self.answers = answers
    }

    package mutating func start() -> Step {
        guard case .ready = state else { preconditionFailure("an evaluation starts once") }
        return advance()
    }

    /// Takes the answer to ``Step/ask(_:)``.
    package mutating func answer(_ answer: TableAnswer) -> Step {
        guard case .asking(let query) = state else { preconditionFailure("an answer without a question") }
        answers[query] = answer
        return advance()
    }

    private mutating func advance() -> Step {
        while rule < rules.count {
            let current = rules[rule]
            guard criterion < order.count else {
                return finish(.decided(current), note: .matched)
            }
            switch holds(order[criterion], in: current) {
            case .known(true):
                criterion += 1
            case .known(false):
                trace.entries.append(.init(location: current.location, result: .failed(order[criterion])))
                rule += 1
                criterion = 0
            case .unknown(let query):
                state = .asking(query)
                return .ask(query)
            case .failed(let reason):
                return finish(.failed(reason), note: .undecided(order[criterion], reason))
            }
        }
        return finish(.noMatch, note: nil)
    }

    private mutating func finish(_ outcome: Outcome, note: RuleTrace.Result?) -> Step {
        if let note { trace.entries.append(.init(location: rules[rule].location, result: note)) }
        state = .finished
        return .finished(outcome, trace)
    }

    private enum Truth {
        case known(Bool)
        case unknown(TableQuery)
        case failed(String)
    }

    private func holds(_ criterion: RuleCriterion, in rule: Rule) -> Truth {
        guard let (test, isNegated) = test(for: criterion, in: rule) else { return .known(true) }
        switch test {
        case .known(let value):
            return .known(value != isNegated)
        case .never:
            return .known(false)
        case .ask(let query):
            switch answers[query] {
            case .found?: return .known(!isNegated)
            case .notFound?: return .known(isNegated)
            case .failed(let reason)?: return .failed("table \(query.table): \(reason)")
            case nil: return .unknown(query)
            }
        }
    }
}
