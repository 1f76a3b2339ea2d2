import Authentication
import Certificates
import Configuration
import Cryptography
import Envelopes
import EventLoop
import Glibc
import Log
import Passwords
import MailSyntax
import Platform
import RoleProcess
import Routing
import SMTPProtocol
import TLS

/// One connection to a server that takes our mail: connects, drives the ``ClientSession``, and tells what happens.
@EventLoopActor
final class RelaySession {
    let order: ConnectionOrder
    private let identity: SASLIdentity?
    private unowned let owner: RelayDeliveries
    private unowned let dispatcher: DispatcherProcess
    private var stream: SecurableStream?
    private var source: IPAddress?
    /// The transaction under way, and for how many of its recipients no result has come.
    private var tasks: [RelayTask] = []
    /// Something of the message itself was sent, so that the server may have taken it.
    private var hasSentContent = false
    private var next: Assignment?
    private var waiter: UnsafeContinuation<Void, Never>?
    private var isAbandoned = false
    private var output: [UInt8] = []

    private enum Assignment {
        case message([RelayTask])
        case quit
    }

    /// How long a connection attempt may take; the router races another address long before that.
    private static let connectTimeout = Duration.seconds(30)
    private static let handshakeTimeout = Duration.seconds(60)
    /// Octets gathered before they are sent, and read of a file at once.
    private static let piece = 64 << 10

    init(_ order: ConnectionOrder, identity: SASLIdentity?, of owner: RelayDeliveries, _ dispatcher: DispatcherProcess) {
        self.order = order
        self.identity = identity
        self.owner = owner
        self.dispatcher = dispatcher
    }

    /// Where it goes, for log lines.
    var place: String {
        "source=\"\(source?.description ?? "-")\" relay=\"\(order.address) (\(order.hostName))\""
    }

    func start() { spawn { [self] in await run() } }

    /// The next message; only when the session has said that it is ready.
    func transact(_ tasks: [RelayTask]) { assign(.message(tasks)) }

    func quit() { assign(.quit) }

    /// Ends without a word and without telling anybody.
    func abandon() {
        isAbandoned = true
        stream?.close()
        waiter?.resume()
        waiter = nil
    }

    private func assign(_ assignment: Assignment) {
        next = assignment
        waiter?.resume()
        waiter = nil
    }

    // MARK: The connection

    private func run() async {
        let end = await session()
        stream?.close()
        guard !isAbandoned else { return }
        if end != .quit {
            dispatcher.log.info(
                "mta session failed \(place) reason=\(LogText.value(end.text))")
        }
        owner.ended(self, end)
    }

    private func session() async -> ConnectionEnd {
        if order.security == .contradictory { return .localFailure("tls is required, and the relay URL forbids it") }
        let stream: SecurableStream
        switch await open() {
        case .success(let opened): stream = opened
        case .failure(let refusal): return refusal.end
        }
        self.stream = stream
        guard !isAbandoned else { return .quit }
        source = order.source ?? (try? Sockets.localAddress(stream.rawDescriptor)).flatMap { IPAddress($0) }
        owner.connected(order.connection)
        guard !isAbandoned else { return .quit }
        if case .implicit = order.security, let failure = await shakeHands(stream) { return failure }
        guard let helo = await helo() else { return .localFailure("No valid name for EHLO") }
        guard !isAbandoned else { return .quit }
        return await converse(stream, helo)
    }

    private struct Refusal: Error {
        var end: ConnectionEnd
    }

    private func open() async -> Result<SecurableStream, Refusal> {
        guard let address = SocketAddress(octets: order.address.octets, port: order.port) else {
            return .failure(Refusal(end: .localFailure("no address")))
        }
        let source = order.source.flatMap { SocketAddress(octets: $0.octets, port: 0) }
        do throws(SystemError) {
            let socket = try await connect(to: address, from: source, deadline: .now() + Self.connectTimeout)
            try? Sockets.setNoDelay(socket.raw)
            return .success(SecurableStream(adopting: socket))
        } catch {
            switch error.code {
            case EADDRNOTAVAIL where source != nil, EADDRINUSE where source != nil:
                return .failure(Refusal(end: .sourceUnavailable(error.description)))
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .failure(Refusal(end: .localFailure(error.description)))
            default: return .failure(Refusal(end: .unreachable(error.description)))
            }
        }
    }

