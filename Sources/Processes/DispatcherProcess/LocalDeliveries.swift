import AgentMessages
import Configuration
import Envelopes
import EventLoop
import Interprocess
import Platform
import ProcessMessages
import RoleProcess

/// Local delivery: groups of resident agents per user, their limits, and what waits for them.
///
/// A user's files, commands and LMTP servers have an agent group each, so that slow ones of a kind keep nothing of
/// another waiting.
///
/// A user with more work than `mda limit` allows does not stop the others: what is above the high water
/// mark goes back to the scheduler's hold queue and is asked for again when there is room.
@EventLoopActor
final class LocalDeliveries {
    /// Agents of one user that write files: some write while others sync. More would only cut the batches
    /// that share a sync into smaller ones.
    private static let maximumWriters = 4
    /// What commands get to end by themselves when the server stops: most of what it waits for them.
    private static let commandPatience: UInt32 = 3_000
    /// Seconds after which an idle agent is sent away.
    private static let idleSeconds = 30

    private(set) var limits: MDALimits
    private var groups: [GroupKey: AgentGroup] = [:]
    private var agents = 0
    /// Groups with tasks that found no room for an agent, the longest waiting first.
    private var starved: [AgentGroup] = []
    private var nextRequest: UInt64 = 1
    private var nextHolder: UInt64 = 1
    private let makeRequest: RequestMaker
    private let startAgent: @EventLoopActor (AgentIdentity) async -> AgentStart
    private let report: @EventLoopActor (LocalTask, DeliveryOutcome) -> Void
    private let hold: @EventLoopActor (EnvelopeID, _ holder: UInt64) -> Void
    private let release: @EventLoopActor (_ holder: UInt64, _ count: Int) -> Void
    private lazy var reaper = LoopTimer { [unowned self] in dismissIdle() }

    /// Makes what an agent is asked, with the agent's user; throws the failure of the delivery when that cannot be.
    typealias RequestMaker = @EventLoopActor (UInt64, LocalTask, UserEntry) throws(DeliveryFailure) -> DeliveryRequest

    var agentCount: Int { agents }
    var userCount: Int { Set(groups.keys.map(\.identity)).count }
    /// Envelopes that wait for an agent.
    var waitingCount: Int { groups.values.reduce(0) { $0 + $1.waiting.count } }
    var envelopeCount: Int {
        groups.values.reduce(0) { $0 + $1.waiting.count + $1.agents.reduce(0) { $0 + $1.outstanding.count } }
    }

    init(
        limits: MDALimits, makeRequest: @escaping RequestMaker,
        startAgent: @escaping @EventLoopActor (AgentIdentity) async -> AgentStart,
        report: @escaping @EventLoopActor (LocalTask, DeliveryOutcome) -> Void,
        hold: @escaping @EventLoopActor (EnvelopeID, UInt64) -> Void,
        release: @escaping @EventLoopActor (UInt64, Int) -> Void
    ) {
        self.limits = limits
        self.makeRequest = makeRequest
        self.startAgent = startAgent
        self.report = report
        self.hold = hold
        self.release = release
    }

    func setLimits(_ limits: MDALimits) { self.limits = limits }

    /// Takes a task: sends it, lets it wait, or puts it on hold.
    func submit(_ task: LocalTask) {
        let group = group(of: GroupKey(identity: task.identity, use: task.use))
        group.expected = max(0, group.expected - 1)
        if group.waiting.count >= limits.taskHighWater {
            group.held += 1
            hold(task.envelope.id, group.holder)
            return
        }
        group.waiting.append(task)
        advance(group)
    }

    private func group(of key: GroupKey) -> AgentGroup {
        if let group = groups[key] { return group }
        let group = AgentGroup(identity: key.identity, holder: nextHolder)
        nextHolder += 1
        groups[key] = group
        return group
    }

    /// Sends what can be sent, and sees to it that there are agents for the rest.
    private func advance(_ group: AgentGroup) {
        while mayProceed(group), let task = group.waiting.first {
            guard let agent = group.agents.first(where: { $0.hasRoom(exclusive: task.use.isExclusive) }) else { break }
            group.waiting.removeFirst()
            group.turn -= 1
            send(task, to: agent)
        }
        if group.held > 0, group.waiting.count + group.expected <= limits.taskLowWater {
            let count = min(group.held, limits.taskRelease)
            group.held -= count
            group.expected += count
            release(group.holder, count)
        }
        guard !group.waiting.isEmpty else { return }
        if mayProceed(group) { addAgent(to: group) } else { awaitRoom(group) }
    }

    /// While others wait for room, nobody has more than a turn: agents run dry, and their room goes round.
    private func mayProceed(_ group: AgentGroup) -> Bool { starved.isEmpty || group.turn > 0 }

    private func awaitRoom(_ group: AgentGroup) {
        if !starved.contains(where: { $0 === group }) { starved.append(group) }
    }

