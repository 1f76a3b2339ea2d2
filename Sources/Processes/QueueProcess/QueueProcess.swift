import Configuration
import Envelopes
import EventLoop
import Interprocess
import Log
import Platform
import ProcessMessages
import QueueCompression
import QueueStorage
import RoleProcess
import Scheduling

/// The only writer of the spool: takes messages, makes them durable, hands them out, records outcomes.
@EventLoopActor
package final class QueueProcess: RoleProcess {
    package static let role = Role.queue
    package static let privileges = RolePrivileges(user: .queue, root: .spool, calls: .files)

    let context: RoleContext
    private var currentView: QueueView?
    private var openedStore: LogStore?
    /// The keys of the queue, as the parent gave them.
    var ciphers: [QueueKeyUse: any PayloadCipher] = [:]
    /// Messages are there that were kept with another key than the present one.
    var hasOtherKeys = false
    /// Made once, since reading needs it whether or not anything more is compressed.
    let compressor = QueueCompression.compressor()
    var dispatcher: Link<QueueToDispatcher, DispatcherToQueue>?
    var lookup: Link<QueueToLookup, LookupToQueue>?
    var scheduler: Link<QueueToScheduler, SchedulerToQueue>?
    var control: Link<QueueToControl, ControlToQueue>?
    /// Messages being received, by the dispatcher's transfer number.
    var incoming: [UInt64: IncomingMessage] = [:]
    /// Messages whose commit waits for the next flush.
    var committing: [MessageID: CommittingMessage] = [:]
    /// Expansions of report addresses under way.
    let expansions = PendingRequests<ExpansionVerdict>()
    var flushIsPlanned = false
    /// What has become of messages; nil when none is kept.
    var history: HistoryLog?
    /// The last attempt to write or read it failed.
    var historyFails = false
    private(set) lazy var historyTimer = LoopTimer { [unowned self] in writeHistory() }
    /// Clients on their way through it, by the request that began.
    var readings: [UInt64: HistoryReading] = [:]
    private(set) lazy var outcomeTimer = LoopTimer { [unowned self] in flush() }
    /// Work on the spool that nobody waits for.
    private(set) lazy var upkeepTimer = LoopTimer { [unowned self] in upkeep() }
    private var spoolUpkeep = SpoolUpkeep()
    /// Messages committed when freed memory was last given back.
    private var committedAtReturn = 0
    /// Bodies in the dispatcher's hands.
    var window = DeliveryWindow()
    /// Envelopes that came while those from before the start are still being announced; nil afterwards.
    var arrivedMeanwhile: Set<EnvelopeID>? = []
    /// How long messages wait for the disk.
    var flushTimes = Histogram.moments("queue.flush.time")
    /// Reports to senders since the start.
    var reportCounts = ReportCounts()
    /// Envelopes older than this were queued before this process began.
    let startTime = Timestamp(seconds: wallClockSeconds() + 1)

    package init(context: RoleContext) {
        self.context = context
    }

    var view: QueueView {
        guard let currentView else { context.fail("asked before it was configured") }
        return currentView
    }

    var store: LogStore {
        guard let openedStore else { context.fail("asked before the spool was opened") }
        return openedStore
    }

    package func configure(_ encoded: [UInt8]) throws(ViewRefused) {
        do throws(DecodingFailure) {
            currentView = try QueueView(decoding: encoded)
        } catch {
            throw ViewRefused("view of the configuration: \(error)")
        }
        guard let openedStore else { return }
        wrapAnew(openedStore)
        openHistory()
    }

    package func connect(_ peer: Role, over descriptor: consuming OwnedDescriptor) {
        switch peer {
        case .dispatcher:
            dispatcher = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .lookup:
            lookup = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .scheduler:
            scheduler = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .control:
            control = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .parent, .queue, .crypto:
            context.fail("\(peer.name) is no peer of the queue")
        }
    }

    package func serve() throws(ViewRefused) {
        do throws(StoreError) {
            openedStore = try LogStore.begin(
                device: try spoolDevice(), wrapping: wrapping, random: { .random(in: .min ... .max) })
        } catch {
            throw ViewRefused("spool: \(error)")
        }
    }

    package func recover() throws(ViewRefused) {
        do throws(StoreError) {
            for warning in try store.recover() { context.log.warning("spool: \(warning)") }
        } catch {
            throw ViewRefused("spool: \(error)")
        }
        noteOtherKeys(in: store)
        openHistory()
        // The parent hears first that the spool is open.
        afterLoopTurn { spawn { [self] in await announceRecovered() } }
        planUpkeep()
    }

    private func spoolDevice() throws(StoreError) -> UnixStorageDevice {
        do throws(SystemError) {
            return try UnixStorageDevice(context.queueDirectory)
        } catch {
            throw .system(error)
        }
    }

    /// Octets on their way to the scheduler above which the announcement waits.
    private static let maximumUnsent = 1 << 20

    /// Tells the scheduler of everything that was queued before, as fast as it listens.
    private func announceRecovered() async {
        var after: EnvelopeID?
        while true {
            let page = store.page(after: after, limit: QueueToScheduler.maximumAnnounced)
            guard let last = page.last else { break }
            after = last.id
            let known = page.filter { arrivedMeanwhile?.contains($0.id) != true }
            scheduler?.send(.recovered(known.map(ScheduledEnvelope.init)))
            await scheduler?.drained(below: Self.maximumUnsent)
        }
        arrivedMeanwhile = nil
        // Reading the spool has taken much more than what is left of it.
        ThisProcess.returnFreedMemory()
    }

    // MARK: Upkeep

    /// Something was written; there may be work.
    func planUpkeep() {
        guard !upkeepTimer.isScheduled else { return }
        upkeepTimer.schedule(after: SpoolUpkeep.delay)
    }

    private func upkeep() {
        let next = spoolUpkeep.step(store)
        // Moved messages are written like outcomes: with the next commit, or a moment later.
        if store.needsFlush { planOutcomeFlush() }
        guard let next else {
            noteEndOfOtherKeys(in: store)
            return returnMemory()
        }
        upkeepTimer.schedule(after: next)
    }

    /// Messages after which it is worth looking for memory that a burst has left behind.
    private static let burst = 1_000

    private func returnMemory() {
        let commits = store.statistics.commits
        guard commits - committedAtReturn >= Self.burst else { return }
        committedAtReturn = commits
        ThisProcess.returnFreedMemory()
    }

    package func shutdown() async {
        for transfer in incoming.keys { rollback(transfer) }
        flush()
        writeHistory()
        _ = store.close()
    }

    // MARK: What comes in

    func receive(_ message: DispatcherToQueue) {
        switch message {
        case .begin(let transfer): begin(transfer)
        case .body(let transfer, let bytes): append(bytes, to: transfer)
        case .envelopes(let transfer, let drafts): add(drafts, to: transfer)
        case .commit(let transfer, let transaction): commit(transfer, transaction)
        case .rollback(let transfer): rollback(transfer)
        case .outcome(let id, let outcome):
            attempted(id, outcome)
            returned(id)
        case .relayed(let id, let text, let nextServerReports):
            relayed(id, text, nextServerReports: nextServerReports)
            returned(id)
        case .hold(let id, let holder):
            scheduler?.send(.held(id, holder: holder))
            returned(id)
        case .release(let holder, let count): scheduler?.send(.released(holder: holder, count: count))
        case .releaseAsFailed(let holder): scheduler?.send(.releasedAsFailed(holder: holder))
        case .retry(let ids): scheduler?.send(.due(ids))
        case .quarantine(let transfer): quarantine(transfer)
        case .nameEnvelopes(let transfer): nameEnvelopes(transfer)
        case .scratch(let request): lendScratch(request)
        }
    }

    func receive(_ message: SchedulerToQueue) {
        switch message {
        case .deliver(let ids, let order):
            window.add(ids, order: order)
            deliverWaiting()
        case .expire(let id): expire(id)
        case .remove(let id): remove(id)
        case .notifyDelay(let id, let after): notifyDelay(id, after: after)
        case .suspended(let id, let isSuspended): setSuspended(id, isSuspended)
        }
    }

    func receive(_ message: LookupToQueue) {
        switch message {
        case .expanded(let request, let verdict): expansions.resolve(request, verdict)
        }
    }

    func receive(_ message: ControlToQueue) {
        switch message {
        case .page(let request, let after, let filter, let limit):
            let (lines, next) = page(after: after, filter, limit: Int(limit))
            control?.send(.page(request: request, lines, next: next))
        case .select(let request, let after, let filter):
            let (ids, next) = select(after: after, filter)
            control?.send(.selected(request: request, ids, next: next))
        case .envelope(let request, let id):
            control?.send(.envelope(request: request, listed(id)))
        case .body(let request, let id): sendBody(of: id, answering: request)
        case .statistics(let request):
            control?.send(.statistics(request: request, statistics()))
        case .readHistory(let request, let filter, let asJSON): readHistory(filter, asJSON: asJSON, answering: request)
        case .goOn(let request, let reading): goOn(reading, answering: request)
        case .endReading(let reading): readings[reading] = nil
        }
    }
}

extension ScheduledEnvelope {
    init(_ facts: EnvelopeFacts) {
        let kind: DeliveryKind =
            switch facts.kind {
            case .local: .local
            case .relay: .relay
            case .bounce: .bounce
            }
        self.init(
            id: facts.id, kind: kind, created: facts.created, timeToLive: facts.timeToLive, attempts: facts.attempts,
            lastAttempt: facts.lastAttempt, lastNotice: facts.lastNotice, isSuspended: facts.isSuspended)
    }
}
