import Configuration
import EventLoop
import MailSyntax
import Platform
import ProcessMessages
import RoleProcess

/// Sockets: bound here, where the right to is, or passed by the service manager; served in the dispatcher.

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
    /// Sorts what the service manager has opened for us; before anything is bound.
    func takePassedSockets(_ passed: PassedDescriptors) {
        var wanted: Set<SocketAddress> = []
        for listener in configuration.listeners {
            for address in listener.addresses { wanted.insert(SocketAddress(address, port: listener.port)) }
        }
        for case .loopback(let address, let port) in configuration.operation.metrics {
            wanted.insert(SocketAddress(address, port: port))
        }
        let account = passedSockets.take(passed, wanted: wanted)
        for line in account.kept { log.info(line) }
        for line in account.closed { log.warning(line) }
    }

    /// The socket that was passed for an address, else one that is bound now.
    func listeningSocket(at place: SocketAddress) throws(SystemError) -> OwnedDescriptor {
        if let passed = try passedSockets.socket(at: place) { return passed }
        return try ListeningSocket.internet(place)
    }

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
                let descriptor = try listeningSocket(at: place)
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
        ownsControlSocket = true
        control?.send(.socket, descriptor: socket)
    }
}

extension SocketAddress {
    init(_ address: IPAddress, port: UInt16) {
        // Four or sixteen octets are always an address.
        self.init(octets: address.octets, port: port)!
    }
}

extension IPAddress {
    /// Four or sixteen octets in network order.
    fileprivate var octets: [UInt8] {
        switch self {
        case .v4(let value): Self.octets(of: UInt64(value), count: 4)
        case .v6(let high, let low): Self.octets(of: high, count: 8) + Self.octets(of: low, count: 8)
        }
    }

    private static func octets(of value: UInt64, count: Int) -> [UInt8] {
        (1...count).map { UInt8(truncatingIfNeeded: value >> UInt64((count - $0) * 8)) }
    }
}
