import Configuration
import EventLoop
import MailSyntax

/// How many TLS handshakes go on at once, in all and of each client network; the others wait for their turn.
///
/// A handshake costs more than a session: memory, and a signature of the one process that makes them. Whoever
/// wants too many keeps himself waiting and nobody else.
@EventLoopActor
final class HandshakeCensus {
    private struct Waiter {
        let client: IPAddress?
        let continuation: UnsafeContinuation<Void, Never>
    }

    private var maximum = 1
    private var perClient = 1
    private(set) var running = 0
    private var byNetwork = NetworkCounts()
    private var waiters: [Waiter] = []

    init() {}

    /// Takes the limits of a new configuration.
    func setLimits(_ settings: SessionSettings) {
        maximum = max(1, settings.maximumHandshakes)
        perClient = max(1, settings.maximumHandshakesPerClient)
        admitWaiters()
    }

    /// Waits for a turn; ``end(_:)`` must follow.
    func begin(_ client: IPAddress?) async {
        if hasRoom(for: client) { return count(client) }
        await withUnsafeContinuation { waiters.append(Waiter(client: client, continuation: $0)) }
    }

    /// A handshake is over, one way or the other.
    func end(_ client: IPAddress?) {
        running -= 1
        if let client { byNetwork.remove(client) }
        admitWaiters()
    }

    private func hasRoom(for client: IPAddress?) -> Bool {
        guard running < maximum else { return false }
        guard let client else { return true }
        return byNetwork[client] < perClient
    }

    private func count(_ client: IPAddress?) {
        running += 1
        if let client { byNetwork.add(client) }
    }

    /// Lets in who may, in the order in which they came.
    private func admitWaiters() {
        while running < maximum, let index = waiters.firstIndex(where: { hasRoom(for: $0.client) }) {
            let waiter = waiters.remove(at: index)
            count(waiter.client)
            waiter.continuation.resume()
        }
    }
}
