import CLibevent
import CPlatform
import Glibc
import Platform

/// A listening socket that hands over every connection it accepts.
///
/// A full table of descriptors does not spin: accepting pauses for a second, or until ``resume()`` is
/// called because a connection has ended.
@EventLoopActor package final class Acceptor {
    /// Connections accepted before the rest of the loop gets its turn.
    package static let batch = 32
    private static let exhaustionDelay = Duration.seconds(1)

    // Properties go away in this order: the event before the descriptor it is about.
    private var event: LoopEvent?
    private var listener: OwnedDescriptor?
    private let raw: CInt
    private let onAccept: @EventLoopActor (consuming OwnedDescriptor, SocketAddress) -> Void
    private var retry: LoopTimer?
    private var isPaused = false

    /// Accepts at once.
    ///
    /// - Parameters:
    ///   - listener: A socket on which `listen` was called.
    ///   - onAccept: Gets each connection, non-blocking and close-on-exec, with the peer's address.
    package init(
        adopting listener: consuming OwnedDescriptor,
        onAccept: @escaping @EventLoopActor (consuming OwnedDescriptor, SocketAddress) -> Void
    ) throws(SystemError) {
        try listener.setNonBlocking()
        raw = listener.raw
        self.listener = consume listener
        self.onAccept = onAccept
        event = LoopEvent(
            raw, EV_READ | EV_PERSIST, { _, _, context in onLoop { owner(context, as: Acceptor.self).acceptBatch() } }, self)
        retry = LoopTimer { [weak self] in self?.resume() }
        guard event?.add() == true else { throw SystemError("poll listening socket") }
    }

    /// Leaves new connections in the kernel's backlog.
    package func pause() {
        guard listener != nil else { return }
        isPaused = true
        retry?.cancel()
        event?.delete()
    }

    /// Accepts again after ``pause()`` or after the descriptors had run out.
    package func resume() {
        guard isPaused, listener != nil else { return }
        isPaused = false
        retry?.cancel()
        if event?.add() != true { pauseForAWhile() }
    }

    /// Accepts nothing more and closes the socket.
    package func close() {
        event = nil
        retry = nil
        listener = nil
    }

    private func acceptBatch() {
        var left = Self.batch
        while left > 0, listener != nil, !isPaused {
            left -= 1
            var storage = sockaddr_storage()
            var length: UInt32 = 0
            let connection = martlet_accept(raw, &storage, UInt32(MemoryLayout<sockaddr_storage>.size), &length)
            if connection >= 0 {
                onAccept(OwnedDescriptor(adopting: connection), SocketAddress(storage, length: length))
                continue
            }
            switch errno {
            case EAGAIN: return
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return pauseForAWhile()
            default:
                // EINTR, or an error of that connection only (ECONNABORTED and the network's): the next, please.
                continue
            }
        }
    }

    private func pauseForAWhile() {
        pause()
        retry?.schedule(after: Self.exhaustionDelay)
    }
}
