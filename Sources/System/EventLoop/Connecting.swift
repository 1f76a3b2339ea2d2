import CPlatform
import Glibc
import Platform

/// Opens a connection without blocking the loop.
///
/// - Parameters:
///   - address: Where to; a Unix socket as well.
///   - source: The local address to use; its port is normally 0.
///   - deadline: After it the attempt is given up.
/// - Returns: The connected socket, non-blocking.
/// - Throws: What the kernel says; ETIMEDOUT also when the deadline has passed.
@EventLoopActor package func connect(
    to address: SocketAddress, from source: SocketAddress? = nil, deadline: MonotonicInstant? = nil
) async throws(SystemError) -> OwnedDescriptor {
    let operation = "connect to \(address)"
    let attempt = try ConnectingSocket(to: address, from: source)
    if attempt.isConnected { return attempt.intoSocket() }
    let readiness = Readiness(descriptor: attempt.socket.raw)
    let result = await readiness.writable(deadline: deadline)
    readiness.close()
    switch result {
    case .timedOut: throw SystemError(operation, code: ETIMEDOUT)
    case .closed: throw SystemError(operation, code: ECANCELED)
    case .ready: break
    }
    let code = try attempt.pendingError()
    guard code == 0 else { throw SystemError(operation, code: code) }
    return attempt.intoSocket()
}
