import Certificates
import Configuration
import EventLoop
import MailSyntax
import Platform
import ProcessMessages

/// Sockets that the parent has bound, and the connections they bring.

/// A bound socket with the listener it belongs to; a reload replaces the latter and keeps the former.
@EventLoopActor
final class ServedSocket {
    var place: ListenerSocket
    let acceptor: Acceptor

    init(place: ListenerSocket, acceptor: Acceptor) {
        self.place = place
        self.acceptor = acceptor
    }
}

extension DispatcherProcess {
    /// Takes a new socket, or a new listener for one it has. Serves them once all have come.
    func listen(on place: ListenerSocket, _ socket: consuming OwnedDescriptor?) {
        guard let socket = socket.take() else {
            guard let known = sockets[place.id] else { context.fail("listener \(place.id) without its socket") }
            known.place = place
            return
        }
        do throws(SystemError) {
            let acceptor = try Acceptor(
                adopting: socket,
                onExhaustion: { [unowned self] connection, peer in turnAwayExhausted(connection, from: peer, on: place.id) },
                onAccept: { [unowned self] connection, peer in accept(connection, from: peer, on: place.id) })
            sockets[place.id] = ServedSocket(place: place, acceptor: acceptor)
            updateAcceptors()
        } catch {
            context.fail("listener \(place.address) port \(place.port): \(error)")
        }
    }

    /// Takes the list of all listeners, which comes last: others are gone.
    func closeListeners(except kept: Set<UInt32>) {
        for (id, socket) in sockets where !kept.contains(id) {
            socket.acceptor.close()
            sockets[id] = nil
        }
        do throws(ConfiguredTLSFailure) {
            try tls.serve(view)
        } catch {
            context.fail(error.text)
        }
        awaitsListeners = false
        relays.configure(view)
        updateAcceptors()
    }

    func setPaused(_ paused: Bool) {
        isPaused = paused
        updateAcceptors()
    }

    /// Lets connections in, or not; again too when an acceptor has paused itself for want of descriptors.
    func updateAcceptors() {
        for socket in sockets.values {
            if isPaused || awaitsListeners { socket.acceptor.pause() } else { socket.acceptor.resume() }
        }
    }
}
