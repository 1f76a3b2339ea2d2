import Configuration
import EventLoop
import Log
import MailSyntax
import Platform
import SMTPProtocol
import TLS

/// Connections that become no session: what they hear, and what the log hears of them.
extension DispatcherProcess {
    /// 421 and goodbye, or only the latter where TLS comes first, without waiting for anybody.
    func refuseAtOnce(_ stream: SecurableStream, _ listener: Listener) {
        // Without a handshake, which is what there is too much of, nothing can be said there.
        if listener.tls != .implicit {
            // Nothing was sent before, so that the kernel has room for it.
            var bytes = Reply(421, "4.7.0", "\(listener.hostname) Too many connections, try again later").bytes
            _ = stream.tryWrite(&bytes)
            // What a client said already would make the kernel take the reply back.
            _ = stream.tryRead()
        }
        stream.close()
    }

    /// Turns a connection away that came when no descriptor was left for it.
    func turnAwayExhausted(_ connection: consuming OwnedDescriptor, from peer: SocketAddress, on socket: UInt32) {
        if let count = exhaustion.note(at: .now()) {
            log.warning("smtp refused address=\(peer.host) reason=\"no file descriptor left\" times=\(count)")
        }
        let stream = SecurableStream(adopting: connection)
        guard let place = sockets[socket]?.place, Int(place.listener) < view.listeners.count else { return stream.close() }
        refuseAtOnce(stream, view.listeners[Int(place.listener)])
    }
}

/// How often connections were turned away for want of descriptors: a line in the log for each would be a flood of its
/// own, and none at all would leave the operator in the dark.
struct ExhaustionNotes {
    /// A line at most every so often.
    static let interval = Duration.seconds(10)

    private var lastLine: MonotonicInstant?
    private var count = 0

    /// Counts one more; a number, of those since the last line, when it is time for another.
    mutating func note(at now: MonotonicInstant) -> Int? {
        count += 1
        if let lastLine, now - lastLine < Self.interval { return nil }
        lastLine = now
        defer { count = 0 }
        return count
    }
}
