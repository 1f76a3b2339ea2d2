import ControlMessages
import Envelopes
import EventLoop
import Interprocess
import Log
import Platform
import ProcessMessages
import RoleProcess
import Rules

/// The door for `smtpctl` and `sendmail`: reads what clients of the Unix socket ask, says who may, and
/// passes it on to the role that knows.
@EventLoopActor
package final class ControlProcess: RoleProcess {
    package static let role = Role.control
    package static let privileges = RolePrivileges(user: .daemon, root: .nothing, calls: [])

    let context: RoleContext
    var dispatcher: Link<ControlToDispatcher, DispatcherToControl>?
    var lookup: Link<ControlToLookup, LookupToControl>?
    var queue: Link<ControlToQueue, QueueToControl>?
    var crypto: Link<ControlToCrypto, CryptoToControl>?
    var scheduler: Link<ControlToScheduler, SchedulerToControl>?
    var parent: Link<ControlToParent, ParentToControl>?
    var acceptor: Acceptor?
    /// Connections by the uid at their other end.
    var clients: [UInt32: Int] = [:]
    /// Where counters are served.
    var metricsAcceptors: [Acceptor] = []
    var metricsClients = 0
    var pausedServices: Set<ControlService> = []
    let startTime = wallClockSeconds()
    var sessionCount: Int64 = 0
    /// Its members may look at everything but messages.
    var readersGroup: UInt32?

    let answers = ControlAnswers()
    /// Who searches the queue for his own mail.
    let searches = Turnstile()

    package init(context: RoleContext) {
        self.context = context
        for service in context.startsPaused {
            switch service {
            case .mda: pausedServices.insert(.mda)
            case .mta: pausedServices.insert(.mta)
            case .smtp: pausedServices.insert(.smtp)
            }
        }
    }

    package func configure(_ view: [UInt8]) throws(ViewRefused) {}

    package func connect(_ peer: Role, over descriptor: consuming OwnedDescriptor) {
        switch peer {
        case .dispatcher:
            dispatcher = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .lookup:
            lookup = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .queue:
            queue = context.link(to: peer, over: descriptor) { [unowned self] message, file in receive(message, file) }
        case .scheduler:
            scheduler = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .parent:
            parent = context.link(to: peer, over: descriptor) { [unowned self] message, socket in receive(message, socket) }
        case .crypto:
            crypto = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .control:
            context.fail("\(peer.name) is no peer of control")
        }
    }

    package func serve() throws(ViewRefused) {}

    package func shutdown() async {
        acceptor?.close()
        closeMetrics()
    }

    // MARK: What comes in

    func receive(_ message: DispatcherToControl) {
        switch message {
        case .statistics(let request, let report): answers.statistics.resolve(request, report)
        case .listing(let request, let text, let isLast): receive(text, of: request, isLast: isLast)
        case .ordered(let request, let done): answers.routingOrders.resolve(request, done)
        case .listener(let request, let facts): answers.listeners.resolve(request, facts)
        case .explained(let request, let explanation): answers.explanations.resolve(request, (explanation, []))
        }
    }

    func receive(_ message: LookupToControl) {
        switch message {
        case .tableUpdated(let request, let failure): answers.tableUpdates.resolve(request, failure)
        case .statistics(let request, let report): answers.statistics.resolve(request, report)
        case .explained(let request, let explanation, let actions):
            answers.explanations.resolve(request, (explanation, actions))
        }
    }

    func receive(_ message: QueueToControl, _ file: consuming OwnedDescriptor?) {
        switch message {
        case .page(let request, let entries, let next): answers.pages.resolve(request, (entries, next))
        case .selected(let request, let ids, let next): answers.selections.resolve(request, (ids, next))
        case .envelope(let request, let envelope): answers.envelopes.resolve(request, envelope)
        case .body(let request, let body): answers.bodies.resolve(request, ReceivedBody(body: body, file: DescriptorBox(optional: file)))
        case .statistics(let request, let report): answers.statistics.resolve(request, report)
        case .history(let request, let text, let isLast): answers.histories.resolve(request, (text, isLast))
        }
    }

    func receive(_ message: CryptoToControl) {
        switch message {
        case .statistics(let request, let report): answers.statistics.resolve(request, report)
        }
    }

    func receive(_ message: SchedulerToControl) {
        switch message {
        case .states(let request, let states): answers.states.resolve(request, states)
        case .affected(let request, let count): answers.counts.resolve(request, count)
        case .statistics(let request, let report): answers.statistics.resolve(request, report)
        }
    }

    func receive(_ message: ParentToControl, _ socket: consuming OwnedDescriptor?) {
        switch message {
        case .socket:
            guard let socket = socket.take() else { context.fail("the control socket did not come along") }
            listen(on: socket)
        case .reloaded(let request, let errors): answers.reloads.resolve(request, errors)
        case .readers(let group): readersGroup = group
        case .tracing(let request, let failure): answers.traces.resolve(request, failure)
        case .statistics(let request, let report): answers.statistics.resolve(request, report)
        case .closeMetrics: closeMetrics()
        case .metricsSocket:
            guard let socket = socket.take() else { context.fail("a socket for metrics did not come along") }
            serveMetrics(on: socket)
        }
    }
}
