import Authentication
import Envelopes
import EventLoop
import Glibc
import Log
import MailSyntax
import Platform
import RoleProcess
import Routing
import SMTPProtocol
import TLS

/// One connection to a server that takes our mail: connects, drives the ``ClientSession``, and tells what happens.
///
/// `+Security` turns to TLS, `+Dialogue` carries out what the machine says, ``RelayContent`` is the message.
@EventLoopActor
final class RelaySession {
    let order: ConnectionOrder
    /// Names the session in the log.
    let id: String
    let identity: SASLIdentity?
    unowned let owner: RelayDeliveries
    unowned let dispatcher: DispatcherProcess
    private var stream: SecurableStream?
    private var source: IPAddress?
    /// What TLS came to, for log lines.
    var protection = "none"
    /// What the server offers, for the transaction under way.
    var capabilities = ServerCapabilities()
    /// The transaction under way.
    var tasks: [RelayTask] = []
    var messages = 0
    /// What to do once the machine can take a message.
    var next: Assignment?
    /// The session waits for an assignment, and for what the server may say meanwhile.
    var isWaiting = false
    private(set) var isAbandoned = false
    /// Octets that are to be sent with the next flush.
    var output: [UInt8] = []
    /// Whom filters of the action report this session to; nil without.
    var reports: RelayReports?

    enum Assignment {
        case message([RelayTask])
        case quit
    }

    /// How long a connection attempt may take; the router races another address long before that.
    private static let connectTimeout = Duration.seconds(30)

    init(_ order: ConnectionOrder, identity: SASLIdentity?, of owner: RelayDeliveries, _ dispatcher: DispatcherProcess) {
        self.order = order
        self.identity = identity
        self.owner = owner
        self.dispatcher = dispatcher
        id = DispatcherProcess.sessionIdentifier()
    }

    var log: Logger { dispatcher.log }

    /// Where it goes, for log lines.
    var place: String {
        "source=\"\(source?.description ?? "-")\" relay=\"\(order.address) (\(order.hostName))\""
    }

    func start() { spawn { [self] in await run() } }

    /// What its connection does, for `trace io`.
    func traceIO(_ text: @autoclosure () -> String) { log.trace(TraceSubjects.io, "\(id) \(text())") }

    /// The next message; only when the session has said that it is ready.
    func transact(_ tasks: [RelayTask]) { assign(.message(tasks)) }

    func quit() { assign(.quit) }

    /// Ends without a word and without telling anybody.
    func abandon() {
        isAbandoned = true
        stream?.close()
    }

    private func assign(_ assignment: Assignment) {
        next = assignment
        if isWaiting { stream?.interruptReading() }
    }

    // MARK: The connection

    private func run() async {
        let end = await session()
        traceIO("closed")
        stream?.close()
        reports?.ended()
        guard !isAbandoned else { return }
        let reason = end == .quit ? "quit" : end.text
        log.info("\(id) mta disconnected reason=\(LogText.value(reason)) messages=\(messages) \(place)")
        owner.ended(self, end)
    }

    private func session() async -> ConnectionEnd {
        if order.security == .contradictory { return .localFailure("tls is required, and the relay URL forbids it") }
        log.trace(TraceSubjects.mta, "\(id) connecting to \(order.address) port \(order.port) for \(order.hostName)")
        let stream: SecurableStream
        switch await open() {
        case .success(let opened): stream = opened
        case .failure(let refusal): return refusal.end
        }
        self.stream = stream
        guard !isAbandoned else {
            stream.close()
            return .quit
        }
        source = order.source ?? (try? Sockets.localAddress(stream.rawDescriptor)).flatMap { IPAddress($0) }
        log.info("\(id) mta connected address=\(order.address.bracketed) host=\(LogText.value(order.hostName)) \(place)")
        owner.connected(order.connection)
        reports = await makeReports()
        await report(connectionOver: stream.rawDescriptor)
        guard !isAbandoned else { return .quit }
        if case .implicit = order.security, let failure = await shakeHands(over: stream) { return failure }
        guard let helo = await helo() else { return .localFailure("no host name to say in EHLO") }
        guard !isAbandoned else { return .quit }
        return await converse(over: stream, helo)
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
            traceIO("connects to \(order.address.bracketed):\(order.port)")
            let socket = try await connect(to: address, from: source, deadline: .now() + Self.connectTimeout)
            traceIO("connected")
            // Without it the machine still works, a little slower.
            try? Sockets.setNoDelay(socket.raw)
            return .success(SecurableStream(adopting: socket))
        } catch {
            traceIO("no connection: \(error)")
            switch error.code {
            case EADDRNOTAVAIL where source != nil, EADDRINUSE where source != nil:
                return .failure(Refusal(end: .sourceUnavailable(error.description)))
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .failure(Refusal(end: .localFailure(error.description)))
            default: return .failure(Refusal(end: .unreachable(error.description)))
            }
        }
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
}
