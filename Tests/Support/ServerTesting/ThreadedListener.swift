import Glibc
import Platform

/// A port for a server of a test's own, each of whose connections is served on a thread of its own.
///
/// It listens as long as somebody holds it; connections go on without it.
final class ThreadedListener: Sendable {
    let port: UInt16
    private let raw: CInt

    /// - Parameters:
    ///   - host: Four octets.
    ///   - port: 0 for any.
    ///   - serve: Gets each connection, blocking, which is closed when it returns.
    init(host: [UInt8] = [127, 0, 0, 1], port: UInt16, _ serve: @escaping @Sendable (CInt) -> Void) throws {
        // The octets are four.
        let socket = try ListeningSocket.internet(SocketAddress(octets: host, port: port)!)
        try socket.setNonBlocking(false)
        self.port = try Sockets.localAddress(socket.raw).port
        let raw = socket.release()
        self.raw = raw
        _ = TestThread {
            while true {
                let connection = accept(raw, nil, nil)
                guard connection >= 0 else {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    close(raw)
                    return
                }
                _ = TestThread {
                    serve(connection)
                    close(connection)
                }
            }
        }
    }

    deinit { shutdown(raw, CInt(SHUT_RDWR)) }
}
