// What each condition of a rule compares: a fact of the subject, or a key with a table.
import Configuration
import Envelopes
import MailSyntax
import Tables

extension RuleEvaluation {
    enum Test {
        case known(Bool)
        /// Does not hold, whether negated or not.
        case never
        case ask(TableQuery)
    }

    /// Nil for a condition that the rule does not have.
    func test(for criterion: RuleCriterion, in rule: Rule) -> (Test, isNegated: Bool)? {
        switch criterion {
        case .tag:
            rule.tag.map { (ask($0.criterion, .string, subject.tag), $0.isNegated) }
        case .source:
            (source(rule.from.criterion), rule.from.isNegated)
        case .destination:
            (destination(rule.destination.criterion), rule.destination.isNegated)
        case .helo:
            rule.helo.map { (ask($0.criterion, .domain, subject.helo), $0.isNegated) }
        case .authentication:
            rule.auth.map { (authentication($0.criterion), $0.isNegated) }
        case .tls:
            rule.tls.map { (.known(subject.usesTLS), $0.isNegated) }
        case .sender:
            // The null reverse path has no address; tables know it as the pattern for everything.
            rule.sender.map { (ask($0.criterion, .mailaddr, subject.sender.address?.text ?? "@"), $0.isNegated) }
        case .recipient:
            rule.recipient.map { (ask($0.criterion, .mailaddr, subject.recipient.text), $0.isNegated) }
        }
    }

    private func ask(_ reference: TableReference, _ service: TableService, _ key: String) -> Test {
        .ask(
            TableQuery(
                table: reference.table, service: reference.isRegex ? .regex : service, operation: .match, key: key))
    }

    private func source(_ criterion: Rule.Source) -> Test {
        switch criterion {
        case .any:
            return .known(true)
        case .socket:
            return .known(subject.source == .local)
        case .local(let countsAuthenticated):
            if subject.source == .local || subject.isInternal { return .known(true) }
            if countsAuthenticated && subject.isAuthenticated { return .known(true) }
            return ask(TableReference("<localhost>"), .netaddr, subject.source.text)
        case .addresses(let table, let authenticatedIsLocal):
            let isLocal = authenticatedIsLocal && (subject.isAuthenticated || subject.isInternal)
            return ask(table, .netaddr, isLocal ? ClientSource.local.text : subject.source.text)
        case .reverseName(nil):
            return .known(subject.reverseName != nil)
        case .reverseName(let table?):
            // A client without a name is not "any name but these".
            return subject.reverseName.map { ask(table, .domain, $0) } ?? .never
        }
    }

    private func destination(_ criterion: Rule.Destination) -> Test {
        switch criterion {
        case .any: .known(true)
        case .local: ask(TableReference("<localnames>"), .domain, localName(subject.destination.domain))
        case .domain(let table): ask(table, .domain, subject.destination.domain.text)
        }
    }

    /// A literal in the form in which `<localnames>` holds this host's addresses: RFC 5321 section 4.1.3
    /// puts brackets around both families and a tag before IPv6.
    private func localName(_ domain: Domain) -> String {
        guard domain.isLiteral, let address = IPAddress(literal: domain.bytes.dropFirst().dropLast()) else {
            return domain.text
        }
        return address.bracketed
    }

    private func authentication(_ criterion: Rule.Authentication) -> Test {
        guard subject.isAuthenticated else { return .known(false) }
        switch criterion {
        case .anyone:
            return .known(true)
        case .user(let table):
            let user = subject.user ?? ""
            return ask(table, user.utf8.contains(UInt8(ascii: "@")) ? .mailaddr : .string, user)
        }
    }
}
