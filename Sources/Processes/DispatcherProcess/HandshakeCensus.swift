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
        let network: IPAddress?
        let continuation: UnsafeContinuation<Void, Never>
    }

    private var maximum = 1
    private var perClient = 1
    private(set) var running = 0
    private var byNetwork: [IPAddress: Int] = [:]
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
        let network = client?.network
        if hasRoom(for: network) { return count(network) }
        await withUnsafeContinuation { waiters.append(Waiter(network: network, continuation: $0)) }
    }

    /// A handshake is over, one way or the other.
    func end(_ client: IPAddress?) {
        running -= 1
        if let network = client?.network {
            let left = byNetwork[network, default: 1] - 1
            byNetwork[network] = left > 0 ? left : nil
        }
        admitWaiters()
    }

    private func hasRoom(for network: IPAddress?) -> Bool {
        guard running < maximum else { return false }
        guard let network else { return true }
        return byNetwork[network, default: 0] < perClient
    }

    private func count(_ network: IPAddress?) {
        running += 1
        if let network { byNetwork[network, default: 0] += 1 }
    }

    /// Lets in who may, in the order in which they came.
    private func admitWaiters() {
        while running < maximum, let index = waiters.firstIndex(where: { hasRoom(for: $0.network) }) {
            let waiter = waiters.remove(at: index)
            count(waiter.network)
            waiter.continuation.resume()
        }
    }
}
