import Envelopes
import EventLoop
import MailSyntax
import ProcessMessages
import QueueStorage

/// Reports to senders. A failure first becomes a bounce envelope of the message it is about, as durable as
/// any other; when the scheduler finds it due, it becomes a message of its own and goes.
extension QueueProcess {
    /// Seconds a report to a sender is tried.
    private static let bounceTimeToLive: Int64 = 7 * 86_400

    /// Adds a bounce beside an envelope, if its sender is to hear of it.
    func addReport(_ kind: BounceKind, about queued: QueuedEnvelope, error: String) {
        guard ReportPolicy.wantsReport(kind, about: queued.envelope, from: queued.transaction) else { return }
        var bounce = Envelope(
            id: store.makeEnvelopeID(in: queued.envelope.id.message), recipient: queued.envelope.recipient,
            destination: queued.envelope.destination, action: queued.envelope.action, kind: .bounce(kind),
            created: Timestamp(seconds: wallClockSeconds()), timeToLive: Self.bounceTimeToLive)
        bounce.notify = queued.envelope.notify
        bounce.originalRecipient = queued.envelope.originalRecipient
        do throws(StoreError) {
            try store.addEnvelopes([bounce], to: bounce.id.message)
        } catch {
            context.log.error("no report about evpid=\(queued.envelope.id): \(error)")
            return
        }
        store.record(DeliveryHistory(lastError: error), of: bounce.id)
        submit([bounce])
        planOutcomeFlush()
    }

    func notifyDelay(_ id: EnvelopeID, after: Int64) {
        guard let queued = load(id) else { return }
        var history = queued.history
        // The nominal moment, which no clock can move.
        history.lastNotice = queued.envelope.created + after
        store.record(history, of: id)
        addReport(.delayed(after: after), about: queued, error: queued.history.lastError)
        planOutcomeFlush()
    }

    /// Writes one report per message and kind for the bounces that are due.
    func report(_ bounces: [QueuedEnvelope]) {
        var rest = bounces
        while let first = rest.first {
            let together = rest.filter { ReportPolicy.canShareReport($0.envelope, first.envelope) }
            rest.removeAll { ReportPolicy.canShareReport($0.envelope, first.envelope) }
            spawn { [self] in await write(together) }
        }
    }

    private func write(_ bounces: [QueuedEnvelope]) async {
        guard let first = bounces.first, case .bounce(let kind) = first.envelope.kind,
            let sender = first.transaction.sender.address
        else { return }
        let transaction = Transaction(
            sender: .null, source: .local, reverseName: view.serverName, helo: view.serverName,
            serverName: view.serverName, isInternal: true, body: first.transaction.body,
            needsUTF8: first.transaction.needsUTF8)
        let request = expansions.next()
        lookup?.send(.expand(request: request, recipient: sender, transaction: transaction))
        guard let verdict = await expansions.answer(request) else { return }
        switch verdict {
        case .accepted(let drafts, _):
            send(ReportWriter.text(of: kind, about: bounces, view: view, store: store), drafts, transaction, answering: bounces)
        case .refused(let reply, let trace) where reply.isTemporary:
            context.log.info("report to <\(sender.text)> waits: \(trace)")
            for bounce in bounces {
                recordFailure(of: bounce, DeliveryFailure(status: reply.status ?? "4.0.0", text: reply.lines[0]))
                scheduler?.send(.failedTemporarily(bounce.envelope.id))
            }
            planOutcomeFlush()
        case .refused(_, let trace):
            context.log.warning("report to <\(sender.text)> dropped: \(trace)")
            for bounce in bounces {
                store.recordGone(bounce.envelope.id)
                scheduler?.send(.failedPermanently(bounce.envelope.id))
            }
            planOutcomeFlush()
        }
    }

    private func send(
        _ report: [UInt8], _ drafts: [EnvelopeDraft], _ transaction: Transaction, answering bounces: [QueuedEnvelope]
    ) {
        let answers = bounces.map(\.envelope.id)
        do throws(StoreError) {
            let message = try store.beginMessage()
            try store.appendBody(report, to: message)
            let envelopes = makeEnvelopes(of: message, from: drafts)
            try store.prepareCommit(message, transaction, envelopes)
            committing[message] = CommittingMessage(transfer: nil, answers: answers, envelopes: envelopes)
            planFlush()
        } catch {
            context.log.warning("report not stored: \(error)")
            for id in answers { scheduler?.send(.failedTemporarily(id)) }
        }
    }
}
