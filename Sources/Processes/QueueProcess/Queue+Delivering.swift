import Envelopes
import EventLoop
import Platform
import ProcessMessages
import QueueStorage
import RoleProcess

/// What is due goes out, and what became of it comes back.
extension QueueProcess {
    /// Envelopes looked at in one go.
    private static let batch = 64

    /// Hands out what waits, as far as the dispatcher may have bodies in its hands.
    func deliverWaiting() {
        while true {
            let ids = window.next(Self.batch)
            if ids.isEmpty { return }
            deliver(ids)
        }
    }

    /// The dispatcher has forgotten an envelope, and its body with the last of a group.
    func returned(_ id: EnvelopeID) {
        window.returned(id)
        deliverWaiting()
    }

    /// Loads what the scheduler names and hands it on: envelopes of one message together, so that its body
    /// is read and sent once. Bounces are written here.
    private func deliver(_ ids: [EnvelopeID]) {
        var order: [MessageID] = []
        var groups: [MessageID: [QueuedEnvelope]] = [:]
        var bounces: [QueuedEnvelope] = []
        var orders: [EnvelopeID: UInt64] = [:]
        for id in ids {
            if let order = window.takeOrder(of: id) { orders[id] = order }
            guard let queued = load(id) else { continue }
            if case .bounce = queued.envelope.kind {
                bounces.append(queued)
            } else {
                if groups[id.message] == nil { order.append(id.message) }
                groups[id.message, default: []].append(queued)
            }
        }
        for message in order {
            guard let group = groups[message] else { continue }
            for start in stride(from: 0, to: group.count, by: QueueToDispatcher.maximumAttempts) {
                handOut(message, Array(group[start..<min(start + QueueToDispatcher.maximumAttempts, group.count)]), orders)
            }
        }
        report(bounces)
    }

    private func handOut(_ message: MessageID, _ group: [QueuedEnvelope], _ orders: [EnvelopeID: UInt64]) {
        guard let transaction = group.first?.transaction else { return }
        let attempts = group.map {
            QueueToDispatcher.Attempt(
                envelope: $0.envelope, isRepeat: $0.history.attempts > 0 || $0.envelope.created < startTime,
                order: orders[$0.envelope.id])
        }
        do throws(StoreError) {
            switch try store.body(message) {
            case .bytes(let bytes):
                window.handedOut(group.map(\.envelope.id), .inline(bytes.count))
                dispatcher?.send(.deliver(transaction, attempts, .inline(bytes)))
            case .file(let descriptor, let size):
                window.handedOut(group.map(\.envelope.id), .file)
                dispatcher?.send(.deliver(transaction, attempts, .file(size: UInt64(size))), descriptor: descriptor)
            case nil:
                for queued in group { scheduler?.send(.vanished(queued.envelope.id)) }
            }
        } catch {
            unreadable(message, error, asked: group.map(\.envelope.id))
        }
    }

    /// The envelope, or nil when it is gone; the scheduler knows then.
    func load(_ id: EnvelopeID) -> QueuedEnvelope? {
        do throws(StoreError) {
            if let queued = try store.envelope(id) { return queued }
            scheduler?.send(.vanished(id))
        } catch {
            unreadable(id.message, error, asked: [id])
        }
        return nil
    }

    /// A damaged message leaves the queue, kept aside for the operator; trouble with the disk may pass.
    private func unreadable(_ message: MessageID, _ error: StoreError, asked: [EnvelopeID]) {
        guard case .damaged = error else {
            context.log.warning("message \(message): \(error)")
            for id in asked { scheduler?.send(.failedTemporarily(id)) }
            return
        }
        let ids = store.envelopes(of: message)
        if let warning = store.setAside(message) { context.log.error("message \(message) set aside: \(warning)") }
        for id in ids {
            noteOutcome(of: id, .lost, "")
            scheduler?.send(.vanished(id))
        }
    }

    // MARK: Outcomes

    func attempted(_ id: EnvelopeID, _ outcome: DeliveryOutcome) {
        guard let queued = load(id) else { return }
        context.log.trace(TraceSubjects.queue, "evpid=\(id) \(outcome)")
        switch outcome {
        case .delivered(let text):
            noteOutcome(of: queued, .delivered, text)
            addReport(.delivered, about: queued, error: text)
            finish(id, .delivered(id))
        case .temporary(let failure):
            recordFailure(of: queued, failure)
            scheduler?.send(.failedTemporarily(id))
            planOutcomeFlush()
        case .permanent(let failure):
            noteOutcome(of: queued, .failed, "\(failure.status) \(failure.text)")
            addReport(.failed, about: queued, error: "\(failure.status) \(failure.text)")
            finish(id, .failedPermanently(id))
        case .loop:
            noteOutcome(of: queued, .looped, "")
            addReport(.failed, about: queued, error: "5.4.6 Loop detected")
            finish(id, .looped(id))
        }
    }

    /// Another server took it. One that knows DSN tells the sender what becomes of it.
    func relayed(_ id: EnvelopeID, _ text: String, nextServerReports: Bool) {
        guard let queued = load(id) else { return }
        noteOutcome(of: queued, .delivered, text)
        if ReportPolicy.successAction(for: queued.envelope, nextServerReports: nextServerReports) == .relayed {
            addReport(.relayed, about: queued, error: text)
        }
        finish(id, .delivered(id))
    }

    func recordFailure(of queued: QueuedEnvelope, _ failure: DeliveryFailure) {
        var history = queued.history
        history.attempts += 1
        history.lastAttempt = Timestamp(seconds: wallClockSeconds())
        history.lastError = "\(failure.status) \(failure.text)"
        noteOutcome(of: queued, .deferred, history.lastError)
        store.record(history, of: queued.envelope.id)
    }

    func expire(_ id: EnvelopeID) {
        guard let queued = load(id) else { return }
        context.log.info("expired evpid=\(id) from=<\(queued.transaction.sender.text)> to=<\(queued.envelope.destination.text)>")
        let last = queued.history.lastError
        noteOutcome(of: queued, .expired, last)
        addReport(.failed, about: queued, error: "5.4.7 Envelope expired" + (last.isEmpty ? "" : " (\(last))"))
        finish(id, .failedPermanently(id))
    }

    func remove(_ id: EnvelopeID) {
        guard let queued = load(id) else { return }
        context.log.info("removed evpid=\(id)")
        noteOutcome(of: queued, .removed, "")
        store.recordGone(id)
        planOutcomeFlush()
    }

    private func finish(_ id: EnvelopeID, _ news: QueueToScheduler) {
        store.recordGone(id)
        scheduler?.send(news)
        planOutcomeFlush()
    }

    func setSuspended(_ id: EnvelopeID, _ isSuspended: Bool) {
        guard let queued = load(id), queued.history.isSuspended != isSuspended else { return }
        var history = queued.history
        history.isSuspended = isSuspended
        noteOutcome(of: queued, isSuspended ? .paused : .resumed, "")
        store.record(history, of: id)
        planOutcomeFlush()
    }
}
