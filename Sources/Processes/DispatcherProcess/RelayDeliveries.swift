import Authentication
import Configuration
import Envelopes
import EventLoop
import Log
import MailSyntax
import Platform
import ProcessMessages
import RoleProcess
import Routing
import SMTPProtocol
import Tables

/// An envelope on its way to another host.
struct RelayTask {
    let envelope: Envelope
    let message: QueuedMessage
    /// The number of the operator's order that made it due.
    let order: UInt64?
}

/// Mail for other hosts: carries out what the ``Router`` decides.
///
/// The router knows ids, hosts and times; here are the envelopes and the sessions that belong to them. Everything
/// that happens is told to the router, and ``carryOut()`` does what it says then.
@EventLoopActor
final class RelayDeliveries {
    unowned let dispatcher: DispatcherProcess
    private var router: Router
    private var tasks: [EnvelopeID: RelayTask] = [:]
    /// Offered while the certificates of the configuration were on their way.
    private var early: [RelayTask] = []
    private var sessions: [ConnectionID: RelaySession] = [:]
    /// Variants of messages, by the domain that their senders are rewritten in the name of.
    var variants: [Domain: UInt32] = [:]
    var nextVariant: UInt32 = 1
    var identities: [CredentialsReference: SASLIdentity] = [:]
    /// Tokens that a server refused, by where they came from.
    var refusedTokens: Set<CredentialsReference> = []
    private var isCarryingOut = false
    private lazy var timer = LoopTimer { [unowned self] in
        tell { $0.tick(now: $1) }
    }

    init(dispatcher: DispatcherProcess) {
        self.dispatcher = dispatcher
        router = Router(settings: RoutingSettings(serverName: ""), seed: .random(in: .min ... .max), now: Self.now())
    }

    var envelopeCount: Int { tasks.count + early.count }
    var sessionCount: Int { sessions.count }
    private var log: Logger { dispatcher.context.log }

    /// How relays stand now.
    func statuses() -> [RelayStatus] { router.relayStatuses(now: Self.now()) }

    private static func now() -> Moment { Moment(milliseconds: MonotonicInstant.now().nanoseconds / 1_000_000) }

    /// Works by a view whose certificates are in force.
    func configure(_ view: DispatcherView) {
        var settings = RoutingSettings(serverName: view.serverName)
        settings.mta = view.mta
        for (name, action) in view.actions {
            if case .relay(let relay) = action.kind { settings.actions[name] = relay }
        }
        for listener in view.listeners {
            settings.ownNames.insert(listener.hostname.lowercased())
            settings.ownAddresses.formUnion(listener.addresses)
        }
        identities = [:]
        tell { $0.reconfigured(settings, now: $1) }
        let waiting = early
        early = []
        offer(waiting)
    }

    /// Takes envelopes of one message.
    func offer(_ offered: [RelayTask]) {
        guard !offered.isEmpty else { return }
        guard !dispatcher.awaitsListeners else { return early += offered }
        for task in offered { tasks[task.envelope.id] = task }
        let offers = offered.map {
            RelayOffer(
                id: $0.envelope.id, action: $0.envelope.action, domain: $0.envelope.destination.domain, variant: variant(of: $0),
                order: $0.order)
        }
        tell { $0.offered(offers, now: $1) }
    }

    /// Nothing new is begun; what is under way goes on to its end.
    func finish() {
        tell { $0.finish(now: $1) }
    }

    /// Waits until no session is left, or the deadline; what is open then is closed.
    func ended(deadline: MonotonicInstant) async {
        while !sessions.isEmpty, MonotonicInstant.now() < deadline { await pause(until: .now() + .milliseconds(10)) }
        for session in sessions.values { session.abandon() }
        sessions = [:]
        timer.cancel()
    }

    // MARK: Operators

    func lines(of list: RoutingList, asJSON: Bool) -> [String] {
        router.lines(of: list, asJSON: asJSON, now: Self.now(), wallClock: wallClockSeconds())
    }

    var counts: RoutingCounts { router.counts }

    func resumeRoute(_ id: UInt64) -> Bool {
        var done = false
        tell { done = $0.resumeRoute(id, now: $1) }
        return done
    }

