import ControlMessages
import Glibc
import Platform
import Submission

/// `-bs`: the caller's own SMTP session, passed through to the daemon. Line ends are completed, nothing else is
/// looked at; the daemon knows the user and treats the session as any local submission.
struct SessionRelay {
    private let socket: CInt
    private var completer = LineEndCompleter()
    private var toDaemon: [UInt8] = []
    private var inputEnded = false
    private var chunk = [UInt8](repeating: 0, count: 64 << 10)

    static func run(_ console: Console, _ paths: InstallationPaths) -> ExitCode {
        do {
            let client = try ControlClient(path: paths.controlSocket, timeout: DaemonSession.patience)
            let connection = try client.submit()
            try connection.socket.setNonBlocking()
            console.write(connection.received)
            var relay = SessionRelay(socket: connection.socket.raw)
            try relay.run(console)
            return .ok
        } catch let error as ControlClientError {
            // The caller speaks SMTP, so this is how it hears of it.
            console.write("421 4.3.2 \(error)\r\n")
            return .temporaryFailure
        } catch {
            console.complain("\(error)")
            return .inputError
        }
    }

    private init(socket: CInt) { self.socket = socket }

    /// Until the daemon closes. It does so at the end of the input too, and drops a message that has no end.
    private mutating func run(_ console: Console) throws {
        while true {
            let wantsInput = !inputEnded && toDaemon.isEmpty
            var requests = [
                pollfd(fd: wantsInput ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: socket, events: Int16(toDaemon.isEmpty ? POLLIN : POLLIN | POLLOUT), revents: 0)
            ]
            _ = try checked("poll") { poll(&requests, nfds_t(2), -1) }
            if requests[1].revents & Int16(POLLOUT) != 0 { try flush() }
            if requests[1].revents & ~Int16(POLLOUT) != 0 {
                guard let reply = try receive(from: socket) else { return }
                console.write(reply)
            }
            if requests[0].revents != 0 {
                if let input = try receive(from: STDIN_FILENO) {
                    completer.complete(input[...], onto: &toDaemon)
                    try flush()
                } else {
                    inputEnded = true
                }
                if inputEnded { shutdown(socket, CInt(SHUT_WR)) }
            }
        }
    }

    private mutating func flush() throws(SystemError) {
        do throws(SystemError) {
            let count = try checked("send") {
                toDaemon.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            }
            toDaemon.removeFirst(count)
        } catch {
            switch error.code {
            case EAGAIN: return
            // The daemon has closed; what it said before is still to be read.
            case EPIPE, ECONNRESET:
                toDaemon = []
                inputEnded = true
            default: throw error
            }
        }
    }

    /// What is there; nil at the end, empty when there is nothing after all.
    private mutating func receive(from descriptor: CInt) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            let count = try checked("read") {
                chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            }
            return count == 0 ? nil : Array(chunk[..<count])
        } catch {
            switch error.code {
            case EAGAIN: return []
            case ECONNRESET: return nil
            default: throw error
            }
        }
    }
}
