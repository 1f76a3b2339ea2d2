import Envelopes
import EventLoop
import ProcessMessages
import Scheduling

/// An operator's orders and questions.

/// What `show stats` tells of the schedule since the start.
struct SchedulerCounts {
    var incoming: Int64 = 0
    var ok: Int64 = 0
    var temporary: Int64 = 0
    var permanent: Int64 = 0
    var loops: Int64 = 0
    var expired: Int64 = 0
    var removed: Int64 = 0
}

extension SchedulerProcess {
    func state(of id: EnvelopeID) -> RunState {
        guard let status = scheduler.status(of: id, now: now) else { return .unknown }
        if status.isSuspended { return .suspended }
        switch status.state {
        case .pending(let seconds): return status.attempts > 0 ? .deferred(seconds: seconds) : .pending(seconds: seconds)
        case .inflight(let seconds): return .inflight(seconds: seconds)
        case .held: return .held
        case .removing: return .unknown
        }
    }

    func scheduleRequested(_ selection: EnvelopeSelection, _ request: UInt64) {
        affected(scheduler.scheduleRequested(selection, now: now), request)
    }

    func removeRequested(_ selection: EnvelopeSelection, _ request: UInt64) {
        affected(scheduler.removeRequested(selection), request)
    }

    func suspendRequested(_ selection: EnvelopeSelection, _ request: UInt64) {
        rest(selection, true, scheduler.suspendRequested(selection), request)
    }

    func resumeRequested(_ selection: EnvelopeSelection, _ request: UInt64) {
        rest(selection, false, scheduler.resumeRequested(selection), request)
    }

    /// Whether an envelope rests outlives the daemon, so the queue writes it down.
    private func rest(_ selection: EnvelopeSelection, _ suspended: Bool, _ count: Int, _ request: UInt64) {
        switch selection {
        case .envelope(let id):
            if count > 0 { queue?.send(.suspended(id, suspended)) }
        case .envelopes(let ids):
            for id in ids where scheduler.status(of: id, now: now)?.isSuspended == suspended {
                queue?.send(.suspended(id, suspended))
            }
        case .message(let message):
            note(suspended, envelopesOf: message)
        case .all:
            note(suspended, envelopesOf: nil)
        }
        affected(count, request)
    }

    private func note(_ suspended: Bool, envelopesOf message: MessageID?) {
        var after: EnvelopeID?
        while true {
            let page = scheduler.envelopes(of: message, after: after, now: now)
            guard let last = page.last else { return }
            after = last.id
            for status in page where status.isSuspended == suspended { queue?.send(.suspended(status.id, suspended)) }
        }
    }

    func setPaused(_ kind: DeliveryKind, _ paused: Bool, _ request: UInt64) {
        let changed = paused ? scheduler.paused(kind) : scheduler.resumed(kind)
        affected(changed ? 1 : 0, request)
    }

    private func affected(_ count: Int, _ request: UInt64) {
        control?.send(.affected(request: request, count: UInt64(max(0, count))))
    }
}
