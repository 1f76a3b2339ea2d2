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
    /// Who waits: a task, which runs after the current callback, or a function, which runs within it.
    private enum Waiter {
        case task(UnsafeContinuation<WaitResult, Never>)
        case function(@EventLoopActor (WaitResult) -> Void)

        @EventLoopActor func tell(_ result: WaitResult) {
            switch self {
            case .task(let continuation): continuation.resume(returning: result)
            case .function(let body): body(result)
            }
        }
    }

    private struct Direction: ~Copyable {
        var event: LoopEvent?
        var isArmed = false
        var waiter: Waiter?
        var deadline: MonotonicInstant?

        /// Takes out whoever waits, so that he can be told once this direction is no longer in use: what he
        /// does may be to wait again.
        mutating func endWait() -> Waiter? {
            deadline = nil
            return waiter.take()
        }

        /// The same for a descriptor that is ready; without anybody to tell it is watched no longer.
        mutating func fired() -> Waiter? {
            if let waiter = endWait() { return waiter }
            event?.delete()
            isArmed = false
            return nil
        }

        /// The same for a wait whose time is over.
        mutating func expire(at now: MonotonicInstant) -> Waiter? {
            guard let deadline, deadline <= now else { return nil }
            return endWait()
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
        if let ended = prepareToRead(deadline) { return ended }
        let result = await withUnsafeContinuation { continuation in
            reading.waiter = .task(continuation)
            reading.deadline = deadline
        }
        // The callbacks know this object by its address, so it must live while somebody waits.
        withExtendedLifetime(self) {}
        return result
    }

    /// The same without a task: `body` is called once, in a callback of the loop, never before this returns.
    package func whenReadable(deadline: MonotonicInstant? = nil, _ body: @escaping @EventLoopActor (WaitResult) -> Void) {
        if let ended = prepareToRead(deadline) {
            spawn { body(ended) }
        } else {
            reading.waiter = .function(body)
            reading.deadline = deadline
        }
    }

    /// Sees to the event and the timer; a result means that there is nothing to wait for.
    private func prepareToRead(_ deadline: MonotonicInstant?) -> WaitResult? {
        if let ended = prepare(deadline) { return ended }
        precondition(reading.waiter == nil, "two wait for the same descriptor")
        if reading.event == nil {
            reading.event = LoopEvent(
                descriptor, EV_READ | EV_PERSIST,
                { _, _, context in onLoop { owner(context, as: Readiness.self).readingFired() } }, self)
        }
        return reading.arm() ? nil : .closed
    }

    private func readingFired() { reading.fired()?.tell(.ready) }
    private func writingFired() { writing.fired()?.tell(.ready) }

    /// Waits for room in the socket's buffer, the end of a connection attempt or an error.
    package func writable(deadline: MonotonicInstant? = nil) async -> WaitResult {
        if let ended = prepare(deadline) { return ended }
        if writing.event == nil {
            writing.event = LoopEvent(
                descriptor, EV_WRITE | EV_PERSIST,
                { _, _, context in onLoop { owner(context, as: Readiness.self).writingFired() } }, self)
        }
        guard writing.arm() else { return .closed }
        let result = await withUnsafeContinuation { continuation in
            precondition(writing.waiter == nil, "two wait for the same descriptor")
            writing.waiter = .task(continuation)
            writing.deadline = deadline
        }
        withExtendedLifetime(self) {}
        return result
    }

    /// Ends a wait for reading as if its deadline had come: somebody has news for whoever waits.
    package func interruptReading() { reading.endWait()?.tell(.timedOut) }

    /// Ends every wait with ``WaitResult/closed``, now and later.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        let waiters = [reading.endWait(), writing.endWait()]
        reading.event = nil
        writing.event = nil
        timer = nil
        timerDue = nil
        for waiter in waiters { waiter?.tell(.closed) }
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
        let waiters = [reading.expire(at: now), writing.expire(at: now)]
        let next = [reading.deadline, writing.deadline].compactMap { $0 }.min()
        if let next { setTimer(next, now) }
        for waiter in waiters { waiter?.tell(.timedOut) }
    }
}
