import EventLoop

/// Requests that another process has not answered yet.
///
/// A caller takes a number with ``next()``, sends it along, and waits in ``answer(_:)``; whoever receives
/// the answer calls ``resolve(_:_:)``. Numbers are never used twice, so an answer that is late, doubled or
/// invented finds nothing. The owner calls ``failAll()`` before dropping it.
@EventLoopActor package final class PendingRequests<Answer: Sendable> {
    private enum State {
        /// Numbered; nobody waits yet.
        case issued
        case waiting(UnsafeContinuation<Answer?, Never>)
        /// Answered, or failed (nil), before anybody waited.
        case answered(Answer?)
    }

    private var states: [UInt64: State] = [:]
    private var last: UInt64 = 0

    /// Without requests.
    package init() {}

    /// Requests whose ``answer(_:)`` has not returned.
    package var count: Int { states.count }

    /// A number for a request; ``answer(_:)`` or ``abandon(_:)`` must be called for it.
    package func next() -> UInt64 {
        last += 1
        states[last] = .issued
        return last
    }

    /// Waits for the answer, as long as it takes.
    ///
    /// - Returns: Nil after ``failAll()``.
    package func answer(_ id: UInt64) async -> Answer? {
        await withUnsafeContinuation { continuation in
            // Looked at here, for before a task waits others may have run, and the answer may have come.
            switch states[id] {
            case .issued: states[id] = .waiting(continuation)
            case .answered(let answer):
                states[id] = nil
                continuation.resume(returning: answer)
            case .waiting, nil:
                preconditionFailure("each request is awaited once, by whoever took its number")
            }
        }
    }

    /// Gives a request up that nobody waits for: its answer is ignored.
    package func abandon(_ id: UInt64) {
        if case .waiting = states[id] { preconditionFailure("somebody waits for this request") }
        states[id] = nil
    }

    /// Hands over the answer; one for an unknown number is ignored.
    package func resolve(_ id: UInt64, _ answer: Answer) { finish(id, answer) }

    /// Ends every open request without an answer: the peer has gone. Later ones work as usual.
    package func failAll() {
        for id in states.keys.sorted() { finish(id, nil) }
    }

    private func finish(_ id: UInt64, _ answer: Answer?) {
        switch states[id] {
        case .waiting(let continuation):
            states[id] = nil
            continuation.resume(returning: answer)
        case .issued:
            states[id] = .answered(answer)
        case .answered, nil:
            break
        }
    }
}
