import Configuration

/// The conditions a rule can have.
package enum RuleCriterion: UInt8, Hashable, Sendable, CaseIterable {
    case tag = 1, source, destination, helo, authentication, tls, sender, recipient

    /// The word of the configuration.
    package var name: String {
        switch self {
        case .tag: "tag"
        case .source: "from"
        case .destination: "for"
        case .helo: "helo"
        case .authentication: "auth"
        case .tls: "tls"
        case .sender: "mail-from"
        case .recipient: "rcpt-to"
        }
    }

    /// The order in which a rule's conditions are tried, however they are written. It decides which
    /// tables are asked, and so which of them can make a recipient fail.
    package static func order(_ generation: Generation) -> [RuleCriterion] {
        switch generation {
        case .match: [.tag, .source, .destination, .helo, .authentication, .tls, .sender, .recipient]
        case .accept: [.tag, .source, .sender, .recipient, .destination, .helo, .authentication, .tls]
        }
    }
}

/// Why the rules decided as they did: every rule that was tried, in order.
package struct RuleTrace: Hashable, Sendable {
    package var entries: [Entry] = []

    package struct Entry: Hashable, Sendable {
        package var location: SourceLocation
        package var result: Result
    }

    package enum Result: Hashable, Sendable {
        case matched
        /// The first condition that did not hold.
        case failed(RuleCriterion)
        /// A table that could not say, with its words.
        case undecided(RuleCriterion, String)
    }

    package init() {}

    /// `rule FILE:LINE: reason` of the last rule tried, or that there was none.
    package var summary: String {
        guard let last = entries.last else { return "no rule" }
        switch last.result {
        case .matched: return "\(last.location.rule): matched"
        case .failed: return "no rule matched"
        case .undecided(let criterion, let reason): return "\(last.location.rule): \(criterion.name): \(reason)"
        }
    }
}

extension SourceLocation {
    /// `rule FILE:LINE`, as log lines name it.
    var rule: String { "rule \(file):\(line)" }
}
