import CLibevent
import Glibc

/// Why a wait has ended.
package enum WaitResult: Hashable, Sendable {
    case ready
    /// The deadline has passed. The next wait works as usual.
    case timedOut
    /// ``Readiness/close()`` was called, or the kernel does not poll such a descriptor (a regular file).
    case closed
}

/// Waits until one descriptor can be read or written; the descriptor itself belongs to somebody else.
///
/// At most one task waits for each direction. The owner of the descriptor calls ``close()`` before it
/// closes or passes on the descriptor. Cheap when idle: an event stays registered with the kernel between
/// waits and is taken out only when it fires and nobody waits; one timer serves both directions and is set
/// back only when it fires too early, so that a deadline per line costs nothing.
@EventLoopActor package final class Readiness {
    private struct Direction: ~Copyable {
        var event: LoopEvent?
        var isArmed = false
        var waiter: UnsafeContinuation<WaitResult, Never>?
        var deadline: MonotonicInstant?

        /// Ends the wait, if there is one. The waiter runs after the current callback.
        mutating func resume(_ result: WaitResult) -> Bool {
            guard let continuation = waiter.take() else { return false }
            deadline = nil
            continuation.resume(returning: result)
            return true
        }

        mutating func fired() {
            if !resume(.ready) {
                event?.delete()
                isArmed = false
            }
        }

        /// Ends a wait whose time is over; otherwise says when it will be.
        mutating func expire(at now: MonotonicInstant) -> MonotonicInstant? {
            guard waiter != nil, let deadline else { return nil }
            if now < deadline { return deadline }
            _ = resume(.timedOut)
            return nil
        }

        mutating func arm() -> Bool {
            if !isArmed { isArmed = event?.add() ?? false }
            return isArmed
        }
    }

    private let descriptor: CInt
    private var reading = Direction()
    private var writing = Direction()
    private var timer: LoopEvent?
    private var timerDue: MonotonicInstant?
    private var isClosed = false

    /// Registers nothing before the first wait. The descriptor is non-blocking and stays open until ``close()``.
    package init(descriptor: CInt) { self.descriptor = descriptor }

    /// Waits for bytes, a connection to accept, the end of the stream or an error.
    package func readable(deadline: MonotonicInstant? = nil) async -> WaitResult {
        if let ended = prepare(deadline) { return ended }
        if reading.event == nil {
            reading.event = LoopEvent(
                descriptor, EV_READ | EV_PERSIST,
                { _, _, context in onLoop { owner(context, as: Readiness.self).reading.fired() } }, self)
        }
        guard reading.arm() else { return .closed }
        let result = await withUnsafeContinuation { continuation in
            precondition(reading.waiter == nil, "two tasks wait for the same descriptor")
            reading.waiter = continuation
            reading.deadline = deadline
        }
        // The callbacks know this object by its address, so it must live while somebody waits.
        withExtendedLifetime(self) {}
        return result
    }

    /// Waits for room in the socket's buffer, the end of a connection attempt or an error.
    package func writable(deadline: MonotonicInstant? = nil) async -> WaitResult {
        if let ended = prepare(deadline) { return ended }
        if writing.event == nil {
            writing.event = LoopEvent(
                descriptor, EV_WRITE | EV_PERSIST,
                { _, _, context in onLoop { owner(context, as: Readiness.self).writing.fired() } }, self)
        }
        guard writing.arm() else { return .closed }
        let result = await withUnsafeContinuation { continuation in
            precondition(writing.waiter == nil, "two tasks wait for the same descriptor")
            writing.waiter = continuation
            writing.deadline = deadline
        }
        withExtendedLifetime(self) {}
        return result
    }

    /// Ends every wait with ``WaitResult/closed``, now and later.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        _ = reading.resume(.closed)
        _ = writing.resume(.closed)
        reading.event = nil
        writing.event = nil
        timer = nil
        timerDue = nil
    }

    /// Sees to the timer; a result means that there is nothing to wait for.
    private func prepare(_ deadline: MonotonicInstant?) -> WaitResult? {
        if isClosed { return .closed }
        guard let deadline else { return nil }
        // A timer that goes off earlier looks again; one that is still ahead proves that this is too.
        if let timerDue, timerDue <= deadline { return nil }
        let now = MonotonicInstant.now()
        if deadline <= now { return .timedOut }
        setTimer(deadline, now)
        return nil
    }

    private func setTimer(_ moment: MonotonicInstant, _ now: MonotonicInstant) {
        if timer == nil {
            timer = LoopEvent(-1, 0, { _, _, context in onLoop { owner(context, as: Readiness.self).timerFired() } }, self)
        }
        timerDue = moment
        timer?.add(after: moment - now)
    }

    private func timerFired() {
        timerDue = nil
        let now = MonotonicInstant.now()
        let next = [reading.expire(at: now), writing.expire(at: now)].compactMap { $0 }.min()
        if let next { setTimer(next, now) }
    }
}
