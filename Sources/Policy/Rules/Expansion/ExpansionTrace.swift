import Configuration
import MailSyntax

/// Why an expansion ended as it did, step by step.
package struct ExpansionTrace: Hashable, Sendable {
    package private(set) var entries: [Entry] = []
    /// Steps left out because ``maximumEntries`` was reached.
    package private(set) var omitted = 0
    private var decisive: SourceLocation?
    private var failure: ExpansionFailure?
    private var deliveries = 0

    /// A list of thousands needs no story of thousands.
    package static let maximumEntries = 200

    package enum Entry: Hashable, Sendable {
        /// An address went through the rules.
        case rules(MailAddress, RuleTrace)
        /// A rewritten sender's address, and whose it was (SRS).
        case restored(MailAddress, MailAddress)
        /// A table knew a key as so many items.
        case alias(table: String, key: String, items: Int)
        /// A user's .forward held so many items.
        case forward(user: String, items: Int)
        case include(path: String, items: Int)
        /// An item that was left out, and why.
        case skipped(String, reason: String)
        case delivery(ResolvedDelivery)
        case failure(ExpansionFailure)
    }

    package init() {}

    /// - Parameter rule: Under which the step was taken; the one of a failure, else of the first
    ///   delivery, is named in the summary.
    mutating func append(_ entry: Entry, under rule: SourceLocation?) {
        switch entry {
        case .failure(let reason):
            failure = reason
            decisive = rule
        case .delivery:
            if deliveries == 0 { decisive = rule }
            deliveries += 1
        case .rules, .restored, .alias, .forward, .include, .skipped:
            break
        }
        if entries.count < Self.maximumEntries {
            entries.append(entry)
        } else {
            omitted += 1
        }
    }

    /// One line for the log: `rule FILE:LINE: reason`, without the place when no rule matched.
    package var summary: String {
        let reason = failure?.reason ?? (deliveries == 1 ? "1 delivery" : "\(deliveries) deliveries")
        guard let decisive else { return reason }
        return "\(decisive.rule): \(reason)"
    }
}

extension RuleTrace {
    /// The rule that decided or could not: nil when none matched.
    var decisive: SourceLocation? {
        guard let last = entries.last else { return nil }
        switch last.result {
        case .matched, .undecided: return last.location
        case .failed: return nil
        }
    }
}
