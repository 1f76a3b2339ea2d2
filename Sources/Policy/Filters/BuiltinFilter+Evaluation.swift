import Configuration
import Envelopes
import MailSyntax
import SMTPProtocol
import Tables

/// Built-in filters: what their conditions compare, and what they decide (smtpd.conf(5)).
extension BuiltinFilter {
    /// What a condition comes to, before `!`.
    package enum Test: Hashable, Sendable {
        case known(Bool)
        /// Whether the table has the key; a table that cannot say has it not.
        case ask(TableQuery)
    }

    /// What one condition compares, for the question that is asked.
    package static func test(_ criterion: Criterion, _ question: FilterQuestion, _ facts: FilterFacts) -> Test {
        switch criterion {
        case .fcrdns:
            .known(facts.client.forwardConfirmation == .confirmed)
        case .rdns(nil):
            .known(reverseName(facts) != nil)
        case .rdns(let table?):
            // A client without a name has none that could match.
            reverseName(facts).map { ask(table, .domain, $0) } ?? .known(false)
        case .source(let table):
            ask(table, .netaddr, facts.client.source.text)
        case .helo(let table):
            ask(table, .domain, facts.helo)
        case .auth(nil):
            .known(facts.user != nil)
        case .auth(let table?):
            facts.user.map { ask(table, .string, $0) } ?? .known(false)
        case .mailFrom(let table):
            // The null reverse path has no address; tables know it as the pattern for everything.
            ask(table, .mailaddr, facts.sender?.address?.text ?? "@")
        case .rcptTo(let table):
            facts.recipient.map { ask(table, .mailaddr, $0.text) } ?? .known(false)
        }
    }

    /// The client's name; an address in its place is none.
    private static func reverseName(_ facts: FilterFacts) -> String? {
        let name = facts.client.reverseName
        return name == "<unknown>" || name.isEmpty || name.utf8.first == UInt8(ascii: "[") ? nil : name
    }

    private static func ask(_ reference: TableReference, _ service: TableService, _ key: String) -> Test {
        .ask(
            TableQuery(
                table: reference.table, service: reference.isRegex ? .regex : service, operation: .match, key: key))
    }

    /// Every question that this filter can ask of tables, for whoever answers only those.
    package var tableQuestions: Set<TableQuestion> {
        Set(
            conditions.compactMap { condition in
                switch condition.criterion {
                case .fcrdns, .rdns(nil), .auth(nil): nil
                case .rdns(let table?), .helo(let table): TableQuestion(table, .domain)
                case .source(let table): TableQuestion(table, .netaddr)
                case .auth(let table?): TableQuestion(table, .string)
                case .mailFrom(let table), .rcptTo(let table): TableQuestion(table, .mailaddr)
                }
            })
    }

    /// A table and what it is asked for.
    package struct TableQuestion: Hashable, Sendable {
        package let table: String
        package let service: TableService

        init(_ reference: TableReference, _ service: TableService) {
            self.init(table: reference.table, service: reference.isRegex ? .regex : service)
        }

        package init(table: String, service: TableService) {
            self.table = table
            self.service = service
        }
    }

    /// What is decided when all conditions hold.
    package var verdict: FilterDecision {
        switch decision {
        case .reject(let text): FilterReply.rejection(text.utf8)
        case .disconnect(let text): FilterReply.disconnection(text.utf8)
        case .rewrite(let value): .rewrite(Array(value.utf8))
        case .report(let text): .report(Array(text.utf8), endsChain: false)
        case .junk: .junk
        case .bypass: .bypass
        }
    }

    /// The phase in which it is asked.
    package var filterPhase: FilterPhase {
        switch phase {
        case .connect: .connect
        case .helo: .helo
        case .ehlo: .ehlo
        case .auth: .auth
        case .mailFrom: .mailFrom
        case .rcptTo: .rcptTo
        case .data: .data
        case .commit: .commit
        }
    }
}
