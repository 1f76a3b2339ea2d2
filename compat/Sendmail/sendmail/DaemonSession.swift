import ControlMessages
import Glibc
import Platform
import Submission

/// Drives a ``SubmissionDialogue`` over the daemon's socket: small messages in as few calls as there are waits.
struct DaemonSession: ~Copyable {
    /// For the daemon to take the connection, in seconds. Then the message goes to the offline directory.
    static let patience = 30
    /// For a reply, in seconds: whoever gives up early after the end of a message sends it twice (RFC 5321
    /// section 4.5.3.2.6).
    private static let replyPatience = 600

    private let socket: OwnedDescriptor
    private var replies = SubmissionReplyReader()
    private var chunk = [UInt8](repeating: 0, count: 4 << 10)
    private let console: Console?

    /// - Parameter console: Where to show the dialogue; nil for nowhere.
    init(_ paths: InstallationPaths, showing console: Console?) throws(ControlClientError) {
        let connection = try ControlClient(path: paths.controlSocket, timeout: Self.patience).submit()
        do throws(SystemError) {
            try Sockets.setTimeout(connection.socket.raw, seconds: Self.replyPatience)
        } catch {
            throw .failed(error)
        }
        replies.append(connection.received[...])
        socket = connection.intoSocket()
        self.console = console
    }

    /// Carries the dialogue out.
    ///
    /// - Parameter sendMessage: Gives the message, in pieces, to the function it gets.
    /// - Throws: What `sendMessage` throws; nothing was submitted then but by earlier transactions.
    mutating func run<Failure: Error>(
        _ dialogue: inout SubmissionDialogue,
        sendMessage: ((ArraySlice<UInt8>) -> Void) throws(Failure) -> Void
    ) throws(Failure) -> SubmissionOutcome {
        var output: [UInt8] = []
        var isBroken = false
        while true {
            switch dialogue.next() {
            case .send(let commands):
                show(">>> ", commands)
                output += commands
            case .awaitReply:
                isBroken = !send(&output) || isBroken
                if let reply = receive() { dialogue.take(reply) } else { dialogue.connectionLost() }
            case .sendMessage:
                var encoder = DataEncoder()
                let socket = socket.raw
                try sendMessage { piece in
                    // The reply says, or its absence, what a connection broken here means.
                    if isBroken { return }
                    encoder.encode(piece, onto: &output)
                    if output.count > Self.sendAtOnce { isBroken = !Self.send(&output, to: socket) }
                }
                dialogue.messageSent()
            case .finish(let outcome):
                return outcome
            }
        }
    }

    private static let sendAtOnce = 256 << 10

    /// False when the connection is of no use any more.
    private func send(_ output: inout [UInt8]) -> Bool { Self.send(&output, to: socket.raw) }

    private static func send(_ output: inout [UInt8], to socket: CInt) -> Bool {
        defer { output.removeAll(keepingCapacity: true) }
        do throws(SystemError) {
            try Sockets.sendAll(socket, output)
            return true
        } catch {
            return false
        }
    }

    /// The next reply; nil when none will come.
    private mutating func receive() -> SubmissionReply? {
        while true {
            do {
                if let reply = try replies.next() {
                    if console != nil { show("<<< ", Array(reply.text.utf8)) }
                    return reply
                }
                let count = try Files.readSome(socket, into: &chunk)
                guard count > 0 else { return nil }
                replies.append(chunk[..<count])
            } catch {
                // Broken, silent for too long, or saying what is no reply: the same to whoever waits.
                return nil
            }
        }
    }

    private func show(_ mark: String, _ bytes: [UInt8]) {
        guard let console else { return }
        for line in bytes.split(separator: 0x0A) {
            console.write("\(mark)\(printableText(line.last == 0x0D ? line.dropLast() : line))\n")
        }
    }
}
