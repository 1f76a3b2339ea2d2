import Log

/// What `smtpd -T` can make the processes tell.
package enum TraceSubjects {
    /// Who a recipient becomes, step by step.
    package static let expand: TraceSubject = "expand"
    /// Which rules were tried for an address, and which condition failed.
    package static let rules: TraceSubject = "rules"
    /// Questions to tables and their answers.
    package static let lookup: TraceSubject = "lookup"
    /// Messages and outcomes in the spool.
    package static let queue: TraceSubject = "queue"
    /// What becomes due.
    package static let scheduler: TraceSubject = "scheduler"
    /// Replies to clients.
    package static let smtp: TraceSubject = "smtp"
    /// Local deliveries on their way to agents.
    package static let mda: TraceSubject = "mda"

    /// Sessions with other servers.
    package static let mta: TraceSubject = "mta"

    package static let known = [expand, lookup, mda, mta, queue, rules, scheduler, smtp]

    /// Subjects of OpenSMTPD that this version has nothing to tell of.
    private static let absent: Set<String> = [
        "bounce", "bounces", "filter", "filters", "imsg", "io", "mproc", "profile-imsg", "profile-queue",
        "profstat", "stat", "stats", "table", "tables", "transfer",
    ]

    /// Why a word is no subject.
    package enum Problem: Error, Hashable, CustomStringConvertible {
        case unknown(String)
        case absent(String)

        package var description: String {
            let known = TraceSubjects.known.map(\.name).joined(separator: ", ")
            return switch self {
            case .unknown(let word): "\(word): no such subject; there are \(known) and all"
            case .absent(let word): "\(word): not in this version; there are \(known) and all"
            }
        }
    }

    /// The subjects a word stands for: one, or every one for `all`.
    package static func named(_ word: String) throws(Problem) -> [TraceSubject] {
        if word == "all" { return known }
        if let subject = known.first(where: { $0.name == word }) { return [subject] }
        throw absent.contains(word) ? .absent(word) : .unknown(word)
    }
}
