import Glibc
import Platform

/// What a read brought.
package enum ReadResult: Equatable, Sendable {
    /// At least one octet.
    case bytes([UInt8])
    /// The peer sends nothing more.
    case end
    case timedOut
    /// Also ECANCELED after ``ByteStream/close()``.
    case failed(SystemError)
}

/// How a write ended.
package enum WriteResult: Equatable, Sendable {
    /// The kernel has taken every octet.
    case written
    /// Some octets may be gone; the stream is useful for nothing but closing.
    case timedOut
    /// Also ECANCELED after ``ByteStream/close()``.
    case failed(SystemError)
}

/// How far a write came that does not wait.
package enum WriteAttempt: Equatable, Sendable {
    /// The kernel has taken every octet.
    case written
    /// The kernel takes no more for now.
    case full
    case failed(SystemError)
}

/// A socket or pipe that is read and written without blocking the loop; owns the descriptor.
///
/// One task at a time reads and one writes. Holds no memory for data: a read returns what is there in an
/// array of its size, and a write keeps the caller's array until it is done. Without ``close()`` the
/// descriptor is closed with the last reference.
@EventLoopActor package final class ByteStream {
    /// The most that one read returns, in octets.
    package static let readSize = 64 << 10

    // Properties go away in this order: the events before the descriptor they are about.
    /// For a layer that reads and writes the descriptor itself, such as TLS. Nothing else may wait meanwhile.
    package let readiness: Readiness
    private var descriptor: OwnedDescriptor?
    private let raw: CInt
    /// The last read filled the buffer, so the next tries before it waits.
    private var mayHoldMore = false

    /// Makes the descriptor non-blocking, for everybody who shares it.
    package init(adopting descriptor: consuming OwnedDescriptor) {
        // The kernel refuses only what is not open, and an owned descriptor is.
        do { try descriptor.setNonBlocking() } catch { preconditionFailure("a stream needs an open descriptor: \(error)") }
        raw = descriptor.raw
        readiness = Readiness(descriptor: descriptor.raw)
        self.descriptor = consume descriptor
    }

    /// The number, for calls that ask about the socket; -1 once closed.
    package var rawDescriptor: CInt { descriptor == nil ? -1 : raw }

    /// Waits for octets, at most ``readSize`` of them, or for the end of what the peer sends.
    package func read(deadline: MonotonicInstant? = nil) async -> ReadResult {
        if mayHoldMore, let result = readNow() { return result }
        while true {
            switch await readiness.readable(deadline: deadline) {
            case .timedOut: return .timedOut
            case .closed: return .failed(SystemError("read", code: ECANCELED))
            case .ready: if let result = readNow() { return result }
            }
        }
    }

    /// Waits for octets and takes `count` of them at most, 1 to ``readSize``: what follows stays in the kernel,
    /// for a layer that reads the descriptor itself.
    package func read(atMost count: Int, deadline: MonotonicInstant? = nil) async -> ReadResult {
        while true {
            if let result = readNow(count) { return result }
            switch await readiness.readable(deadline: deadline) {
            case .timedOut: return .timedOut
            case .closed: return .failed(SystemError("read", code: ECANCELED))
            case .ready: break
            }
        }
    }

    /// Hands all octets to the kernel: at once if it has room, else as it makes room.
    package func write(_ bytes: [UInt8], deadline: MonotonicInstant? = nil) async -> WriteResult {
        var offset = 0
        while true {
            switch writeNow(bytes, from: &offset) {
            case .written: return .written
            case .failed(let error): return .failed(error)
            case .full: break
            }
            switch await readiness.writable(deadline: deadline) {
            case .timedOut: return .timedOut
            case .closed: return .failed(SystemError("write", code: ECANCELED))
            case .ready: break
            }
        }
    }

    /// Tells the peer that nothing more will be sent; reading goes on. Sockets only.
    package func finishWriting() throws(SystemError) {
        guard descriptor != nil else { throw SystemError("shutdown", code: ECANCELED) }
        let raw = self.raw
        _ = try checked("shutdown") { shutdown(raw, CInt(SHUT_WR)) }
    }

    /// Ends every wait and closes the descriptor.
    package func close() { _ = release() }

    /// Ends every wait and gives the descriptor up, still non-blocking; nil once closed.
    package func release() -> OwnedDescriptor? {
        readiness.close()
        return descriptor.take()
    }

    /// What is there now; nil when there is nothing yet. For whoever waits with ``Readiness/whenReadable(deadline:_:)``.
    package func tryRead() -> ReadResult? { readNow() }

    /// Hands to the kernel what it takes at once, and removes that from `bytes`.
    package func tryWrite(_ bytes: inout [UInt8]) -> WriteAttempt {
        var offset = 0
        let attempt = writeNow(bytes, from: &offset)
        if offset == bytes.count { bytes = [] } else { bytes.removeSubrange(..<offset) }
        return attempt
    }

    /// Hands to the kernel what it takes at once of the octets from `offset` on, and moves that behind them.
    package func tryWrite(_ bytes: [UInt8], from offset: inout Int) -> WriteAttempt { writeNow(bytes, from: &offset) }

    /// Nil when there is nothing yet.
    private func readNow(_ size: Int = ByteStream.readSize) -> ReadResult? {
        guard descriptor != nil else { return .failed(SystemError("read", code: ECANCELED)) }
        let buffer = ReadBuffer.shared
        while true {
            let count = Glibc.read(raw, buffer.baseAddress, min(size, Self.readSize))
            if count > 0 {
                mayHoldMore = count == size
                return .bytes(Array(buffer[..<count]))
            }
            mayHoldMore = false
            if count == 0 { return .end }
            let code = errno
            if code == EINTR { continue }
            if code == EAGAIN { return nil }
            return .failed(SystemError("read", code: code))
        }
    }

    private func writeNow(_ bytes: [UInt8], from offset: inout Int) -> WriteAttempt {
        guard descriptor != nil else { return .failed(SystemError("write", code: ECANCELED)) }
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[offset...])
                return Glibc.write(raw, rest.baseAddress, rest.count)
            }
            if count >= 0 {
                offset += count
                continue
            }
            let code = errno
            if code == EINTR { continue }
            if code == EAGAIN { return .full }
            return .failed(SystemError("write", code: code))
        }
        return .written
    }
}
