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
        do throws(SystemError) {
            socket = try Self.connect(path, timeout)
        } catch {
            switch error.code {
            case ENOENT, ENOTDIR, ECONNREFUSED: throw .notRunning
            // The daemon's backlog is full.
            case EAGAIN, ETIMEDOUT: throw .timedOut
            default: throw .failed(error)
            }
        }
    }

    private static func connect(_ path: String, _ timeout: Int) throws(SystemError) -> OwnedDescriptor {
        let socket = try ConnectingSocket.wait(to: .local(path: path), timeout: Int32(timeout) * 1000)
        try Sockets.setTimeout(socket.raw, seconds: timeout)
        return socket
    }

    /// Sends a request.
    package mutating func send(_ request: ClientToControl) throws(ControlClientError) {
        var bytes = greeted ? [] : ControlFrame.bytes(ClientToControl.hello(version: ClientToControl.version))
        greeted = true
        bytes += ControlFrame.bytes(request)
        do throws(SystemError) {
            try Sockets.sendAll(socket.raw, bytes)
        } catch {
            switch error.code {
            case EAGAIN: throw .timedOut
            // The daemon may have said why before it closed: the reader finds that out.
            case EPIPE, ECONNRESET: return
            default: throw .failed(error)
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

    /// The socket alone.
    package consuming func intoSocket() -> OwnedDescriptor { socket }
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
