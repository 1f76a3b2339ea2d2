import Glibc
import Platform
import Synchronization

/// A name server for tests, on a thread of its own, on UDP and TCP of 127.0.0.1: it says what it is told to say.
///
/// It serves as long as somebody holds it.
package final class NameServer: Sendable {
    /// The messages to send for a question, none for silence.
    package typealias Script = @Sendable (NameServerQuery) -> [[UInt8]]

    private struct State {
        var script: Script
        var queries: [NameServerQuery] = []
    }

    private final class Shared: Sendable {
        let state: Mutex<State>
        let datagrams: CInt
        let listener: CInt
        /// Ends the thread when its other end is closed.
        let stop: CInt

        init(_ script: @escaping Script, datagrams: CInt, listener: CInt, stop: CInt) {
            state = Mutex(State(script: script))
            (self.datagrams, self.listener, self.stop) = (datagrams, listener, stop)
        }

        func answer(_ query: NameServerQuery) -> [[UInt8]] {
            let script = state.withLock { state in
                state.queries.append(query)
                return state.script
            }
            return script(query)
        }
    }

    private let shared: Shared
    private let stopper: CInt
    package let port: UInt16

    package init(_ script: @escaping Script) {
        var found: (CInt, CInt, UInt16)?
        while found == nil { found = Self.sockets() }
        let (datagrams, listener, port) = found!
        var ends: [CInt] = [0, 0]
        precondition(pipe(&ends) == 0)
        self.port = port
        stopper = ends[1]
        shared = Shared(script, datagrams: datagrams, listener: listener, stop: ends[0])
        var thread = pthread_t()
        let context = Unmanaged.passRetained(shared).toOpaque()
        let result = pthread_create(
            &thread, nil,
            { context in
                NameServer.run(Unmanaged<Shared>.fromOpaque(context!).takeRetainedValue())
                return nil
            }, context)
        precondition(result == 0)
        pthread_detach(thread)
    }

    /// Answers from records as a resolver does.
    package convenience init(zone: [NameServerRecord]) { self.init { [$0.reply(from: zone)] } }

    package var address: SocketAddress { .ipv4([127, 0, 0, 1], port: port) }

    /// A line of resolv.conf.
    package var line: String { "nameserver [127.0.0.1]:\(port)\n" }

    /// What was asked so far.
    package var queries: [NameServerQuery] { shared.state.withLock { $0.queries } }

    package func setScript(_ script: @escaping Script) { shared.state.withLock { $0.script = script } }

    deinit { close(stopper) }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func bound(_ kind: __socket_type, port: UInt16) -> (CInt, UInt16)? {
        let descriptor = socket(AF_INET, CInt(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
        precondition(descriptor >= 0)
        var address = address(port: port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else {
            close(descriptor)
            return nil
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// Both on one port; nil when somebody else has it for TCP.
    private static func sockets() -> (CInt, CInt, UInt16)? {
        guard let (datagrams, port) = bound(SOCK_DGRAM, port: 0) else { return nil }
        guard let (listener, _) = bound(SOCK_STREAM, port: port), listen(listener, 16) == 0 else {
            close(datagrams)
            return nil
        }
        return (datagrams, listener, port)
    }

    private static func run(_ shared: Shared) {
        var polled = [shared.datagrams, shared.listener, shared.stop].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while poll(&polled, 3, -1) >= 0 || errno == EINTR {
            if polled[2].revents != 0 { break }
            if polled[0].revents != 0 { serveDatagram(shared) }
            if polled[1].revents != 0 { serveConnection(shared) }
        }
        for descriptor in [shared.datagrams, shared.listener, shared.stop] { close(descriptor) }
    }

    private static func serveDatagram(_ shared: Shared) {
        var room = [UInt8](repeating: 0, count: 4096)
        var peer = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &peer) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(shared.datagrams, &room, room.count, CInt(MSG_DONTWAIT), $0, &length)
            }
        }
        guard count >= 12 else { return }
        for message in shared.answer(NameServerQuery(Array(room[..<count]))) {
            _ = withUnsafeMutablePointer(to: &peer) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(shared.datagrams, message, message.count, 0, $0, length)
                }
            }
        }
    }

    /// One question; then the connection is closed.
    private static func serveConnection(_ shared: Shared) {
        let connection = accept(shared.listener, nil, nil)
        guard connection >= 0 else { return }
        defer { close(connection) }
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var received: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 4096)
        while received.count < 2 || received.count < 2 + (Int(received[0]) << 8 | Int(received[1])) {
            let count = read(connection, &room, room.count)
            guard count > 0 else { return }
            received += room[..<count]
        }
        for message in shared.answer(NameServerQuery(Array(received[2...]), isOverTCP: true)) {
            let frame = octets(of: UInt16(message.count)) + message
            _ = send(connection, frame, frame.count, CInt(MSG_NOSIGNAL))
        }
    }
}
