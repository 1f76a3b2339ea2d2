// Addresses under expansion: rules first, then a virtual map or the user of that name.
import Configuration
import MailSyntax
import Tables

extension RecipientExpansion {
    mutating func match(_ address: MailAddress, node index: Int) -> ExpansionStep? {
        var subject = subject
        subject.recipient = recipient
        subject.destination = address
        if nodes[index].origin != .recipient { subject.isInternal = true }
        // A report about mail that was forwarded; nothing else is sent to such an address.
        if subject.sender == .null, let original = senderRewriting?.original(of: address) {
            trace.append(.restored(address, original), under: nil)
            nodes[index].destination = original
            subject.destination = original
            subject.isInternal = true
        }
        // Lent to the evaluation, which gives them back with its outcome.
        var known: [TableQuery: TableAnswer] = [:]
        swap(&known, &answers)
        var evaluation = RuleEvaluation(
            rules: rules, subject: subject, generation: settings.generation, answers: consume known)
        let outcome = evaluation.start()
        return take(outcome, of: evaluation, node: index)
    }

    /// Takes what the rules say of an address.
    mutating func take(
        _ step: RuleEvaluation.Step, of evaluation: RuleEvaluation, node index: Int
    ) -> ExpansionStep? {
        switch step {
        case .ask(let query):
            state = .matching(index, evaluation)
            return .ask(query)
        case .finished(let outcome, let rules):
            answers = evaluation.answers
            trace.append(.rules(nodes[index].destination, rules), under: rules.decisive)
            switch outcome {
            case .noMatch:
                return refuse(.noRule, under: nil)
            case .failed(let reason):
                return refuse(.undecidedRule(reason), under: rules.decisive)
            case .decided(let rule):
                return carryOut(rule, node: index)
            }
        }
    }

    private mutating func carryOut(_ rule: Rule, node index: Int) -> ExpansionStep? {
        guard case .action(let name) = rule.decision else { return refuse(.rejectedByRule, under: rule.location) }
        guard let action = actions[name] else { return refuse(.unknownAction(name), under: rule.location) }
        switch action.kind {
        case .relay:
            nodes[index].governing = .init(action: name, local: nil, rule: rule.location)
            finish(.relay, node: index)
            return nil
        case .local(let local):
            nodes[index].governing = .init(action: name, local: local, rule: rule.location)
            if let table = local.virtual {
                let address = nodes[index].destination
                return look(for: virtualKeys(address), in: table, node: index)
            }
            let user = String(decoding: nodes[index].destination.localPart.lowercased, as: UTF8.self)
            add(child(.user(user), origin: .address, of: index))
            return nil
        }
    }

    /// The keys of an address in a virtual map, in the order in which they are tried.
    private func virtualKeys(_ address: MailAddress) -> [String] {
        let domain = address.domain.text
        let users = userKeys(address.localPart.text)
        return users.map { "\($0)@\(domain)" } + users + ["@\(domain)", "@"]
    }

    /// A name with its sub-address and without. The 5.4 generation never looks for the first.
    func userKeys(_ name: String) -> [String] {
        let user = split(name)
        if user.subaddress == nil { return [name] }
        return settings.generation == .accept ? [user.name] : [name, user.name]
    }

    func split(_ name: String) -> LocalUser {
        let (user, tag) = splitSubaddress(Array(name.utf8)[...], delimiter: settings.subaddressDelimiter)
        return LocalUser(
            name: String(decoding: user, as: UTF8.self), subaddress: tag.map { String(decoding: $0, as: UTF8.self) })
    }
}
