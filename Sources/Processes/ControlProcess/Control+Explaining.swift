import Envelopes
import EventLoop
import MailSyntax
import ProcessMessages
import Rules

/// `smtpctl explain`: lookup says what is decided and why, the dispatcher what its actions do, the scheduler when.
extension ControlProcess {
    func explain(_ words: [String], asJSON: Bool, to client: ControlClientConnection) async -> Bool {
        var question: ExplanationQuestion
        do throws(ExplanationQuestion.Problem) {
            question = try ExplanationQuestion(words: words)
        } catch {
            return await client.send(.failed(error.description))
        }
        var explanation = Explanation()
        var recipient: MailAddress
        if let name = question.listener {
            let request = answers.listeners.next()
            dispatcher?.send(.explainListener(request: request, name: name))
            guard let answer = await answers.listeners.answer(request) else { return false }
            guard let facts = answer else { return await client.send(.failed("no such listener: \(name)")) }
            question.take(facts)
            explanation.add(facts.explanation, depth: 0)
        }
        var transaction = question.transaction
        switch question.target {
        case .address(let address): recipient = address
        case .envelope(let id):
            let request = answers.envelopes.next()
            queue?.send(.envelope(request: request, id))
            guard let answer = await answers.envelopes.answer(request) else { return false }
            guard let entry = answer else { return await client.send(.failed("no such envelope")) }
            recipient = entry.envelope.recipient
            transaction = entry.transaction
            guard await tell(entry, to: &explanation) else { return false }
        }
        let request = answers.explanations.next()
        lookup?.send(.explain(request: request, recipient: recipient, transaction: transaction, asksDNS: question.asksDNS))
        guard let decided = await answers.explanations.answer(request) else { return false }
        explanation.add(decided.explanation, depth: 0)
        for action in decided.actions {
            let request = answers.explanations.next()
            dispatcher?.send(.explain(request: request, action: action))
            guard let known = await answers.explanations.answer(request) else { return false }
            explanation.add(known.explanation, depth: 0)
        }
        guard await client.send(output: Array((asJSON ? explanation.json : explanation.tree).utf8)) else { return false }
        return await client.send(.end)
    }

    /// What is known of an envelope before anything is decided anew.
    private func tell(_ entry: ListedEnvelope, to explanation: inout Explanation) async -> Bool {
        let envelope = entry.envelope
        explanation.add("envelope", "\(envelope.id)", depth: 0)
        explanation.add("from", "<\(entry.transaction.sender.text)>", depth: 1)
        explanation.add("to", "<\(envelope.destination.text)> by action \(envelope.action)", depth: 1)
        let request = answers.states.next()
        scheduler?.send(.states(request: request, [envelope.id]))
        guard let states = await answers.states.answer(request) else { return false }
        explanation.add("state", states.first.map(Self.text) ?? "unknown", depth: 1)
        explanation.add("tries", "\(entry.history.attempts)", depth: 1)
        if !entry.history.lastError.isEmpty { explanation.add("last error", entry.history.lastError, depth: 1) }
        let left = envelope.created.seconds + envelope.timeToLive - wallClockSeconds()
        explanation.add("expires", left > 0 ? "in \(durationText(left))" : "now", depth: 1)
        return true
    }

    private static func text(of state: RunState) -> String {
        switch state {
        case .pending(let seconds): seconds > 0 ? "waits, first try in \(durationText(seconds))" : "waits for its turn, due now"
        case .deferred(let seconds): seconds > 0 ? "waits, next try in \(durationText(seconds))" : "waits for its turn, due now"
        case .inflight(let seconds): "being delivered for \(durationText(seconds))"
        case .held: "held until its user or relay has room"
        case .suspended: "paused by an operator"
        case .unknown: "gone meanwhile"
        }
    }
}