    func setBlocked(_ source: IPAddress?, _ domain: String?, _ blocked: Bool) -> Bool {
        var done = false
        tell {
            done = blocked
                ? $0.block(source: source, domain: domain, now: $1) : $0.unblock(source: source, domain: domain, now: $1)
        }
        return done
    }

    // MARK: The router

    /// Tells the router something and does what follows.
    private func tell(_ news: (inout Router, Moment) -> Void) {
        news(&router, Self.now())
        carryOut()
    }

    private func carryOut() {
        guard !isCarryingOut else { return }
        isCarryingOut = true
        while true {
            let outputs = router.takeOutputs()
            if outputs.isEmpty { break }
            for output in outputs { carryOut(output) }
        }
        isCarryingOut = false
        guard let deadline = router.nextDeadline() else { return timer.cancel() }
        let wait = max(0, deadline.milliseconds - Self.now().milliseconds)
        timer.schedule(after: .milliseconds(wait))
    }

    private func carryOut(_ output: RoutingOutput) {
        switch output {
        case .ask(let question):
            spawn { [self] in
                let answer = await self.answer(question)
                tell { $0.answered(question, answer, now: $1) }
            }
        case .connect(let order):
            let session = RelaySession(order, identity: order.credentials.flatMap { identities[$0] }, of: self, dispatcher)
            sessions[order.connection] = session
            session.start()
        case .transact(let connection, let ids):
            sessions[connection]?.transact(ids.compactMap { tasks[$0] })
        case .quit(let connection): sessions[connection]?.quit()
        case .abandon(let connection): sessions.removeValue(forKey: connection)?.abandon()
        case .report(let id, let outcome, let connection): report(id, outcome, connection)
        case .hold(let id, let holder):
            tasks[id] = nil
            dispatcher.queue?.send(.hold(id, holder: holder))
        case .release(let holder, let count):
            dispatcher.queue?.send(.release(holder: holder, count: UInt32(clamping: count)))
        case .releaseAll(let holder): dispatcher.queue?.send(.releaseAsFailed(holder: holder))
        case .retry(let ids):
            for start in stride(from: 0, to: ids.count, by: DispatcherToQueue.maximumDrafts) {
                let part = ids[start..<min(start + DispatcherToQueue.maximumDrafts, ids.count)]
                dispatcher.queue?.send(.retry(Array(part)))
            }
        }
    }

    private func report(_ id: EnvelopeID, _ outcome: DeliveryOutcome, _ connection: ConnectionID?) {
        guard let task = tasks.removeValue(forKey: id) else { return }
        let session = connection.flatMap { sessions[$0] }
        logDelivery(task, outcome, session)
        if case .delivered(let text) = outcome {
            dispatcher.counts.delivered(locally: false, after: wallClockSeconds() - task.envelope.created.seconds)
            dispatcher.queue?.send(.relayed(id, text, nextServerReports: session?.capabilities.dsn ?? false))
        } else {
            dispatcher.queue?.send(.outcome(id, outcome))
        }
    }

