import Configuration
import Envelopes
import EventLoop
import MailSyntax
import Platform
import ProcessMessages
import Rules
import TableBackends
import Tables

/// How a recipient would be decided about, told step by step: the machine that decides runs, and whoever asked hears
/// what it did.
extension LookupProcess {
    func explain(_ recipient: MailAddress, of transaction: Transaction, asksDNS: Bool, answering request: UInt64) {
        guard let view else { context.fail("asked before it was configured") }
        let subject = RuleSubject(transaction, recipient: recipient)
        spawn { [self] in
            let (result, answers) = await run(expansion(of: recipient, subject))
            var explanation = Explanation(
                of: result, recipient: recipient, subject: subject, rules: view.rules, generation: view.generation,
                answers: answers)
            var actions: [String] = []
            if case .accepted(let deliveries, _) = result {
                for delivery in deliveries where !actions.contains(delivery.action) { actions.append(delivery.action) }
                await addNextHops(NextHop.all(of: deliveries, actions: view.actions), asksDNS: asksDNS, to: &explanation)
            }
            control?.send(
                .explained(request: request, explanation, actions: Array(actions.prefix(LookupToControl.maximumActions))))
        }
    }

    /// Runs a machine to its end, and keeps what tables said to it.
    private func run(_ machine: RecipientExpansion) async -> (ExpansionResult, [TableQuery: TableAnswer]) {
        let answers = KnownAnswers()
        let result = await withUnsafeContinuation { continuation in
            run(machine, noting: { answers.byQuery[$0] = $1 }) { continuation.resume(returning: $0) }
        }
        return (result, answers.byQuery)
    }

    private func relayEntries(of table: String) async -> RelayEntries {
        await withUnsafeContinuation { continuation in
            findRelayEntries(of: table, .hosts) { continuation.resume(returning: $0) }
        }
    }

    /// The next hops of what goes to other servers.
    private func addNextHops(_ hops: [NextHop], asksDNS: Bool, to explanation: inout Explanation) async {
        for hop in hops {
            var hosts: [Domain] = []
            switch hop {
            case .exchangers(let domain):
                guard asksDNS else { continue }
                explanation.add("mail exchangers", "of \(domain.text): \(await exchangers(of: domain).text)", depth: 1)
            case .smarthosts(let table):
                switch await relayEntries(of: table) {
                case .found(let urls): hosts = explanation.add(servers: urls, of: table)
                case .failed(let reason): explanation.add(failure: reason, of: table)
                }
            case .byDomain(let table, let domain):
                let query = TableQuery(table: table, service: RelayTable.hosts.service, operation: .lookup, key: domain.text)
                switch await answer(query) {
                case .found(let url): hosts = explanation.add(servers: [url], of: table, for: domain)
                case .notFound: hosts = explanation.add(servers: [], of: table, for: domain)
                case .failed(let reason): explanation.add(failure: reason, of: table)
                }
            }
            guard asksDNS else { continue }
            for host in hosts {
                explanation.add("addresses", "of \(host.text): \(await addresses(of: host).text)", depth: 2)
            }
        }
    }
}

/// What tables said while a machine ran.
@EventLoopActor
private final class KnownAnswers {
    var byQuery: [TableQuery: TableAnswer] = [:]
}
