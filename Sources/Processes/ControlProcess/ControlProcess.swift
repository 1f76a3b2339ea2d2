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
    var scheduler: Link<ControlToScheduler, SchedulerToControl>?
    var parent: Link<ControlToParent, ParentToControl>?
    var acceptor: Acceptor?
    /// Connections by the uid at their other end.
    var clients: [UInt32: Int] = [:]
    var pausedServices: Set<ControlService> = []
    let startTime = wallClockSeconds()
    var sessionCount: Int64 = 0

    let answers = ControlAnswers()

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
        case .control, .crypto:
            context.fail("\(peer.name) is no peer of control")
        }
    }

    package func serve() throws(ViewRefused) {}

    package func shutdown() async {
        acceptor?.close()
    }

    // MARK: What comes in

    func receive(_ message: DispatcherToControl) {
        switch message {
        case .statistics(let request, let values): answers.statistics.resolve(request, values)
        case .explained(let request, let explanation): answers.explanations.resolve(request, (explanation, []))
        }
    }

    func receive(_ message: LookupToControl) {
        switch message {
        case .tableUpdated(let request, let failure): answers.tableUpdates.resolve(request, failure)
        case .explained(let request, let explanation, let actions):
            answers.explanations.resolve(request, (explanation, actions))
        }
    }

    func receive(_ message: QueueToControl, _ file: consuming OwnedDescriptor?) {
        switch message {
        case .page(let request, let entries): answers.pages.resolve(request, entries)
        case .envelope(let request, let envelope): answers.envelopes.resolve(request, envelope)
        case .body(let request, let body): answers.bodies.resolve(request, ReceivedBody(body: body, file: DescriptorBox(optional: file)))
        case .statistics(let request, let values): answers.statistics.resolve(request, values)
        }
    }

    func receive(_ message: SchedulerToControl) {
        switch message {
        case .states(let request, let states): answers.states.resolve(request, states)
        case .affected(let request, let count): answers.counts.resolve(request, count)
        case .statistics(let request, let values): answers.statistics.resolve(request, values)
        }
    }

    func receive(_ message: ParentToControl, _ socket: consuming OwnedDescriptor?) {
        switch message {
        case .socket:
            guard let socket = socket.take() else { context.fail("the control socket did not come along") }
            listen(on: socket)
        case .reloaded(let request, let errors): answers.reloads.resolve(request, errors)
        }
    }
}

/// Questions of clients that other roles have not answered yet, a table per kind of answer.
@EventLoopActor
final class ControlAnswers {
    let pages = PendingRequests<ListedLines>()
    let envelopes = PendingRequests<ListedEnvelope?>()
    let bodies = PendingRequests<ReceivedBody>()
    let states = PendingRequests<[RunState]>()
    let counts = PendingRequests<UInt64>()
    let statistics = PendingRequests<[Statistic]>()
    let tableUpdates = PendingRequests<String?>()
    let reloads = PendingRequests<[String]>()
    let explanations = PendingRequests<(explanation: Explanation, actions: [String])>()
}

/// A message's bytes, or the file that holds them; nil for an unknown message.
struct ReceivedBody {
    let body: MessageBody?
    let file: DescriptorBox?
}
