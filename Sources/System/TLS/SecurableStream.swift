import COpenSSL
import CTLS
import EventLoop
import Glibc
import Platform

/// A socket that is read and written without blocking the loop, in clear at first and through TLS once told so;
/// owns the descriptor.
///
/// In clear it is a ``EventLoop/ByteStream`` and nothing else. After ``startTLS(_:deadline:)`` the same methods carry
/// what the peers say within TLS, and nothing is ever sent in clear again, not even when the handshake fails.
///
/// One task at a time reads and one writes; nobody does either during a handshake. What was sent in clear and not
/// read before the handshake is taken for a part of it, and makes it fail: it is never returned as if it had been
/// secured. An idle connection holds no buffer of ours and gives those of the library back.
@EventLoopActor package final class SecurableStream {
    /// The two sides of a handshake.
    package enum Side {
        case server(TLSServerContext)
        /// Also to whom: the name, or the address, that the server's certificate must be for.
        case client(TLSClientContext, host: String)
    }

    private enum Phase {
        case clear
        case handshake
        case secured
        /// A handshake has failed, or TLS was broken later: nothing more goes either way.
        case broken
    }

    // Properties go away in this order: the handshake before its connection, and both before the descriptor.
    private var handshake: HandshakeHandle?
    private var connection: ConnectionHandle?
    private let stream: ByteStream
    private var phase = Phase.clear
    /// The library may have read more than it has given.
    private var mayHoldMore = false
    /// What the peers have agreed on; nil before ``startTLS(_:deadline:)`` is done.
    package private(set) var facts: TLSFacts?

    /// Makes the descriptor non-blocking, for everybody who shares it.
    package init(adopting descriptor: consuming OwnedDescriptor) { stream = ByteStream(adopting: descriptor) }

    /// The number, for calls that ask about the socket; -1 once closed.
    package var rawDescriptor: CInt { stream.rawDescriptor }

    /// What the library calls the connection, once it is one of TLS.
    var library: OpaquePointer? { connection?.raw }

    // MARK: Handshake

    /// Shakes hands and returns when both sides have.
    ///
    /// - Parameter deadline: After it the handshake is given up.
    /// - Throws: ``TLSFailure``; the stream is then useful for nothing but closing.
    /// - Precondition: The stream is in clear, and what was written has been.
    package func startTLS(_ side: Side, deadline: MonotonicInstant? = nil) async throws(TLSFailure) {
        guard case .clear = phase else { preconditionFailure("a connection is secured once") }
        guard stream.rawDescriptor >= 0 else { throw .closed }
        phase = .broken
        let connection: ConnectionHandle
        let keys: (any KeyHolder)?
        switch side {
        case .server(let context):
            connection = try context.connection(over: stream.rawDescriptor)
            keys = context.keys
        case .client(let context, let host):
            connection = try context.connection(over: stream.rawDescriptor, to: host)
            keys = context.keys
        }
        handshake = try HandshakeHandle(of: connection, maySign: keys != nil)
        self.connection = consume connection
        phase = .handshake
        do throws(TLSFailure) {
            try await shakeHands(keys, deadline)
        } catch {
            handshake = nil
            if case .handshake = phase { phase = .broken }
            throw error
        }
    }

    private func shakeHands(_ keys: (any KeyHolder)?, _ deadline: MonotonicInstant?) async throws(TLSFailure) {
        while true {
            guard let raw = handshake?.raw else { throw .closed }
            switch martlet_handshake_advance(raw) {
            case MARTLET_TLS_DONE:
                handshake = nil
                if let raw = library { facts = TLSFacts(of: raw) }
                phase = .secured
                // The first words may have come in one piece with the end of the handshake.
                mayHoldMore = true
                return
            case MARTLET_TLS_WANTS_TO_READ: try await wait(.read, deadline)
            case MARTLET_TLS_WANTS_TO_WRITE: try await wait(.write, deadline)
            case MARTLET_TLS_WANTS_SIGNATURE: try await sign(with: keys, raw)
            default:
                let code = errno
                throw library.map { .ofHandshake($0, code: code) } ?? .closed
            }
        }
    }

    private enum Direction { case read, write }

    private func wait(_ direction: Direction, _ deadline: MonotonicInstant?) async throws(TLSFailure) {
        let result =
            switch direction {
            case .read: await stream.readiness.readable(deadline: deadline)
            case .write: await stream.readiness.writable(deadline: deadline)
            }
        switch result {
        case .ready: break
        case .timedOut: throw .timedOut
        case .closed: throw .closed
        }
    }

    private func sign(with keys: (any KeyHolder)?, _ raw: OpaquePointer) async throws(TLSFailure) {
        let pending = martlet_handshake_pending(raw)
        let octets = Array(UnsafeBufferPointer(start: pending.input, count: pending.input_length))
        let input: SignatureInput =
            switch pending.kind {
            case MARTLET_SIGN_RSA_PKCS1: .rsaPKCS1(octets)
            case MARTLET_SIGN_RSA_BLOCK: .rsaBlock(octets)
            default: .ecdsa(octets)
            }
        let signature = await keys?.sign(input, withKey: pending.key)
        // Closed meanwhile: the handshake has been brought to its end without a signature.
        guard let raw = handshake?.raw else { throw .closed }
        guard let signature else { throw .noSignature }
        martlet_handshake_sign(raw, signature, signature.count)
    }

    // MARK: Reading

    /// Waits until there may be octets to read; reads none.
    package func readable(deadline: MonotonicInstant? = nil) async -> WaitResult {
        mayHoldMore ? .ready : await stream.readiness.readable(deadline: deadline)
    }

    /// Waits for octets, or for the end of what the peer sends.
    package func read(deadline: MonotonicInstant? = nil) async -> ReadResult {
        if case .clear = phase { return await stream.read(deadline: deadline) }
        if mayHoldMore, let result = readSecured() { return result }
        while true {
            switch await stream.readiness.readable(deadline: deadline) {
            case .timedOut: return .timedOut
            case .closed: return .failed(SystemError("read", code: ECANCELED))
            case .ready: if let result = readSecured() { return result }
            }
        }
    }

    /// Waits for octets in clear and takes `count` of them at most: what follows stays in the kernel.
    ///
    /// - Precondition: The stream is in clear.
    package func readInClear(atMost count: Int, deadline: MonotonicInstant? = nil) async -> ReadResult {
        guard case .clear = phase else { preconditionFailure("the connection is secured already") }
        return await stream.read(atMost: count, deadline: deadline)
    }

    /// What is there now; nil when there is nothing yet. For whoever waits with ``whenReadable(deadline:_:)``.
    package func tryRead() -> ReadResult? {
        if case .clear = phase { return stream.tryRead() }
        return readSecured()
    }

    /// Calls `body` once when there may be octets to read, in a callback of the loop or soon, never before this
    /// returns.
    package func whenReadable(deadline: MonotonicInstant? = nil, _ body: @escaping @EventLoopActor (WaitResult) -> Void) {
        if mayHoldMore {
            spawn { body(.ready) }
        } else {
            stream.readiness.whenReadable(deadline: deadline, body)
        }
    }

    /// Ends a wait for reading as if its deadline had come: somebody has news for whoever waits.
    package func interruptReading() { stream.readiness.interruptReading() }

    /// Nil when there is nothing yet.
    private func readSecured() -> ReadResult? {
        mayHoldMore = false
        guard case .secured = phase, let raw = library, stream.rawDescriptor >= 0 else {
            return .failed(SystemError("read", code: ECANCELED))
        }
        let buffer = ReadBuffer.shared
        var filled = 0
        while filled < ByteStream.readSize {
            ERR_clear_error()
            let room = CInt(ByteStream.readSize - filled)
            // The buffer is larger than what is read into it at most.
            let count = SSL_read(raw, buffer.baseAddress! + filled, room)
            if count > 0 {
                filled += Int(count)
                if SSL_has_pending(raw) == 1 { continue }
                break
            }
            // What came before an end or a failure is returned first; it is found again by the next call.
            if filled > 0 { break }
            switch SSL_get_error(raw, count) {
            case SSL_ERROR_WANT_READ: return nil
            case SSL_ERROR_ZERO_RETURN: return .end
            default: return .failed(breakOff("read"))
            }
        }
        mayHoldMore = filled == ByteStream.readSize
        return .bytes(Array(buffer[..<filled]))
    }

    // MARK: Writing

    /// Hands all octets to the kernel: at once if it has room, else as it makes room.
    package func write(_ bytes: [UInt8], deadline: MonotonicInstant? = nil) async -> WriteResult {
        if case .clear = phase { return await stream.write(bytes, deadline: deadline) }
        var offset = 0
        while true {
            switch writeSecured(bytes, from: &offset) {
            case .written: return .written
            case .failed(let error): return .failed(error)
            case .full: break
            }
            switch await stream.readiness.writable(deadline: deadline) {
            case .timedOut:
                // A record may be half sent: nothing sensible can follow it.
                phase = .broken
                return .timedOut
            case .closed: return .failed(SystemError("write", code: ECANCELED))
            case .ready: break
            }
        }
    }

    /// Hands to the kernel what it takes at once, and removes that from `bytes`.
    ///
    /// After ``EventLoop/WriteAttempt/full`` the next write has to begin with what is left.
    package func tryWrite(_ bytes: inout [UInt8]) -> WriteAttempt {
        if case .clear = phase { return stream.tryWrite(&bytes) }
        var offset = 0
        let attempt = writeSecured(bytes, from: &offset)
        if offset == bytes.count { bytes = [] } else { bytes.removeSubrange(..<offset) }
        return attempt
    }

    private func writeSecured(_ bytes: [UInt8], from offset: inout Int) -> WriteAttempt {
        guard case .secured = phase, let raw = library, stream.rawDescriptor >= 0 else {
            return .failed(SystemError("write", code: ECANCELED))
        }
        while offset < bytes.count {
            ERR_clear_error()
            let count = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[offset...])
                return SSL_write(raw, rest.baseAddress, CInt(clamping: rest.count))
            }
            if count > 0 {
                offset += Int(count)
                continue
            }
            if SSL_get_error(raw, count) == SSL_ERROR_WANT_WRITE { return .full }
            return .failed(breakOff("write"))
        }
        return .written
    }

    /// Marks the connection as broken, and says why.
    private func breakOff(_ operation: String) -> SystemError {
        let code = errno
        phase = .broken
        guard ERR_peek_last_error() == 0 else {
            return SystemError("\(operation): \(TLSLibrary.takeReason())", code: EPROTO)
        }
        return SystemError(operation, code: code == 0 ? ECONNRESET : code)
    }

    // MARK: The end

    /// Says goodbye as far as that needs no waiting, ends every wait and closes the descriptor.
    package func close() {
        if case .secured = phase, let raw = library, stream.rawDescriptor >= 0 {
            ERR_clear_error()
            _ = SSL_shutdown(raw)
            ERR_clear_error()
        }
        // Before the descriptor, which must not be written to by what is left of a handshake.
        handshake = nil
        connection = nil
        phase = .broken
        stream.close()
    }
}
