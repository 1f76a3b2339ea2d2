import Configuration
import Envelopes
import EventLoop
import MailSyntax
import Platform
import ProcessMessages
import Rules
import TableBackends
import Tables

/// Runs one recipient through rules, aliases and forwarding: the machine decides, this fetches.
extension LookupProcess {
    /// Decides about a recipient and calls back with the verdict: at once when only tables of ours were needed, else
    /// after the answers of table programs, and of the parent for a .forward file.
    func expand(
        _ recipient: MailAddress, of transaction: Transaction,
        then report: @escaping @EventLoopActor (ExpansionVerdict) -> Void
    ) {
        run(expansion(of: recipient, RuleSubject(transaction, recipient: recipient))) { [self] result in
            traceExpansion(of: recipient, result.trace)
            report(verdict(result, of: recipient))
        }
    }

    /// The machine that decides about a recipient.
    func expansion(of recipient: MailAddress, _ subject: RuleSubject) -> RecipientExpansion {
        guard let view else { context.fail("asked before it was configured") }
        return RecipientExpansion(
            recipient: recipient, subject: subject, rules: view.rules, actions: view.actions,
            settings: ExpansionSettings(generation: view.generation, subaddressDelimiter: view.subaddressDelimiter),
            senderRewriting: senderRewriting)
    }

    /// Runs a machine to its end.
    ///
    /// - Parameter note: Told of each answer of a table.
    func run(
        _ machine: RecipientExpansion, noting note: (@EventLoopActor (TableQuery, TableAnswer) -> Void)? = nil,
        then report: @escaping @EventLoopActor (ExpansionResult) -> Void
    ) {
        var expansion = machine
        let first = expansion.start()
        advance(expansion, first, noting: note, then: report)
    }

    private func advance(
        _ machine: RecipientExpansion, _ first: ExpansionStep, noting note: (@EventLoopActor (TableQuery, TableAnswer) -> Void)?,
        then report: @escaping @EventLoopActor (ExpansionResult) -> Void
    ) {
        var expansion = machine
        var step = first
        while true {
            switch step {
            case .ask(let query):
                if let known = answerAtOnce(query) {
                    note?(query, known)
                    step = expansion.answer(known)
                    continue
                }
                ask(query) { [self] answer in
                    note?(query, answer)
                    let next = expansion.answer(answer)
                    advance(expansion, next, noting: note, then: report)
                }
                return
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
                spawn { [self] in
                    guard let file = await forwards.answer(request) else { return }
                    let next = expansion.answer(forward: file)
                    advance(expansion, next, noting: note, then: report)
                }
                return
            case .finished(let result):
                return report(result)
            }
        }
    }

    /// What the machine found, as envelopes that lack only their names.
    private func verdict(_ result: ExpansionResult, of recipient: MailAddress) -> ExpansionVerdict {
        switch result {
        case .accepted(let deliveries, let trace):
            return .accepted(
                deliveries.map {
                    EnvelopeDraft(
                        recipient: recipient, destination: $0.destination, action: $0.action, kind: $0.kind,
                        timeToLive: view?.actions[$0.action]?.timeToLive ?? view?.timeToLive ?? 0)
                }, trace: trace.summary)
        case .refused(let reply, let trace):
            return .refused(reply, trace: trace.summary)
        }
    }
}
