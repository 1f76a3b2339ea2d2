import ControlMessages
import Envelopes
import Glibc
import MailSyntax
import Platform
import SMTPProtocol
import Synchronization
import WireFormat

/// A daemon as `sendmail` sees it: the control socket, and behind it the real SMTP server machine with verdicts
/// that a test chooses. Each connection has a thread; a message counts when it is committed.
final class FakeDaemon: Sendable {
    /// What a test wants of it.
    struct Script: Sendable {
        var settings: ServerSettings
        /// The answer to everything but submissions.
        var answers: [ControlToClient] = [.refused]
        /// In place of a session.
        var submission: ControlToClient?
        var sender: Verdict = .accept
        /// By local part.
        var recipients: [String: Reply] = [:]
        var commit: Verdict = .accept
        /// Leave when this command line has come.
        var leavesAt: String?
    }

    struct Message: Sendable {
        var facts: Transaction
        var recipients: [RecipientRequest] = []
        var body: [UInt8] = []
        var text: String { String(decoding: body, as: UTF8.self) }
        var names: [String] { recipients.map(\.address.text) }
    }

    private let script: Script
    private let listener: CInt
    private let record = Mutex<(messages: [Message], requests: [ClientToControl], isStopped: Bool)>(([], [], false))

    var messages: [Message] { record.withLock { $0.messages } }
    var requests: [ClientToControl] { record.withLock { $0.requests } }

    init(_ directory: String, _ script: Script = .init()) throws {
        self.script = script
        listener = try ListeningSocket.local(path: directory + "/smtpd.sock", mode: 0o666).release()
        thread { self.accept() }
    }

    func stop() { record.withLock { $0.isStopped = true } }

    private func accept() {
        while !record.withLock({ $0.isStopped }) {
            var request = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&request, 1, 50) > 0 else { continue }
            let raw = Glibc.accept(listener, nil, nil)
            guard raw >= 0 else { continue }
            thread { self.serve(OwnedDescriptor(adopting: raw)) }
        }
        close(listener)
    }

    private func serve(_ socket: consuming OwnedDescriptor) {
        var buffer = ControlFrameBuffer(longest: ControlFrame.longestRequest)
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while let count = try? Files.readSome(socket, into: &chunk), count > 0 {
            buffer.append(chunk[..<count])
            while let request = try? buffer.next(ClientToControl.self) {
                record.withLock { $0.requests.append(request) }
                switch request {
                case .hello: continue
                case .submit:
                    try? Sockets.sendAll(socket.raw, ControlFrame.bytes(script.submission ?? .submissionReady))
                    if script.submission == nil { session(socket) }
                    return
                default:
                    for answer in script.answers { try? Sockets.sendAll(socket.raw, ControlFrame.bytes(answer)) }
                }
            }
        }
    }

    private func session(_ socket: borrowing OwnedDescriptor) {
        var session = ServerSession(
            settings: script.settings,
            client: ClientIdentity(source: .local, reverseName: "localhost", user: "tester", isAuthenticated: true))
        session.connected()
        var message: Message?
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            switch session.next() {
            case .needsInput:
                guard let count = try? Files.readSome(socket, into: &chunk), count > 0 else {
                    session.connectionLost()
                    continue
                }
                if let end = script.leavesAt, String(decoding: chunk[..<count], as: UTF8.self).contains(end) { return }
                session.receive(chunk.span.extracting(first: count))
            case .reply(let reply):
                try? Sockets.sendAll(socket.raw, reply.bytes)
            case .checkSender(let facts):
                message = Message(facts: facts)
                session.senderChecked(script.sender)
            case .checkRecipient(let request):
                if let reply = script.recipients[request.address.localPart.text] {
                    session.recipientChecked(.refuse(reply))
                } else {
                    message?.recipients.append(request)
                    session.recipientChecked(.accept)
                }
            case .beginMessage:
                session.messageOpened(
                    .opened(OpenedMessage(identifier: "1", date: MailDate(seconds: 0), uniqueNumber: 1)))
            case .messageBytes(let bytes):
                message?.body += bytes
            case .commitMessage:
                if script.commit == .accept, let message { record.withLock { $0.messages.append(message) } }
                session.messageCommitted(script.commit)
            case .rollbackMessage:
                message = nil
            case .authenticate, .abandonAuthentication, .startTLS, .consult, .event, .filterContent, .finishContent, .close:
                return
            }
        }
    }
}

extension FakeDaemon.Script {
    init(_ change: (inout FakeDaemon.Script) -> Void = { _ in }) {
        // The name is well formed.
        var settings = ServerSettings(hostname: try! Domain(validating: Array("daemon.example".utf8)))
        settings.acceptsBareLineFeed = true
        self.init(settings: settings)
        change(&self)
    }
}

/// Runs a body on a thread of its own.
private func thread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var handle = pthread_t()
    let result = pthread_create(
        &handle, nil,
        { context in
            // Retained below, for exactly this.
            Unmanaged<Box>.fromOpaque(context!).takeRetainedValue().body()
            return nil
        }, Unmanaged.passRetained(Box(body)).toOpaque())
    precondition(result == 0, "a thread starts")
    pthread_detach(handle)
}
