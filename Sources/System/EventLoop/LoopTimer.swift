import CLibevent
import Glibc

/// Calls back once, at a chosen time; can be set again and again.
///
/// Lives as long as its owner keeps it: a timer that is dropped does not fire.
@EventLoopActor package final class LoopTimer {
    private let fire: @EventLoopActor () -> Void
    private var event: LoopEvent?
    private var due: MonotonicInstant?

    /// Schedules nothing yet.
    package init(_ fire: @escaping @EventLoopActor () -> Void) {
        self.fire = fire
        event = LoopEvent(-1, 0, { _, _, context in onLoop { owner(context, as: LoopTimer.self).expired() } }, self)
    }

    /// Whether it is going to fire.
    package var isScheduled: Bool { due != nil }

    /// Replaces what was scheduled before. No or a negative delay fires in the next turn.
    package func schedule(after delay: Duration) { schedule(at: .now() + delay) }

    /// Replaces what was scheduled before. A moment in the past fires in the next turn.
    package func schedule(at moment: MonotonicInstant) {
        due = moment
        event?.add(after: moment - .now())
    }

    /// Does nothing when nothing is scheduled.
    package func cancel() {
        due = nil
        event?.delete()
    }

    private func expired() {
        guard let due else { return }
        let now = MonotonicInstant.now()
        if now < due {
            event?.add(after: due - now)
            return
        }
        self.due = nil
        fire()
    }
}

/// Calls back in the loop, not in the handler, whenever a signal has arrived.
///
/// One watch per signal and process. Several arrivals between two turns count as one.
@EventLoopActor package final class SignalWatch {
    private let fire: @EventLoopActor () -> Void
    private var event: LoopEvent?

    /// Watches until it is dropped; the signal then has its former action again.
    package init(_ signal: CInt, _ fire: @escaping @EventLoopActor () -> Void) {
        self.fire = fire
        event = LoopEvent(
            signal, EV_SIGNAL | EV_PERSIST,
            { _, _, context in onLoop { owner(context, as: SignalWatch.self).fire() } }, self)
        guard event?.add() == true else { preconditionFailure("signal \(signal) cannot be watched") }
    }
}
