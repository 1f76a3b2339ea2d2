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
    func explain(_ recipient: MailAddress, of transaction: Transaction, answering request: UInt64) {
        guard let view else { context.fail("asked before it was configured") }
        let subject = RuleSubject(transaction, recipient: recipient)
        let expansion = RecipientExpansion(
            recipient: recipient, subject: subject, rules: view.rules, actions: view.actions,
            settings: ExpansionSettings(generation: view.generation, subaddressDelimiter: view.subaddressDelimiter),
            senderRewriting: senderRewriting)
        spawn { [self] in
            let (result, answers) = await run(expansion)
            var explanation = Explanation(
                of: result, recipient: recipient, subject: subject, rules: view.rules, generation: view.generation,
                answers: answers)
            var actions: [String] = []
            if case .accepted(let deliveries, _) = result {
                for delivery in deliveries where !actions.contains(delivery.action) { actions.append(delivery.action) }
                await addExchangers(of: deliveries, view, to: &explanation)
            }
            control?.send(
                .explained(request: request, explanation, actions: Array(actions.prefix(LookupToControl.maximumActions))))
        }
    }

    /// Runs a machine to its end, and keeps what tables said to it.
    private func run(_ machine: RecipientExpansion) async -> (ExpansionResult, [TableQuery: TableAnswer]) {
        var expansion = machine
        var answers: [TableQuery: TableAnswer] = [:]
        var step = expansion.start()
        while true {
            switch step {
            case .ask(let query):
                let answer = await answer(query)
                answers[query] = answer
                step = expansion.answer(answer)
            case .readInclude(let path):
                step = expansion.answer(include: IncludeFile.read(path))
            case .readForward(let user, let userbase):
                if ForwardFile.isCertainlyAbsent(in: user.directory) {
                    step = expansion.answer(forward: .none)
                    continue
                }
                let request = forwards.next()
                parent?.send(
                    .readForward(
                        request: request,
                        user: UserEntry(name: user.name, uid: user.uid, gid: user.gid, directory: user.directory),
                        userbase: userbase))
                let file = await forwards.answer(request) ?? .temporaryFailure("the parent does not answer")
                step = expansion.answer(forward: file)
            case .finished(let result):
                return (result, answers)
            }
        }
    }

    private func relayEntries(of table: String) async -> RelayEntries {
        await withUnsafeContinuation { continuation in
            findRelayEntries(of: table, .hosts) { continuation.resume(returning: $0) }
        }
    }

    /// Domains whose exchangers are looked up for one explanation.
    private static let maximumDomains = 5

    /// The next hops of what goes to other servers.
    private func addExchangers(
        of deliveries: [ResolvedDelivery], _ view: LookupView, to explanation: inout Explanation
    ) async {
        var domains: [Domain] = []
        for delivery in deliveries {
            guard case .relay(let relay)? = view.actions[delivery.action]?.kind else { continue }
            switch relay.hosts {
            case nil:
                let domain = delivery.destination.domain
                if !domains.contains(domain), domains.count < Self.maximumDomains { domains.append(domain) }
            case .smarthosts(let table):
                if case .found(let urls) = await relayEntries(of: table) {
                    explanation.add("servers", urls.joined(separator: ", "), depth: 1)
                }
            case .byDomain(let table):
                let domain = delivery.destination.domain.text
                let query = TableQuery(table: table, service: RelayTable.hosts.service, operation: .lookup, key: domain)
                if case .found(let url) = await answer(query) { explanation.add("server", "\(url) for \(domain)", depth: 1) }
            }
        }
        for domain in domains {
            let verdict = await exchangers(of: domain)
            explanation.add("mail exchangers", "of \(domain.text): \(verdict.text)", depth: 1)
        }
    }
}
