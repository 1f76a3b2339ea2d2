import CLibevent
import CPlatform
import Glibc
import Platform

/// A listening socket that hands over every connection it accepts.
///
/// A full table of descriptors does not spin: accepting pauses for a second, or until ``resume()`` is
/// called because a connection has ended. Who wants to say something to those who come meanwhile gets them one at a
/// time, on a descriptor that is kept for that.
@EventLoopActor package final class Acceptor {
    /// Connections accepted before the rest of the loop gets its turn.
    package static let batch = 32
    private static let exhaustionDelay = Duration.seconds(1)

    // Properties go away in this order: the event before the descriptor it is about.
    private var event: LoopEvent?
    private var listener: OwnedDescriptor?
    private let raw: CInt
    private let onAccept: @EventLoopActor (consuming OwnedDescriptor, SocketAddress) -> Void
    private let onExhaustion: (@EventLoopActor (consuming OwnedDescriptor, SocketAddress) -> Void)?
    /// A descriptor to give up when there is no other, so that a connection can be taken and turned away.
    private var spare: OwnedDescriptor?
    private var retry: LoopTimer?
    private var isPaused = false

    /// Accepts at once.
    ///
    /// - Parameters:
    ///   - listener: A socket on which `listen` was called.
    ///   - onExhaustion: Gets in the same way each connection that came when no descriptor was left, and must have
    ///     closed it when it returns. Without it such connections wait in the kernel.
    ///   - onAccept: Gets each connection, non-blocking and close-on-exec, with the peer's address.
    package init(
        adopting listener: consuming OwnedDescriptor,
        onExhaustion: (@EventLoopActor (consuming OwnedDescriptor, SocketAddress) -> Void)? = nil,
        onAccept: @escaping @EventLoopActor (consuming OwnedDescriptor, SocketAddress) -> Void
    ) throws(SystemError) {
        try listener.setNonBlocking()
        if onExhaustion != nil { spare = try Self.reserve() }
        self.onExhaustion = onExhaustion
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
        spare = nil
    }

    private func acceptBatch() {
        var left = Self.batch
        while left > 0, listener != nil, !isPaused {
            left -= 1
            let (connection, peer) = acceptOne()
            if connection >= 0 {
                onAccept(OwnedDescriptor(adopting: connection), peer)
                continue
            }
            switch errno {
            case EAGAIN: return
            case EMFILE, ENFILE:
                // The kernel says so before it looks whether anybody is there.
                switch turnAway() {
                case .done: continue
                case .nobodyThere: return
                case .impossible: return pauseForAWhile()
                }
            case ENOBUFS, ENOMEM: return pauseForAWhile()
            default:
                // EINTR, or an error of that connection only (ECONNABORTED and the network's): the next, please.
                continue
            }
        }
    }

    /// The next connection, or -1 with the reason in `errno`.
    private func acceptOne() -> (connection: CInt, peer: SocketAddress) {
        var storage = sockaddr_storage()
        var length: UInt32 = 0
        let connection = martlet_accept(raw, &storage, UInt32(MemoryLayout<sockaddr_storage>.size), &length)
        let code = errno
        let peer = SocketAddress(storage, length: length)
        errno = code
        return (connection, peer)
    }

    private enum TurningAway { case done, nobodyThere, impossible }

    /// Takes a connection on the descriptor that is kept for this, and hands it over to be closed.
    private func turnAway() -> TurningAway {
        guard let onExhaustion, spare != nil else { return .impossible }
        spare = nil
        let (connection, peer) = acceptOne()
        let code = errno
        if connection >= 0 { onExhaustion(OwnedDescriptor(adopting: connection), peer) }
        do throws(SystemError) {
            spare = try Self.reserve()
        } catch {
            // Somebody else was quicker, such as another process when the whole system is out of them.
            return .impossible
        }
        if connection >= 0 { return .done }
        return code == EMFILE || code == ENFILE ? .impossible : .nobodyThere
    }

    /// A descriptor that costs next to nothing and means nothing.
    private static func reserve() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try checked("eventfd") { martlet_eventfd() })
    }

    private func pauseForAWhile() {
        pause()
        retry?.schedule(after: Self.exhaustionDelay)
    }
}
