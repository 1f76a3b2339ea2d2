import Envelopes
import EventLoop
import ProcessMessages
import Scheduling

/// What the queue reports, as inputs of the machine. A result the machine did not wait for is a mistake of
/// ours or of the queue's; it is logged and changes nothing.
extension SchedulerProcess {
    func submitted(_ envelopes: [ScheduledEnvelope]) {
        counts.incoming += Int64(envelopes.count)
        for envelope in envelopes {
            note { () throws(SchedulerError) in
                try scheduler.submitted(
                    envelope.id, kind: envelope.kind, timeToLive: envelope.timeToLive, isSuspended: envelope.isSuspended, now: now)
            }
        }
    }

    func recovered(_ envelopes: [ScheduledEnvelope]) {
        let wallClock = Timestamp(seconds: wallClockSeconds())
        for envelope in envelopes {
            let history = DeliveryHistory(
                attempts: envelope.attempts, lastAttempt: envelope.lastAttempt, lastNotice: envelope.lastNotice,
                isSuspended: envelope.isSuspended)
            note { () throws(SchedulerError) in
                try scheduler.recovered(
                    envelope.id, kind: envelope.kind, created: envelope.created, timeToLive: envelope.timeToLive,
                    history: history, wallClock: wallClock, now: now)
            }
        }
    }

    func delivered(_ id: EnvelopeID) {
        counts.ok += 1
        note { () throws(SchedulerError) in try scheduler.delivered(id) }
    }

    func failedTemporarily(_ id: EnvelopeID) {
        counts.temporary += 1
        note { () throws(SchedulerError) in
            guard case .notifyDelay(let id, let after)? = try scheduler.failedTemporarily(id, now: now) else { return }
            queue?.send(.notifyDelay(id, after: after))
        }
    }

    func failedPermanently(_ id: EnvelopeID) {
        counts.permanent += 1
        note { () throws(SchedulerError) in try scheduler.failedPermanently(id) }
    }

    func looped(_ id: EnvelopeID) {
        counts.loops += 1
        note { () throws(SchedulerError) in try scheduler.failedPermanently(id) }
    }

    func vanished(_ id: EnvelopeID) {
        // It may have been known or not, waiting or not: it is to be forgotten either way.
        do throws(SchedulerError) {
            try scheduler.failedPermanently(id)
        } catch {
            _ = scheduler.removeRequested(.envelope(id))
        }
    }

    func held(_ id: EnvelopeID, by holder: UInt64) {
        note { () throws(SchedulerError) in try scheduler.held(id, holder: holder, now: now) }
    }

    func released(_ holder: UInt64, _ count: Int) {
        _ = scheduler.released(holder, .first(count), now: now)
    }

    private func note(_ input: () throws(SchedulerError) -> Void) {
        do throws(SchedulerError) {
            try input()
        } catch {
            context.log.warning("scheduler: \(error)")
        }
    }
}
