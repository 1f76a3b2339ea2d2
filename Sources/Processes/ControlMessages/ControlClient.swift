import Glibc
import Platform
import WireFormat

/// The client's end of the control socket, for programs that wait for their answer and do nothing else.
///
/// Every wait has the same limit. The greeting `hello` travels with the first request.
package struct ControlClient: ~Copyable {
    private let socket: OwnedDescriptor
    private var buffer = ControlFrameBuffer(longest: ControlFrame.longestAnswer)
    private var greeted = false

    /// Connects to the daemon.
    ///
    /// - Parameter timeout: The limit of each single wait, in seconds.
    /// - Throws: ``ControlClientError/notRunning`` when nobody listens there, ``ControlClientError/timedOut``,
    ///   ``ControlClientError/failed(_:)``.
    package init(path: String, timeout: Int) throws(ControlClientError) {
        let raw = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw .failed(SystemError("socket")) }
        let descriptor = OwnedDescriptor(adopting: raw)
        // The kernel applies the limit for sending to connect as well, which waits while the daemon's backlog is full.
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            guard setsockopt(raw, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size)) == 0 else {
                throw .failed(SystemError("setsockopt"))
            }
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard !name.isEmpty, name.count < room.count else { return false }
            room.copyBytes(from: name)
            return true
        }
        guard fits else { throw .failed(SystemError("connect \(path)", code: ENAMETOOLONG)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            switch errno {
            case ENOENT, ENOTDIR, ECONNREFUSED: throw .notRunning
            case EAGAIN, EINTR: throw .timedOut
            case let code: throw .failed(SystemError("connect \(path)", code: code))
            }
        }
        socket = descriptor
    }

    /// Sends a request.
    package mutating func send(_ request: ClientToControl) throws(ControlClientError) {
        var bytes = greeted ? [] : ControlFrame.bytes(ClientToControl.hello(version: ClientToControl.version))
        greeted = true
        bytes += ControlFrame.bytes(request)
        let raw = socket.raw
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { all in
                let rest = UnsafeRawBufferPointer(rebasing: all[offset...])
                return Glibc.send(raw, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL))
            }
            if count >= 0 {
                offset += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: throw .timedOut
            // The daemon may have said why before it closed: the reader finds that out.
            case EPIPE, ECONNRESET: return
            case let code: throw .failed(SystemError("send", code: code))
            }
        }
    }

    /// Waits for the next answer.
    ///
    /// - Throws: ``ControlClientError/incompatible(daemon:)`` besides the troubles of the connection.
    package mutating func receive() throws(ControlClientError) -> ControlToClient {
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let answer: ControlToClient?
            do throws(WireError) {
                answer = try buffer.next(ControlToClient.self)
            } catch {
                throw .malformedAnswer(error)
            }
            if let answer {
                if case .incompatible(let version) = answer { throw .incompatible(daemon: version) }
                return answer
            }
            let count: Int
            do throws(SystemError) {
                count = try Files.readSome(socket, into: &chunk)
            } catch {
                switch error.code {
                case EAGAIN: throw .timedOut
                case ECONNRESET: throw .closed
                default: throw .failed(error)
                }
            }
            guard count > 0 else { throw .closed }
            buffer.append(chunk[..<count])
        }
    }

    /// Sends a request and hands every piece of its output on, until its last answer, which is returned.
    package mutating func request(
        _ request: ClientToControl, output: ([UInt8]) -> Void
    ) throws(ControlClientError) -> ControlToClient {
        try send(request)
        while true {
            let answer = try receive()
            guard case .output(let bytes) = answer else { return answer }
            output(bytes)
        }
    }

    /// Asks for an SMTP session, which takes the connection over.
    ///
    /// - Throws: ``ControlClientError/noSession(_:)`` when the daemon takes no sessions now.
    package consuming func submit() throws(ControlClientError) -> SubmissionConnection {
        try send(.submit)
        switch try receive() {
        case .submissionReady:
            let received = buffer.takeRest()
            return SubmissionConnection(socket: socket, received: received)
        case .failed(let reason): throw .noSession(reason)
        case .refused: throw .noSession("permission denied")
        case .output, .end, .done, .incompatible: throw .malformedAnswer(.invalid("answer to submit"))
        }
    }
}

/// A connection on which the daemon now speaks SMTP.
package struct SubmissionConnection: ~Copyable {
    package let socket: OwnedDescriptor
    /// What of the server's words has been read already.
    package let received: [UInt8]
}

/// Why there is no answer from the daemon.
package enum ControlClientError: Error, Hashable, Sendable {
    case notRunning
    case timedOut
    /// The daemon closed the connection without an answer.
    case closed
    case incompatible(daemon: UInt32)
    /// The daemon takes no submissions now, and why.
    case noSession(String)
    case malformedAnswer(WireError)
    case failed(SystemError)
}

extension ControlClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notRunning: "smtpd doesn't seem to be running"
        case .timedOut: "smtpd does not answer"
        case .closed: "smtpd closed the connection"
        case .incompatible(let version):
            "incompatible with the running smtpd (version \(version) of the protocol, not \(ClientToControl.version))"
        case .noSession(let reason): "smtpd takes no messages now: \(reason)"
        case .malformedAnswer: "smtpd answered something that makes no sense"
        case .failed(let error): error.description
        }
    }
}
