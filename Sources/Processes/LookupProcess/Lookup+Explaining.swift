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
                await addNextHops(NextHop.all(of: deliveries, actions: view.actions), asksDNS: asksDNS, to: &explanation)
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
