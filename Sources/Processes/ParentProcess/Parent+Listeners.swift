import Configuration
import EventLoop
import MailSyntax
import Platform
import ProcessMessages
import RoleProcess

/// Sockets: bound here, where the right to is, and served in the dispatcher.

/// A socket as the parent remembers it: which address it has, and which listener it belongs to.
struct BoundSocket {
    let id: UInt32
    let address: IPAddress
    let port: UInt16
    /// The place of its listener in the configuration.
    var listener: UInt32
    /// On its way to the dispatcher; nil once it has been given.
    var descriptor: DescriptorBox?
}

extension ParentProcess {
    /// Binds what the configuration asks for and keeps what is bound already; on failure everything stays
    /// as it was.
    func bindListeners() throws(SystemError) {
        var wanted: [BoundSocket] = []
        for (index, listener) in configuration.listeners.enumerated() {
            for address in listener.addresses {
                guard !wanted.contains(where: { $0.address == address && $0.port == listener.port }) else { continue }
                if var known = sockets.first(where: { $0.address == address && $0.port == listener.port }) {
                    known.listener = UInt32(index)
                    wanted.append(known)
                    continue
                }
                let place = SocketAddress(address, port: listener.port)
                let descriptor = try ListeningSocket.internet(place)
                wanted.append(
                    BoundSocket(
                        id: nextSocket, address: address, port: listener.port, listener: UInt32(index),
                        descriptor: DescriptorBox(descriptor)))
                nextSocket += 1
            }
        }
        sockets = wanted
    }

    /// Tells the dispatcher which socket serves which listener, and hands over new ones.
    func giveListeners() {
        for index in sockets.indices {
            let socket = sockets[index]
            let message = ParentToDispatcher.listener(
                ListenerSocket(id: socket.id, listener: socket.listener, address: socket.address, port: socket.port))
            if let descriptor = socket.descriptor?.take() {
                log.debug("listening on \(SocketAddress(socket.address, port: socket.port))")
                dispatcher?.send(message, descriptor: descriptor)
            } else {
                dispatcher?.send(message)
            }
            sockets[index].descriptor = nil
        }
        dispatcher?.send(.closeListeners(except: sockets.map(\.id)))
    }

    func openControlSocket() throws(SystemError) {
        let socket = try ListeningSocket.local(
            path: installation.controlSocket, mode: installation.isRootless ? 0o600 : 0o666)
        control?.send(.socket, descriptor: socket)
    }
}

extension SocketAddress {
    init(_ address: IPAddress, port: UInt16) {
        switch address {
        case .v4(let value):
            self = .v4([UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)], port: port)
        case .v6(let high, let low):
            var octets: [UInt8] = []
            for half in [high, low] {
                for shift in stride(from: UInt64(56), through: 0, by: -8) {
                    octets.append(UInt8(truncatingIfNeeded: half >> shift))
                }
            }
            self = .v6(octets, port: port, scope: 0)
        }
    }
}
