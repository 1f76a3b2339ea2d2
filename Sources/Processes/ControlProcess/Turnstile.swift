import EventLoop

/// Lets one through at a time, in the order in which they came.
@EventLoopActor
final class Turnstile {
    private var isTaken = false
    private var waiting: [UnsafeContinuation<Void, Never>] = []

    /// Waits for one's turn; ``leave()`` must follow.
    func enter() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withUnsafeContinuation { waiting.append($0) }
    }

    func leave() {
        guard !waiting.isEmpty else {
            isTaken = false
            return
        }
        waiting.removeFirst().resume()
    }
}