    /// Nil when the channel is one of TLS now.
    private func shakeHands(_ stream: SecurableStream) async -> ConnectionEnd? {
        let action = order.relay.action
        let verification: TLSClientSettings.Verification =
            switch order.security {
            case .startTLS(verified: true), .implicit(verified: true): .required
            case .never, .opportunistic, .startTLS, .implicit, .contradictory: .noted
            }
        let context: TLSClientContext
        do throws(ConfiguredTLSFailure) {
            context = try dispatcher.tls.clientContext(
                DispatcherTLS.RelayTerms(
                    certificate: action.keyPair, authority: action.authority, ciphers: action.ciphers,
                    protocols: action.protocols, verification: verification))
        } catch {
            return .localFailure("\(error)")
        }
        do throws(TLSFailure) {
            try await stream.startTLS(.client(context, host: order.hostName), deadline: .now() + Self.handshakeTimeout)
        } catch {
            if case .unverified = error { return .untrusted(error.text) }
            return .tlsFailed(error.text)
        }
        if let facts = stream.facts {
            dispatcher.log.info(
                "mta tls \(place) ciphers=\(facts.version):\(facts.cipher):\(facts.bits) verified=\(facts.isPeerVerified ? "yes" : "no")")
        }
        return nil
    }

    /// `helo NAME`, else the name that `helo-src` has for the local address, else the server's own.
    private func helo() async -> Domain? {
        let action = order.relay.action
        var name = action.helo ?? dispatcher.view.serverName
        if let table = action.heloNames, let source {
            let request = dispatcher.hostnames.next()
            dispatcher.lookup?.send(.hostname(request: request, table: table, address: source))
            if let found = await dispatcher.hostnames.answer(request), let found { name = found }
        }
        return try? Domain(validating: Array(name.utf8))
    }

    // MARK: The dialogue

    private func converse(_ stream: SecurableStream, _ helo: Domain) async -> ConnectionEnd {
        var settings = ClientSettings(kind: order.isLMTP ? .lmtp : .smtp, helo: helo)
        switch order.security {
        case .never, .contradictory: break
        case .opportunistic: settings.startTLS = .whenOffered
        case .startTLS: settings.startTLS = .always
        case .implicit: settings.isSecured = true
        }
        var machine = ClientSession(settings: settings, credentials: identity.map(ClientCredentials.init(freshFor:)))
        while true {
            switch machine.next() {
            case .needsInput:
                guard await flush(stream) else {
                    machine.connectionLost()
                    continue
                }
                switch await stream.read(deadline: .now() + .seconds(machine.timeoutSeconds)) {
                case .bytes(let bytes): machine.receive(bytes.span)
                case .timedOut: machine.timedOut()
                case .end, .failed: machine.connectionLost()
                }
            case .send(let bytes):
                output += bytes
                if output.count >= Self.piece, !(await flush(stream)) { machine.connectionLost() }
            case .startTLS:
                guard await flush(stream) else { return .broken("Connection closed unexpectedly") }
                if let failure = await shakeHands(stream) { return failure }
                machine.tlsStarted()
            case .ready:
                guard await flush(stream) else {
                    machine.connectionLost()
                    continue
                }
                await proceed(&machine)
            case .needsContent:
                hasSentContent = true
                await sendContent(&machine, stream)
            case .result(let recipient, let outcome):
                // Before the message itself was sent nothing was taken, and another session may try.
                guard tasks.indices.contains(recipient), !machine.isOver || hasSentContent else { continue }
                owner.settled(order.connection, tasks[recipient].envelope.id, settlement(outcome))
            case .close(let end):
                _ = await flush(stream)
                return ConnectionEnd(end)
            }
            guard !isAbandoned else { return .quit }
        }
    }

    /// Says that a message may come, and waits for it.
    private func proceed(_ machine: inout ClientSession) async {
        tasks = []
        hasSentContent = false
        owner.ready(order.connection)
        if next == nil, !isAbandoned { await withUnsafeContinuation { waiter = $0 } }
        guard let assignment = next.take() else { return }
        switch assignment {
        case .quit: machine.quit()
        case .message(let tasks):
            self.tasks = tasks
            machine.send(SMTPProtocol.OutgoingMessage(tasks, rewriting: order.relay.action, serverName: dispatcher.view.serverName))
        }
    }

