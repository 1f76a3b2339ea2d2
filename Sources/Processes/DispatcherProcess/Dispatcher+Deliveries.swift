import AgentMessages
import Configuration
import Envelopes
import EventLoop
import Log
import MailSyntax
import Platform
import ProcessMessages
import RoleProcess

/// Envelopes that the queue hands out: given to the agents, their outcomes logged and reported back.
extension DispatcherProcess {
    func deliver(
        _ attempts: [QueueToDispatcher.Attempt], of transaction: Transaction, _ body: MessageBody,
        _ file: consuming OwnedDescriptor?
    ) {
        let content: QueuedMessage.Body
        switch body {
        case .inline(let bytes):
            content = .inline(bytes)
        case .file(let size):
            guard let file = file.take() else { context.fail("a big message without its file") }
            content = .file(BodyFile(descriptor: file, size: size))
        }
        let message = QueuedMessage(transaction: transaction, body: content)
        var relayed: [RelayTask] = []
        for attempt in attempts {
            let envelope = attempt.envelope
            guard case .local(let delivery) = envelope.kind else {
                relayed.append(RelayTask(envelope: envelope, message: message, order: attempt.order))
                continue
            }
            guard let action = localAction(named: envelope.action) else {
                finish(
                    envelope,
                    .temporary(DeliveryFailure(status: "4.3.5", text: "no action \(envelope.action) in the configuration")))
                continue
            }
            context.log.trace(TraceSubjects.mda, "evpid=\(envelope.id) to=<\(envelope.destination.text)> by \(envelope.action)")
            deliveries.submit(
                LocalTask(
                    envelope: envelope, delivery: delivery, action: action, message: message,
                    isRepeat: attempt.isRepeat))
        }
        relays.offer(relayed)
    }

    private func localAction(named name: String) -> LocalAction? {
        guard case .local(let action)? = view.actions[name]?.kind else { return nil }
        return action
    }

    func finish(_ envelope: Envelope, _ outcome: DeliveryOutcome) {
        queue?.send(.outcome(envelope.id, outcome))
    }

    func makeDeliveries() -> LocalDeliveries {
        LocalDeliveries(
            limits: MDALimits(),
            makeRequest: { [unowned self] id, task, user throws(DeliveryFailure) in
                try DeliveryRequest(
                    id: id, task: task, user: user, delimiter: view.session.subaddressDelimiter, generation: view.generation,
                    mailDirectory: context.installation.isRootless ? context.installation.spool + "/mail" : "/var/mail",
                    programs: context.programs.libexec)
            },
            startAgent: { [unowned self] identity in
                let request = agentStarts.next()
                parent?.send(.startAgent(request: request, identity: identity))
                return await agentStarts.answer(request)
                    ?? .refused(DeliveryFailure(status: "4.3.0", text: "no delivery agent"), isPermanent: false)
            },
            report: { [unowned self] task, outcome in
                logDelivery(task, outcome)
                finish(task.envelope, outcome)
            },
            hold: { [unowned self] id, holder in
                context.log.trace(TraceSubjects.mda, "evpid=\(id) held")
                queue?.send(.hold(id, holder: holder))
            },
            release: { [unowned self] holder, count in queue?.send(.release(holder: holder, count: UInt32(count))) })
    }

    private func logDelivery(_ task: LocalTask, _ outcome: DeliveryOutcome) {
        let envelope = task.envelope
        let delay = max(0, wallClockSeconds() - envelope.created.seconds)
        if case .delivered = outcome { counts.delivered(locally: true, after: delay) }
        log.info(
            "mda delivery evpid=\(envelope.id) from=<\(task.message.transaction.sender.text)> to=<\(envelope.destination.text)> "
                + "rcpt=<\(envelope.recipient.text)> user=\(task.delivery.user ?? "-") delay=\(durationText(delay)) "
                + outcome.logFields)
    }
}

extension DeliveryOutcome {
    /// What came of a delivery, as its line of the log ends.
    var logFields: String {
        let (result, text): (String, String) =
            switch self {
            case .delivered(let text): ("Ok", text)
            case .temporary(let failure): ("TempFail", "\(failure.status) \(failure.text)")
            case .permanent(let failure): ("PermFail", "\(failure.status) \(failure.text)")
            case .loop: ("PermFail", "5.4.6 Loop detected")
            }
        return "result=\(result) stat=\(LogText.value(text))"
    }
}
