import Configuration
import Envelopes
import EventLoop
import Interprocess
import Log
import Platform
import ProcessMessages
import RoleProcess
import Scheduling

/// Knows every envelope's id and times and nothing else: says what is due.
@EventLoopActor
package final class SchedulerProcess: RoleProcess {
    package static let role = Role.scheduler
    package static let privileges = RolePrivileges(user: .daemon, root: .nothing, calls: [])

    let context: RoleContext
    var scheduler = Scheduler(now: monotonicSeconds())
    var queue: Link<SchedulerToQueue, QueueToScheduler>?
    var control: Link<SchedulerToControl, ControlToScheduler>?
    private lazy var timer = LoopTimer { [unowned self] in tick() }
    private var tickIsPlanned = false
    var counts = SchedulerCounts()

    package init(context: RoleContext) {
        self.context = context
    }

    package func configure(_ encoded: [UInt8]) throws(ViewRefused) {
        do throws(DecodingFailure) {
            let view = try SchedulerView(decoding: encoded)
            scheduler.settings.maximumInflight = view.limits.maximumInflight
            scheduler.settings.maximumSchedule = view.limits.maximumSchedule
            scheduler.settings.maximumEnvelopeBatch = view.limits.maximumEnvelopeBatch
            scheduler.settings.maximumMessageBatch = view.limits.maximumMessageBatch
            scheduler.settings.bounceWarnIntervals = view.bounceWarnIntervals
        } catch {
            throw ViewRefused("view of the configuration: \(error)")
        }
    }

    package func connect(_ peer: Role, over descriptor: consuming OwnedDescriptor) {
        switch peer {
        case .queue:
            queue = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .control:
            control = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .parent, .lookup, .scheduler, .dispatcher, .crypto:
            context.fail("\(peer.name) is no peer of the scheduler")
        }
    }

    package func serve() {
        if context.startsPaused.contains(.mda) { _ = scheduler.paused(.local) }
        if context.startsPaused.contains(.mta) { _ = scheduler.paused(.relay) }
    }

    package func shutdown() async {
        timer.cancel()
        queue = nil
    }

    // MARK: What comes in

    func receive(_ message: QueueToScheduler) {
        switch message {
        case .submitted(let envelopes): submitted(envelopes)
        case .recovered(let envelopes): recovered(envelopes)
        case .delivered(let id): delivered(id)
        case .failedTemporarily(let id): failedTemporarily(id)
        case .failedPermanently(let id): failedPermanently(id)
        case .looped(let id): looped(id)
        case .held(let id, let holder): held(id, by: holder)
        case .released(let holder, let count): released(holder, Int(count))
        case .releasedAsFailed(let holder): _ = scheduler.released(holder, .allAsFailed, now: now)
        case .vanished(let id): vanished(id)
        case .due(let ids): scheduler.retryAdvised(ids, now: now)
        }
        planTick()
    }

    func receive(_ message: ControlToScheduler) {
        switch message {
        case .states(let request, let ids): control?.send(.states(request: request, ids.map { state(of: $0) }))
        case .schedule(let request, let selection): scheduleRequested(selection, request)
        case .remove(let request, let selection): removeRequested(selection, request)
        case .suspend(let request, let selection): suspendRequested(selection, request)
        case .resume(let request, let selection): resumeRequested(selection, request)
        case .setPaused(let request, let kind, let paused): setPaused(kind, paused, request)
        case .statistics(let request): control?.send(.statistics(request: request, statistics()))
        }
        planTick()
    }

    // MARK: Time

    /// Whole seconds of the clock that no administrator sets.
    nonisolated static func monotonicSeconds() -> Int64 { MonotonicInstant.now().nanoseconds / 1_000_000_000 }
    var now: Int64 { Self.monotonicSeconds() }

    /// What came in this turn is looked at once, at its end.
    private func planTick() {
        guard !tickIsPlanned else { return }
        tickIsPlanned = true
        afterLoopTurn { [unowned self] in
            tickIsPlanned = false
            tick()
        }
    }

    private func tick() {
        guard let queue else { return }
        let now = now
        for output in scheduler.tick(now: now) {
            context.log.trace(TraceSubjects.scheduler, "\(output)")
            switch output {
            case .deliver(let ids, let order): queue.send(.deliver(ids, order: order))
            case .expire(let id):
                counts.expired += 1
                queue.send(.expire(id))
            case .remove(let id):
                counts.removed += 1
                queue.send(.remove(id))
            case .notifyDelay(let id, let after): queue.send(.notifyDelay(id, after: after))
            }
        }
        guard let deadline = scheduler.nextDeadline(now: now) else { return timer.cancel() }
        // More than one tick hands out: the rest follows in the next turn, after what else has come.
        if deadline <= now { return planTick() }
        // Whole seconds: the deadline has come when the clock shows it.
        timer.schedule(at: MonotonicInstant(nanoseconds: max(deadline, 0) &* 1_000_000_000))
    }
}

private func monotonicSeconds() -> Int64 { SchedulerProcess.monotonicSeconds() }