    /// 452 behind accepted recipients means that the server takes no more of them at a time (RFC 5321 section
    /// 4.5.3.1.10).
    private func settlement(_ outcome: DeliveryOutcome) -> Settlement {
        if case .temporary(let failure) = outcome, failure.status == "4.5.3" { return .tooManyRecipients }
        return .outcome(outcome)
    }

    private func flush(_ stream: SecurableStream) async -> Bool {
        guard !output.isEmpty else { return true }
        let bytes = output
        output = []
        return await stream.write(bytes, deadline: .now() + .seconds(300)) == .written
    }

    private func sendContent(_ machine: inout ClientSession, _ stream: SecurableStream) async {
        guard let message = tasks.first?.message else { return machine.contentFailed() }
        switch message.body {
        case .inline(let bytes): machine.content(bytes)
        case .file(let file):
            var offset: UInt64 = 0
            while offset < file.size {
                guard let piece = try? Files.readSome(file.descriptor, at: Int(offset), count: Self.piece), !piece.isEmpty else {
                    return machine.contentFailed()
                }
                machine.content(piece)
                offset += UInt64(piece.count)
                // The machine gives the octets back as a step, which is carried out here so that memory stays flat.
                while case .send(let bytes) = machine.next() {
                    output += bytes
                    if output.count >= Self.piece { break }
                }
                guard await flush(stream), !isAbandoned else { return machine.connectionLost() }
            }
        }
        machine.endOfContent()
    }
}

extension ConnectionEnd {
    init(_ end: ClientEnd) {
        switch end {
        case .quit: self = .quit
        case .failed(.refused(let reply)): self = .refused(reply.text)
        case .failed(.tlsUnavailable(let text)): self = .tlsFailed(text)
        case .failed(.authenticationFailed(let text)): self = .authenticationFailed(text)
        case .failed(.contentFailed): self = .localFailure("Message could not be read")
        case .failed(let failure): self = .broken(failure.deliveryFailure.text)
        }
    }
}

extension ClientCredentials {
    /// With a nonce that nobody has seen.
    init(freshFor identity: SASLIdentity) {
        self.init(identity: identity, nonce: Base64.encoded(cryptographicRandom(18)), functions: .libcrypto)
    }
}

extension SMTPProtocol.OutgoingMessage {
    /// All of one message, with the reverse path as the action wants it (`mail-from`, 5.4 `as`).
    @EventLoopActor
    init(_ tasks: [RelayTask], rewriting action: RelayAction, serverName: String) {
        // There is one task at least.
        let message = tasks[0].message
        let transaction = message.transaction
        let size: Int64 =
            switch message.body {
            case .inline(let bytes): Int64(bytes.count)
            case .file(let file): Int64(clamping: file.size)
            }
        self.init(
            sender: transaction.sender.rewritten(action.sender, serverName: serverName),
            recipients: tasks.map { task in
                Recipient(
                    path: .address(task.envelope.destination), notify: task.envelope.notify,
                    originalRecipient: task.envelope.originalRecipient)
            },
            size: size, body: transaction.body, needsUTF8: transaction.needsUTF8,
            returnContent: transaction.returnContent, envelopeIdentifier: transaction.envelopeIdentifier)
    }
}

extension ReversePath {
    /// The address that a full address, a bare user or `@domain` makes of this one; never of the null reverse path.
    func rewritten(_ wanted: String?, serverName: String) -> ReversePath {
        guard let wanted, let address else { return self }
        let bytes = Array(wanted.utf8)
        let at = bytes.lastIndex(of: UInt8(ascii: "@"))
        let user = at.map { bytes[..<$0] } ?? bytes[...]
        let domain = at.map { bytes[($0 + 1)...] } ?? []
        let text =
            (user.isEmpty ? address.localPart.quoted : Array(user)) + [UInt8(ascii: "@")]
            + (domain.isEmpty ? address.domain.bytes : Array(domain))
        // The configuration was checked when it was read; what is no address changes nothing.
        return (try? MailAddress(parsing: text)).map { .mailbox($0) } ?? self
    }
}
