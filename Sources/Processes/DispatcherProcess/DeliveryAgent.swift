import AgentMessages
import Envelopes
import EventLoop
import Interprocess
import Platform
import ProcessMessages

/// One resident agent: a process that runs as a user and delivers what it is sent.
@EventLoopActor
final class DeliveryAgent {
    /// Deliveries an agent has in hand at most; it makes them durable together.
    static let capacity = 64

    let user: UserEntry
    private var link: Link<DispatcherToAgent, AgentToDispatcher>?
    /// What it has been sent and not answered.
    private(set) var outstanding: [UInt64: LocalTask] = [:]
    /// Runs a command or talks to a server: nothing else until that is over.
    private(set) var isExclusive = false
    private(set) var idleSince = MonotonicInstant.now()
    private(set) var isGone = false

    private let answered: @EventLoopActor (LocalTask, DeliveryOutcome) -> Void
    private let left: @EventLoopActor (DeliveryAgent, [LocalTask]) -> Void

    /// - Parameters:
    ///   - answered: Gets every result.
    ///   - left: The agent is gone; gets what it had not answered.
    init(
        user: UserEntry, socket: consuming OwnedDescriptor,
        answered: @escaping @EventLoopActor (LocalTask, DeliveryOutcome) -> Void,
        left: @escaping @EventLoopActor (DeliveryAgent, [LocalTask]) -> Void
    ) {
        self.user = user
        self.answered = answered
        self.left = left
        link = Link(
            adopting: socket, name: "agent of \(user.name)", maximumFrame: AgentFrame.maximumLength,
            receive: { [unowned self] message, _ in receive(message) },
            closed: { [unowned self] _ in goneAway() })
    }

    /// Whether a task of that kind can be sent now.
    func hasRoom(exclusive: Bool) -> Bool {
        if isGone || isExclusive { return false }
        return exclusive ? outstanding.isEmpty : outstanding.count < Self.capacity
    }

    func send(_ request: DeliveryRequest, for task: LocalTask) {
        outstanding[request.id] = task
        isExclusive = task.use.isExclusive
        if case .file(let file) = task.message.body, let copy = try? file.descriptor.duplicate() {
            link?.send(.deliver(request), descriptor: copy)
        } else {
            link?.send(.deliver(request))
        }
    }

    /// Has commands ended that do not end by themselves in this time.
    func endCommands(withinMilliseconds milliseconds: UInt32) {
        link?.send(.endCommands(withinMilliseconds: milliseconds))
    }

    /// Closes the socket; the agent leaves when it has finished.
    func dismiss() {
        isGone = true
        link?.close()
        link = nil
    }

    private func receive(_ message: AgentToDispatcher) {
        switch message {
        case .outcomes(let outcomes):
            for result in outcomes {
                // An answer to no question is the user's doing, and nothing but his own mail is in reach.
                guard let task = outstanding.removeValue(forKey: result.request) else { continue }
                if outstanding.isEmpty {
                    isExclusive = false
                    idleSince = .now()
                }
                answered(task, result.outcome)
            }
        }
    }

    private func goneAway() {
        guard !isGone else { return }
        dismiss()
        let tasks = Array(outstanding.values)
        outstanding = [:]
        left(self, tasks)
    }
}