    private func logDelivery(_ task: RelayTask, _ outcome: DeliveryOutcome, _ session: RelaySession?) {
        let envelope = task.envelope
        let delay = max(0, wallClockSeconds() - envelope.created.seconds)
        log.info(
            "\(session?.id ?? "0000000000000000") mta delivery evpid=\(envelope.id) "
                + "from=<\(task.message.transaction.sender.text)> to=<\(envelope.destination.text)> "
                + "rcpt=<\(envelope.recipient.text)> \(session?.place ?? "source=\"-\" relay=\"-\"") "
                + "delay=\(durationText(delay)) tls=\(session?.protection ?? "-") \(outcome.logFields)")
    }

    // MARK: What sessions say

    func connected(_ connection: ConnectionID) { tell { $0.connected(connection, now: $1) } }

    func ready(_ connection: ConnectionID) { tell { $0.ready(connection, now: $1) } }

    func settled(_ connection: ConnectionID, _ envelope: EnvelopeID, _ settlement: Settlement) {
        tell { $0.settled(connection, envelope, as: settlement, now: $1) }
    }

    func ended(_ session: RelaySession, _ end: ConnectionEnd) {
        let connection = session.order.connection
        guard sessions[connection] === session else { return }
        if case .authenticationFailed = end, let reference = session.order.credentials { refusedTokens.insert(reference) }
        tell { $0.ended(connection, end, now: $1) }
        sessions[connection] = nil
    }

    // MARK: Questions

    private func answer(_ question: RoutingQuestion) async -> RoutingAnswer {
        switch question {
        case .exchangers(let domain): return await exchangers(of: domain)
        case .addresses(let host): return await addresses(of: host)
        case .smarthosts(let table):
            switch await entries(table, .hosts) {
            case .found(let texts): return .smarthosts(texts)
            case .failed(let reason): return .failed(.temporary("Table \(table): \(reason)"))
            }
        case .smarthost(let table, let domain):
            switch await value(domain, table, .hosts) {
            case .found(let text): return .smarthosts([text])
            case .missing: return .failed(.notFound)
            case .failed(let reason): return .failed(.temporary("Table \(table): \(reason)"))
            }
        case .sources(let table):
            switch await entries(table, .sources) {
            case .found(let texts): return .sources(texts.compactMap { SourceAddress($0)?.address })
            case .failed(let reason): return .failed(.temporary("Table \(table): \(reason)"))
            }
        case .credentials(let reference): return await credentials(reference)
        }
    }

    private func exchangers(of name: String) async -> RoutingAnswer {
        guard let domain = try? Domain(validating: Array(name.utf8)) else { return .failed(.invalidName) }
        let request = dispatcher.exchangers.next()
        dispatcher.lookup?.send(.exchangers(request: request, domain: domain))
        switch await dispatcher.exchangers.answer(request) {
        case .exchangers(let found, let isImplicit, _):
            return .exchangers(
                found.map { exchanger in
                    let (addresses, problem) = Self.addresses(exchanger.addresses)
                    return Exchanger(
                        preference: exchanger.preference, host: exchanger.host.text, addresses: addresses, problem: problem)
                }, isImplicit: isImplicit)
        case .acceptsNoMail: return .acceptsNoMail
        case .noSuchDomain: return .failed(.notFound)
        case .invalidName: return .failed(.invalidName)
        case .failed(let reason): return .failed(.temporary(reason))
        case nil: return .failed(.temporary("no answer"))
        }
    }

    private func addresses(of host: String) async -> RoutingAnswer {
        if let address = IPAddress(host.utf8) { return .addresses([address]) }
        guard let domain = try? Domain(validating: Array(host.utf8)) else { return .failed(.invalidName) }
        let request = dispatcher.addresses.next()
        dispatcher.lookup?.send(.addresses(request: request, host: domain))
        guard let verdict = await dispatcher.addresses.answer(request) else { return .failed(.temporary("no answer")) }
        let (addresses, problem) = Self.addresses(verdict)
        return problem.map { .failed($0) } ?? .addresses(addresses)
    }

    private static func addresses(_ verdict: AddressVerdict) -> ([IPAddress], LookupProblem?) {
        switch verdict {
        case .found(let addresses, _): (addresses, nil)
        case .missing(hostExists: true): ([], nil)
        case .missing(hostExists: false): ([], .notFound)
        case .invalidName: ([], .invalidName)
        case .failed(let reason): ([], .temporary(reason))
        }
    }

    private func entries(_ table: String, _ use: RelayTable) async -> RelayEntries {
        let request = dispatcher.relayEntries.next()
        dispatcher.lookup?.send(.relayEntries(request: request, table: table, use))
        return await dispatcher.relayEntries.answer(request) ?? .failed("no answer")
    }

    func value(_ key: String, _ table: String, _ use: RelayTable) async -> RelayValue {
        // No table has such a key, and lookup takes no such message: a label is as long as who wrote the table likes.
        guard key.canBeKey else { return .missing }
        let request = dispatcher.relayValues.next()
        dispatcher.lookup?.send(.relayValue(request: request, table: table, use, key: key))
        return await dispatcher.relayValues.answer(request) ?? .failed("no answer")
    }
}