    private func send(_ task: LocalTask, to agent: DeliveryAgent) {
        let id = nextRequest
        nextRequest += 1
        do throws(DeliveryFailure) {
            agent.send(try makeRequest(id, task, agent.user), for: task)
        } catch {
            report(task, error.status.hasPrefix("4") ? .temporary(error) : .permanent(error))
        }
    }

    private func addAgent(to group: AgentGroup) {
        let wanted = group.waiting.contains { $0.use.isExclusive } ? limits.maximumSessionsPerUser : Self.maximumWriters
        guard !group.isStarting, group.agents.count < max(1, min(wanted, limits.maximumSessionsPerUser)) else { return }
        guard agents < max(1, limits.maximumSessions) || dismissIdlest() else { return awaitRoom(group) }
        group.isStarting = true
        agents += 1
        spawn { [self] in
            let start = await startAgent(group.identity)
            group.isStarting = false
            switch start {
            case .started(let user, let socket):
                guard let socket = socket.take() else { return }
                group.agents.append(
                    DeliveryAgent(
                        user: user, socket: socket,
                        answered: { [unowned self] task, outcome in
                            report(task, outcome)
                            advance(group)
                            feedStarved()
                        },
                        left: { [unowned self] agent, unanswered in agentLeft(agent, of: group, unanswered) }))
                if !reaper.isScheduled { reaper.schedule(after: .seconds(Self.idleSeconds)) }
                advance(group)
            case .refused(let failure, let isPermanent):
                agents -= 1
                let tasks = group.waiting
                group.waiting = []
                for task in tasks { report(task, isPermanent ? .permanent(failure) : .temporary(failure)) }
                advance(group)
                feedStarved()
            }
        }
    }

    private func agentLeft(_ agent: DeliveryAgent, of group: AgentGroup, _ unanswered: [LocalTask]) {
        group.agents.removeAll { $0 === agent }
        agents -= 1
        for task in unanswered {
            report(task, .temporary(DeliveryFailure(status: "4.3.0", text: "delivery agent ended unexpectedly")))
        }
        advance(group)
        feedStarved()
    }

    /// Waits until agents have answered for everything they have, or the deadline; what they have not
    /// answered stays in the queue.
    func finish(deadline: MonotonicInstant) async {
        for group in groups.values {
            group.waiting = []
            for agent in group.agents { agent.endCommands(withinMilliseconds: Self.commandPatience) }
        }
        while envelopeCount > 0, MonotonicInstant.now() < deadline { await pause(until: .now() + .milliseconds(10)) }
        for group in groups.values { for agent in group.agents { agent.dismiss() } }
    }

    /// An agent may have become idle or gone: its room goes to who has waited longest.
    private func feedStarved() {
        while !starved.isEmpty, agents < max(1, limits.maximumSessions) || hasIdleAgent {
            let group = starved.removeFirst()
            group.turn = DeliveryAgent.capacity
            advance(group)
        }
    }

    private var hasIdleAgent: Bool {
        groups.values.contains { $0.agents.contains { $0.outstanding.isEmpty } }
    }

    // MARK: Idle agents

    private func dismissIdle() {
        let limit = MonotonicInstant.now() + .seconds(-Self.idleSeconds)
        for (key, group) in groups {
            for agent in group.agents where agent.outstanding.isEmpty && agent.idleSince < limit {
                dismiss(agent, of: group)
            }
            if group.agents.isEmpty, group.waiting.isEmpty, group.held == 0, !group.isStarting { groups[key] = nil }
        }
        if agents > 0 { reaper.schedule(after: .seconds(Self.idleSeconds)) }
        feedStarved()
    }

    /// Makes room for another user's agent; false when all are busy.
    private func dismissIdlest() -> Bool {
        let idle = groups.values.flatMap { group in
            group.agents.filter { $0.outstanding.isEmpty }.map { (agent: $0, group: group) }
        }
        guard let choice = idle.min(by: { $0.agent.idleSince < $1.agent.idleSince }) else { return false }
        dismiss(choice.agent, of: choice.group)
        return true
    }

    private func dismiss(_ agent: DeliveryAgent, of group: AgentGroup) {
        agent.dismiss()
        group.agents.removeAll { $0 === agent }
        agents -= 1
    }
}

/// Whose agents, and for what.
private struct GroupKey: Hashable {
    let identity: AgentIdentity
    let use: LocalTask.Use
}

/// The agents of one user for one use, and the tasks that wait for them.
@EventLoopActor
private final class AgentGroup {
    let identity: AgentIdentity
    /// Its name towards the scheduler's hold queues.
    let holder: UInt64
    var agents: [DeliveryAgent] = []
    var waiting: [LocalTask] = []
    var held = 0
    /// Released from hold and not back yet.
    var expected = 0
    var isStarting = false
    /// Tasks it may still send while other groups wait for room.
    var turn = DeliveryAgent.capacity

    init(identity: AgentIdentity, holder: UInt64) {
        self.identity = identity
        self.holder = holder
    }
}

/// The parent's answer to a wish for an agent.
enum AgentStart {
    case started(UserEntry, DescriptorBox)
    case refused(DeliveryFailure, isPermanent: Bool)
}
