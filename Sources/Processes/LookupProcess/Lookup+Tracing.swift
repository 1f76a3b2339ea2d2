import Configuration
import MailSyntax
import RoleProcess
import Rules
import Tables

/// What an operator sees of decisions: `smtpd -T expand`, `-T rules`, `-T lookup`.
extension LookupProcess {
    func traceExpansion(of recipient: MailAddress, _ trace: ExpansionTrace) {
        let log = context.log
        guard log.settings.traces(TraceSubjects.expand) || log.settings.traces(TraceSubjects.rules) else { return }
        for entry in trace.entries {
            if case .rules(let address, let rules) = entry {
                for tried in rules.entries {
                    log.trace(
                        TraceSubjects.rules,
                        "<\(address.text)> rule \(tried.location.file):\(tried.location.line): \(tried.result.text)")
                }
            } else {
                log.trace(TraceSubjects.expand, "<\(recipient.text)> \(entry.text)")
            }
        }
        if trace.omitted > 0 { log.trace(TraceSubjects.expand, "<\(recipient.text)> and \(trace.omitted) steps more") }
        log.trace(TraceSubjects.expand, "<\(recipient.text)> \(trace.summary)")
    }

    func trace(_ query: TableQuery, _ answer: TableAnswer) {
        guard context.log.settings.traces(TraceSubjects.lookup) else { return }
        // A password is for nobody's eyes, and the key of `auth` holds one.
        let isSecret = query.service == .credentials || query.service == .auth
        let key = query.service == .auth ? String(query.key.prefix { $0 != ":" }) : query.key
        context.log.trace(
            TraceSubjects.lookup,
            "\(query.operation) \(key) in <\(query.table)> as \(query.service): \(isSecret ? answer.kind : answer.text)")
    }
}

extension RuleTrace.Result {
    fileprivate var text: String {
        switch self {
        case .matched: "matched"
        case .failed(let criterion): "\(criterion.name) does not match"
        case .undecided(let criterion, let reason): "\(criterion.name): \(reason)"
        }
    }
}

extension ExpansionTrace.Entry {
    fileprivate var text: String {
        switch self {
        case .rules(let address, let trace): "<\(address.text)> \(trace.summary)"
        case .restored(let address, let original): "<\(address.text)> was rewritten from <\(original.text)>"
        case .alias(let table, let key, let items): "\(key) in <\(table)>: \(items) items"
        case .forward(let user, let items): "forward file of \(user): \(items) items"
        case .include(let path, let items): "included \(path): \(items) items"
        case .skipped(let item, let reason): "\(item) left out: \(reason)"
        case .delivery(let delivery): "delivery to <\(delivery.destination.text)> by \(delivery.action)"
        case .failure(let failure): failure.reason
        }
    }
}

extension TableAnswer {
    fileprivate var kind: String {
        switch self {
        case .found: "found"
        case .notFound: "not found"
        case .failed: "failed"
        }
    }

    fileprivate var text: String {
        switch self {
        case .found(let value): "found \(value)"
        case .notFound: "not found"
        case .failed(let reason): "failed: \(reason)"
        }
    }
}
