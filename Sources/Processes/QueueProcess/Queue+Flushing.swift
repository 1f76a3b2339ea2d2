import Envelopes
import EventLoop
import ProcessMessages
import QueueStorage
import RoleProcess
import Scheduling

/// When records become durable: commits at the end of the turn in which they came, all together; outcomes
/// with the next commit, or a moment later.
extension QueueProcess {
    /// How long an outcome may wait for company. A crash meanwhile costs a repeated delivery, which a
    /// maildir turns into the same file.
    private static let outcomeDelay = Duration.milliseconds(50)

    /// Everything that arrives in this turn of the loop shares one flush, and what has arrived by its end too:
    /// the next turn does not wait, and ends with the flush.
    func planFlush() {
        guard !flushIsPlanned else { return }
        flushIsPlanned = true
        afterLoopTurn { [unowned self] in
            afterLoopTurn { [unowned self] in
                flushIsPlanned = false
                flush()
            }
        }
    }

    /// An outcome was recorded; nobody waits for it.
    func planOutcomeFlush() {
        guard !flushIsPlanned, !outcomeTimer.isScheduled else { return }
        outcomeTimer.schedule(after: Self.outcomeDelay)
    }

    func flush() {
        outcomeTimer.cancel()
        let before = MonotonicInstant.now()
        let result = store.flush()
        // Only what somebody waits for.
        if !result.committed.isEmpty { flushTimes.record((MonotonicInstant.now() - before).wholeNanoseconds / 1_000_000) }
        for id in result.committed {
            guard let message = committing.removeValue(forKey: id) else { continue }
            if let transfer = message.transfer {
                if message.namesEnvelopes { name(message.envelopes, in: transfer) }
                dispatcher?.send(.committed(transfer: transfer))
            }
            noteAcceptance(of: id, message)
            for bounce in message.answers {
                store.recordGone(bounce)
                noteOutcome(of: bounce, .reported, to: message.envelopes.first?.recipient.text ?? "", "message \(id)")
                scheduler?.send(.delivered(bounce))
            }
            context.log.trace(TraceSubjects.queue, "msgid=\(id) committed with \(message.envelopes.count) envelopes")
            if message.isQuarantined { suspendAll(message.envelopes) }
            submit(message.envelopes, suspended: message.isQuarantined)
        }
        for (id, error) in result.failed {
            guard let message = committing.removeValue(forKey: id) else { continue }
            context.log.warning("message \(id) not stored: \(error)")
            if let transfer = message.transfer {
                dispatcher?.send(.refused(transfer: transfer, QueueRefusal(error)))
            }
            for bounce in message.answers { scheduler?.send(.failedTemporarily(bounce)) }
        }
        if let failure = result.failure { context.log.warning("outcomes wait for the disk: \(failure)") }
        if store.needsFlush { planOutcomeFlush() }
        planUpkeep()
    }

    private func name(_ envelopes: [Envelope], in transfer: UInt64) {
        for start in stride(from: 0, to: envelopes.count, by: QueueToDispatcher.maximumAttempts) {
            let end = min(start + QueueToDispatcher.maximumAttempts, envelopes.count)
            dispatcher?.send(.named(transfer: transfer, envelopes[start..<end].map(\.id)))
        }
    }

    /// Records of a message that was committed just now that an operator has to let it go.
    private func suspendAll(_ envelopes: [Envelope]) {
        for envelope in envelopes {
            store.record(DeliveryHistory(isSuspended: true), of: envelope.id)
            noteOutcome(of: envelope.id, .paused, to: envelope.destination.text, "")
        }
        planFlush()
    }

    /// Tells the scheduler of new envelopes.
    func submit(_ envelopes: [Envelope], suspended isSuspended: Bool = false) {
        for envelope in envelopes { arrivedMeanwhile?.insert(envelope.id) }
        for news in QueueToScheduler.submissions(of: envelopes, suspended: isSuspended) { scheduler?.send(news) }
    }
}

extension QueueToScheduler {
    /// Envelopes that are announced together: a frame holds them with much to spare, and a message may have
    /// more recipients than any frame holds.
    static let maximumAnnounced = 4_096

    /// The news of new envelopes, in their order.
    static func submissions(of envelopes: [Envelope], suspended isSuspended: Bool = false) -> [QueueToScheduler] {
        stride(from: 0, to: envelopes.count, by: maximumAnnounced).map { start in
            let part = envelopes[start..<min(start + maximumAnnounced, envelopes.count)]
            return .submitted(
                part.map { envelope in
                    ScheduledEnvelope(
                        id: envelope.id, kind: DeliveryKind(envelope.kind), created: envelope.created,
                        timeToLive: envelope.timeToLive, attempts: 0, lastAttempt: nil, lastNotice: nil,
                        isSuspended: isSuspended)
                })
        }
    }
}
