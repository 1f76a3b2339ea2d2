import Log

/// What `smtpd -T` and `smtpctl trace` can make the processes tell.
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

    /// Reports to senders.
    package static let bounce: TraceSubject = "bounce"
    /// Lines to and from filter programs; of the content of messages how much there was.
    package static let filters: TraceSubject = "filters"
    /// What the connections of SMTP do: octets read and written, TLS, pauses.
    package static let io: TraceSubject = "io"
    /// Messages between the processes, by their kind: what is in them may be a secret.
    package static let messages: TraceSubject = "imsg"
    /// Counters that are asked for.
    package static let statistics: TraceSubject = "stat"

    package static let known = [
        bounce, expand, filters, messages, io, lookup, mda, mta, queue, rules, scheduler, smtp, statistics,
    ]

    /// Other words of OpenSMTPD for the same.
    private static let aliases: [String: TraceSubject] = [
        "bounces": bounce, "filter": filters, "mproc": messages, "stats": statistics, "table": lookup, "tables": lookup, "transfer": mta,
    ]

    /// Subjects of OpenSMTPD that this version has nothing to tell of.
    private static let absent: Set<String> = ["profile-imsg", "profile-queue", "profstat"]

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
        if let subject = known.first(where: { $0.name == word }) ?? aliases[word] { return [subject] }
        throw absent.contains(word) ? .absent(word) : .unknown(word)
    }
}
