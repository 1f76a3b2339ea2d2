import Authentication
import Configuration
import Envelopes
import EventLoop
import Interprocess
import Log
import MailSyntax
import Platform
import ProcessMessages
import RoleProcess
import TLS

/// The only process that talks to the world: SMTP in, and message bytes to delivery agents.
@EventLoopActor
package final class DispatcherProcess: RoleProcess {
    package static let role = Role.dispatcher
    package static let privileges = RolePrivileges(user: .daemon, root: .nothing, calls: [.sockets])

    let context: RoleContext
    private var currentView: DispatcherView?
    var lookup: Link<DispatcherToLookup, LookupToDispatcher>?
    var queue: Link<DispatcherToQueue, QueueToDispatcher>?
    var control: Link<DispatcherToControl, ControlToDispatcher>?
    var parent: Link<DispatcherToParent, ParentToDispatcher>?
    let tls: DispatcherTLS

    let expansions = PendingRequests<ExpansionVerdict>()
    let users = PendingRequests<UserVerdict>()
    let hostnames = PendingRequests<String?>()
    let exchangers = PendingRequests<ExchangerVerdict>()
    let addresses = PendingRequests<AddressVerdict>()
    let reverseNames = PendingRequests<ReverseNameVerdict>()
    private(set) lazy var clientNames = ClientNames { [unowned self] address in
        let request = reverseNames.next()
        lookup?.send(.reverseName(request: request, address))
        return await reverseNames.answer(request)
    }
    let authentications = PendingRequests<AuthenticationVerdict>()
    let mechanismQuestions = PendingRequests<[String]>()
    let senders = PendingRequests<SenderVerdict>()
    /// Conditions of built-in filters.
    let filterTables = PendingRequests<Bool>()
    private(set) lazy var filterPrograms = FilterPrograms(dispatcher: self)
    /// Failed authentications by client network.
    var authenticationFailures = FailureLedger<IPAddress>(limit: 0)
    let agentStarts = PendingRequests<AgentStart>()
    /// Messages on their way into the queue.
    let transfers = Transfers()

    var sockets: [UInt32: ServedSocket] = [:]
    var isPaused = false
    /// A new view is in force, and which of its listeners each socket belongs to has yet to come: a connection
    /// accepted meanwhile would be served by the rules of another listener.
    var awaitsListeners = false
    let sessions: SessionCensus
    var counts = DispatcherCounts()
    var exhaustion = ExhaustionNotes()
    private(set) lazy var deliveries = makeDeliveries()
    private(set) lazy var relays = RelayDeliveries(dispatcher: self)
    let relayEntries = PendingRequests<RelayEntries>()
    let relayValues = PendingRequests<RelayValue>()
    let rewrittenSenders = PendingRequests<MailAddress>()
    let relayTokens = PendingRequests<RelayToken>()
    let milterSockets = PendingRequests<MilterSocket>()
    var milterOutages = MilterOutages()
    let scratchFiles = PendingRequests<ScratchFile>()

    package init(context: RoleContext) {
        self.context = context
        sessions = SessionCensus(maximum: Self.sessionLimit())
        do throws(TLSSetupFailure) {
            tls = try DispatcherTLS()
        } catch {
            context.fail("TLS: \(error.text)")
        }
    }

    var view: DispatcherView {
        guard let currentView else { context.fail("asked before it was configured") }
        return currentView
    }

    package func configure(_ encoded: [UInt8]) throws(ViewRefused) {
        do throws(DecodingFailure) {
            let view = try DispatcherView(decoding: encoded)
            currentView = view
            awaitsListeners = true
            updateAcceptors()
            deliveries.setLimits(view.mda)
            authenticationFailures.limit = view.session.maximumAuthenticationFailures
            sessions.setLimits(view.session)
            tls.handshakes.setLimits(view.session)
        } catch {
            throw ViewRefused("view of the configuration: \(error)")
        }
    }

    package func connect(_ peer: Role, over descriptor: consuming OwnedDescriptor) {
        switch peer {
        case .lookup:
            lookup = context.link(to: peer, over: descriptor) { [unowned self] message, socket in receive(message, socket) }
        case .queue:
            queue = context.link(to: peer, over: descriptor) { [unowned self] message, file in receive(message, file) }
        case .control:
            control = context.link(to: peer, over: descriptor) { [unowned self] message, socket in receive(message, socket) }
        case .parent:
            parent = context.link(to: peer, over: descriptor) { [unowned self] message, socket in receive(message, socket) }
        case .crypto:
            tls.connect(context.link(to: peer, over: descriptor) { [unowned self] message, _ in tls.receive(message) })
        case .dispatcher, .scheduler:
            context.fail("\(peer.name) is no peer of the dispatcher")
        }
    }

    package func serve() throws(ViewRefused) {
        isPaused = context.startsPaused.contains(.smtp)
    }

    /// New sessions are refused, open ones are told 421 at their next wait; the rest gets a moment to finish.
    package func shutdown() async {
        for socket in sockets.values { socket.acceptor.close() }
        sockets = [:]
        sessions.endAll()
        await sessions.allEnded(deadline: .now() + .seconds(3))
        relays.finish()
        await deliveries.finish(deadline: .now() + .seconds(5))
        await relays.ended(deadline: .now() + .seconds(5))
    }

    // MARK: What comes in

    func receive(_ message: LookupToDispatcher, _ socket: consuming OwnedDescriptor?) {
        switch message {
        case .expanded(let request, let verdict): expansions.resolve(request, verdict)
        case .user(let request, let verdict): users.resolve(request, verdict)
        case .hostname(let request, let name): hostnames.resolve(request, name)
        case .mechanisms(let request, let names): mechanismQuestions.resolve(request, names)
        case .authentication(let request, let verdict): authentications.resolve(request, verdict)
        case .sender(let request, let verdict): senders.resolve(request, verdict)
        case .exchangers(let request, let verdict): exchangers.resolve(request, verdict)
        case .addresses(let request, let verdict): addresses.resolve(request, verdict)
        case .reverseName(let request, let verdict): reverseNames.resolve(request, verdict)
        case .relayEntries(let request, let entries): relayEntries.resolve(request, entries)
        case .relayValue(let request, let value): relayValues.resolve(request, value)
        case .rewrittenSender(let request, let sender): rewrittenSenders.resolve(request, sender)
        case .relayToken(let request, let token): relayTokens.resolve(request, token)
        case .filterTable(let request, let matches): filterTables.resolve(request, matches)
        case .milter(let request, let failure):
            milterSockets.resolve(
                request, DescriptorBox(optional: socket).map { .connected($0) } ?? .failed(failure ?? "no socket"))
        }
    }

    func receive(_ message: QueueToDispatcher, _ file: consuming OwnedDescriptor?) {
        switch message {
        case .opened(let transfer, let id): transfers.opened(transfer, id)
        case .named(let transfer, let ids): transfers.named(transfer, ids)
        case .committed(let transfer): transfers.committed(transfer)
        case .refused(let transfer, let refusal): transfers.refused(transfer, refusal)
        case .deliver(let transaction, let attempts, let body): deliver(attempts, of: transaction, body, file)
        case .scratch(let request, let refusal):
            scratchFiles.resolve(
                request, DescriptorBox(optional: file).map { .file($0) } ?? .refused(refusal ?? .failure))
        }
    }

    func receive(_ message: ControlToDispatcher, _ socket: consuming OwnedDescriptor?) {
        switch message {
        case .submission(let uid, _):
            guard let socket = socket.take() else { context.fail("a submission without its socket") }
            acceptSubmission(socket, uid: uid)
        case .setPaused(let paused): setPaused(paused)
        case .statistics(let request): control?.send(.statistics(request: request, statistics()))
        case .list(let request, let list, let asJSON): show(list, asJSON, answering: request)
        case .resumeRoute(let request, let id):
            control?.send(.ordered(request: request, relays.resumeRoute(id)))
        case .setBlocked(let request, let source, let domain, let blocked):
            control?.send(.ordered(request: request, relays.setBlocked(source, domain, blocked)))
        case .explain(let request, let action): control?.send(.explained(request: request, explanation(ofAction: action)))
        case .explainListener(let request, let name):
            control?.send(.listener(request: request, facts(ofListener: name)))
        }
    }

    func receive(_ message: ParentToDispatcher, _ socket: consuming OwnedDescriptor?) {
        switch message {
        case .listener(let listener):
            listen(on: listener, socket)
        case .closeListeners(let kept): closeListeners(except: Set(kept))
        case .credentials(let credentials): tls.receive(credentials)
        case .agent(let request, let user):
            guard let socket = socket.take() else { context.fail("an agent without its socket") }
            agentStarts.resolve(request, .started(user, DescriptorBox(socket)))
        case .agentRefused(let request, let isPermanent, let reason):
            let failure = DeliveryFailure(status: isPermanent ? "5.1.1" : "4.3.0", text: reason)
            agentStarts.resolve(request, .refused(failure, isPermanent: isPermanent))
        case .filterStarted(let name, let instance):
            guard let socket = socket.take() else { context.fail("a filter without its socket") }
            filterPrograms.started(name, instance, socket)
        case .filterErrors(let name, _):
            guard let pipe = socket.take() else { context.fail("a filter without its standard error") }
            filterPrograms.listen(to: name, pipe)
        case .filterRetired(let name, let instance): filterPrograms.retired(name, instance)
        }
    }
}
