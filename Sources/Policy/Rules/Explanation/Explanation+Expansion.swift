import Configuration
import Envelopes
import MailSyntax
import Tables

/// An expansion as the machine went through it: nothing is decided anew here.
extension Explanation {
    /// - Parameters:
    ///   - answers: What the tables said on the way, as whoever fetched for the machine has seen it.
    package init(
        of result: ExpansionResult, recipient: MailAddress, subject: RuleSubject, rules: [Rule], generation: Generation,
        answers: [TableQuery: TableAnswer]
    ) {
        self.init()
        let story = Story(recipient: recipient, subject: subject, rules: rules, generation: generation, answers: answers)
        add("recipient", "<\(recipient.text)>", depth: 0)
        for (place, entry) in result.trace.entries.enumerated() { story.tell(entry, isFirst: place == 0, to: &self) }
        if result.trace.omitted > 0 { add("omitted", "\(result.trace.omitted) steps more", depth: 1) }
        switch result {
        case .accepted(let deliveries, _): add("result", deliveries.count == 1 ? "1 delivery" : "\(deliveries.count) deliveries", depth: 1)
        case .refused(let reply, _): add("result", "refused: \(reply.text)", depth: 1)
        }
    }
}

/// What the entries of a trace are told with.
private struct Story {
    let recipient: MailAddress
    let subject: RuleSubject
    let rules: [Rule]
    let generation: Generation
    let answers: [TableQuery: TableAnswer]

    func tell(_ entry: ExpansionTrace.Entry, isFirst: Bool, to explanation: inout Explanation) {
        switch entry {
        case .rules(let address, let trace):
            explanation.add("address", "<\(address.text)>", depth: 1)
            var subject = subject
            subject.recipient = recipient
            subject.destination = address
            if !isFirst { subject.isInternal = true }
            for tried in trace.entries { tell(tried, about: subject, to: &explanation) }
            if trace.entries.isEmpty { explanation.add("rule", "there is none", depth: 2) }
        case .restored(let address, let original):
            explanation.add("sender", "<\(address.text)> is <\(original.text)>, rewritten (SRS)", depth: 1)
        case .alias(let table, let key, let items):
            let query = TableQuery(table: table, service: .alias, operation: .lookup, key: key)
            let value: String = if case .found(let text)? = answers[query] { text } else { "\(items) items" }
            explanation.add("alias", "\(key) in \(Self.name(table)): \(value)", depth: 2)
        case .forward(let user, let items):
            explanation.add("forward", "the .forward file of \(user) has \(Self.count(items, "item"))", depth: 2)
        case .include(let path, let items):
            explanation.add("include", "\(path) has \(Self.count(items, "item"))", depth: 2)
        case .skipped(let item, let reason): explanation.add("left out", "\(item): \(reason)", depth: 2)
        case .delivery(let delivery): explanation.add("delivery", Self.text(of: delivery), depth: 2)
        case .failure(let failure): explanation.add("failure", failure.reason, depth: 2)
        }
    }

    private func tell(_ tried: RuleTrace.Entry, about subject: RuleSubject, to explanation: inout Explanation) {
        let place = "\(tried.location.file):\(tried.location.line)"
        let rule = rules.first { $0.location == tried.location }
        switch tried.result {
        case .matched:
            let decision: String =
                switch rule?.decision {
                case .action(let name)?: "action \(name)"
                case .reject?: "reject"
                case nil: "matched"
                }
            explanation.add("rule", "\(place): matches: \(decision)", depth: 2)
            // What tables said for it is why it does.
            guard let rule else { return }
            for criterion in RuleCriterion.order(generation) {
                if let reason = reason(criterion, of: rule, subject) { explanation.add("because", reason, depth: 3) }
            }
        case .failed(let criterion):
            let reason = rule.flatMap { self.reason(criterion, of: $0, subject) } ?? criterion.name
            explanation.add("rule", "\(place): does not match: \(reason)", depth: 2)
        case .undecided(let criterion, let reason):
            explanation.add("rule", "\(place): cannot be decided: \(criterion.name): \(reason)", depth: 2)
        }
    }

    /// What decided about a condition; nil for one that the rule does not have, or that holds for everything.
    private func reason(_ criterion: RuleCriterion, of rule: Rule, _ subject: RuleSubject) -> String? {
        let evaluation = RuleEvaluation(rules: rules, subject: subject, generation: generation)
        guard let (test, isNegated) = evaluation.test(for: criterion, in: rule) else { return nil }
        let word = (isNegated ? "!" : "") + criterion.name
        switch test {
        case .known(true) where !isNegated:
            return isAnything(criterion, of: rule) ? nil : "\(word) holds"
        case .known(let value): return "\(word) \(value != isNegated ? "holds" : "does not hold")"
        case .never: return "\(word): the client has no name"
        case .ask(let query):
            switch answers[query] {
            case .found(let entry)?:
                let found = entry.isEmpty || entry == query.key ? "has" : "has `\(entry)` for"
                return "\(word): \(Self.name(query.table)) \(found) `\(query.key)`"
            case .notFound?: return "\(word): \(Self.name(query.table)) does not have `\(query.key)`"
            case .failed(let reason)?: return "\(word): \(Self.name(query.table)): \(reason)"
            case nil: return word
            }
        }
    }

    private func isAnything(_ criterion: RuleCriterion, of rule: Rule) -> Bool {
        switch criterion {
        case .source: rule.from.criterion == .any
        case .destination: rule.destination.criterion == .any
        case .tag, .helo, .authentication, .tls, .sender, .recipient: false
        }
    }

    /// Tables of the configuration are written with brackets, those of the loader have them already.
    private static func name(_ table: String) -> String { table.hasPrefix("<") ? table : "<\(table)>" }

    private static func count(_ count: Int, _ thing: String) -> String { "\(count) \(thing)\(count == 1 ? "" : "s")" }

    private static func text(of delivery: ResolvedDelivery) -> String {
        switch delivery.kind {
        case .local(let local):
            let who = local.user.map { "user \($0)" + (local.subaddress.map { " (\($0))" } ?? "") } ?? "nobody in particular"
            switch local.method {
            case .action: return "to \(who) by action \(delivery.action)"
            case .pipe(let command): return "to the command \(command) for \(who)"
            case .file(let path): return "to the file \(path) for \(who)"
            }
        case .relay: return "to <\(delivery.destination.text)> by action \(delivery.action), at another server"
        case .bounce: return "a report to <\(delivery.destination.text)>"
        }
    }
}
