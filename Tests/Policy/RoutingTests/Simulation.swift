import Configuration
import Envelopes
import MailSyntax
import Scheduling
import SeededTesting

@testable import Routing

/// Weeks of mail in virtual time: the router, the scheduler, and a world of hosts that behave well or not.
///
/// Everything follows from the seed. What must always hold is checked at each step, and written to `faults`.
struct Simulation {
    struct Size {
        var domains: Int
        var messages: Int
        /// Days during which messages arrive.
        var days: Int64
    }

    private enum Event {
        case submit
        /// An operator has all tried now.
        case order
        case answer(RoutingQuestion, RoutingAnswer)
        case connected(ConnectionID)
        case ready(ConnectionID)
        case settle(ConnectionID, EnvelopeID, Settlement)
        case end(ConnectionID, ConnectionEnd)
    }

    private struct Line {
        var moment: Moment
        var number: UInt64
        var event: Event
        func precedes(_ other: Line) -> Bool { moment != other.moment ? moment < other.moment : number < other.number }
    }

    struct Letter {
        let domain: Int
        let submitted: Moment
        /// Copies that hosts took.
        var copies = 0
        /// Copies taken by a host that broke off before it said so.
        var doubts = 0
        /// When a host had it first.
        var arrival: Moment?
        var end: End?
        enum End { case delivered, failed, expired }
    }

    private struct Session {
        let order: ConnectionOrder
        var mails = 0
        var isBusy = false
    }

    private(set) var router: Router
    private(set) var scheduler: Scheduler
    private(set) var letters: [EnvelopeID: Letter] = [:]
    private(set) var faults: [String] = []
    private(set) var steps = 0
    /// The most connections that one host of strangers ever had.
    private(set) var peak = 0
    private(set) var now = Moment(milliseconds: 0)
    private var scripts: Scripts
    private var hosts: [IPAddress: SimulatedHost] = [:]
    private var sessions: [ConnectionID: Session] = [:]
    private var perDomain: [String: Int] = [:]
    private var plainAfter: Set<IPAddress> = []
    private var heap: [Line] = []
    private var sequence: UInt64 = 0
    private let size: Size
    private let domains: [Domain]
    private let exchangers: [[Exchanger]]
    private var submitted = 0
    private var nextMessage: UInt32 = 1
    private let limits: MTALimits

    static let smarthosts = 4

    init(_ size: Size, seed: UInt64, limits: MTALimits = MTALimits()) {
        self.size = size
        self.limits = limits
        var scripts = Scripts(random: SplitMix64(seed: seed))
        var settings = RoutingSettings(serverName: "mx.here.example")
        settings.mta.limits = limits
        settings.actions["out"] = RelayAction()
        settings.actions["home"] = smarthost("hosts")
        router = Router(settings: settings, seed: seed, now: now)
        scheduler = Scheduler(now: 0)

        let total = size.domains * 2 + Self.smarthosts
        for number in 0..<total {
            // Most of the world is well.
            let character = scripts.chance(40) ? .good : SimulatedHost.Character.allCases.randomElement(using: &scripts.random)!
            let revival = scripts.chance(50) ? Moment(milliseconds: Int64(scripts.random.next(below: 7 * 86_400)) * 1_000) : nil
            hosts[Self.address(number)] = SimulatedHost(
                character: number < Self.smarthosts ? [.good, .crowded, .dead, .lying][number] : character,
                revival: number < Self.smarthosts ? Moment(milliseconds: 86_400_000) : revival)
        }
        var names: [Domain] = []
        var plans: [[Exchanger]] = []
        for number in 0..<size.domains {
            // The text is a host name.
            names.append(try! Domain(validating: Array("d\(number).example".utf8)))
            let count = 1 + scripts.random.next(below: 3)
            plans.append(
                (0..<count).map { place in
                    // One in three is at one of a few big providers.
                    let host =
                        Self.smarthosts
                        + (scripts.chance(33) ? scripts.random.next(below: 10) : scripts.random.next(below: total - Self.smarthosts))
                    return Exchanger(preference: UInt16(place / 2 * 10), host: "h\(host).example", addresses: [Self.address(host)])
                })
        }
        domains = names
        exchangers = plans
        self.scripts = scripts
        for _ in 0..<size.messages {
            at(Moment(milliseconds: Int64(self.scripts.random.next(below: Int(size.days) * 86_400_000))), .submit)
        }
        // A small world is left alone: what has waited long comes in bursts there, and these reach the limits.
        guard size.domains > 1_000 else { return }
        for day in stride(from: 3, to: size.days, by: 3) { at(Moment(milliseconds: day * 86_400_000), .order) }
    }

    private static func address(_ number: Int) -> IPAddress { .v4(0x0A00_0000 + UInt32(number) + 1) }

    /// The hosts of a domain are all of one kind.
    func isAll(_ character: SimulatedHost.Character, _ domain: Int) -> Bool {
        domain < 0
            ? false : exchangers[domain].allSatisfy { hosts[$0.addresses[0]]?.character == character }
    }

    var hasEnded: Bool { heap.isEmpty && scheduler.count == 0 && submitted == size.messages }

    // MARK: The clock

    /// Lets everything happen until nothing is left, or the time is over.
    mutating func run(days: Int64) { run(hours: days * 24) }

    mutating func run(hours: Int64) {
        let end = Moment(milliseconds: hours * 3_600_000)
        while faults.count < 20 {
            var next = heap.first?.moment
            if let deadline = router.nextDeadline() { next = min(next ?? deadline, deadline) }
            if let due = scheduler.nextDeadline(now: seconds) {
                let moment = Moment(milliseconds: due * 1_000)
                next = min(next ?? moment, moment)
            }
            guard let next, next <= end else { break }
            now = max(now, next)
            step()
        }
        now = max(now, end)
    }

    private var seconds: Int64 { now.milliseconds / 1_000 }

    private mutating func step() {
        steps += 1
        while let first = heap.first, first.moment <= now {
            pop()
            happen(first.event)
        }
        while let deadline = router.nextDeadline(), deadline <= now {
            router.tick(now: now)
            carryOut()
        }
        while let due = scheduler.nextDeadline(now: seconds), due <= seconds {
            let outputs = scheduler.tick(now: seconds)
            if outputs.isEmpty { break }
            for output in outputs { carryOut(output) }
        }
    }

    private mutating func at(_ moment: Moment, _ event: Event) {
        sequence += 1
        heap.append(Line(moment: moment, number: sequence, event: event))
        var position = heap.count - 1
        while position > 0, heap[position].precedes(heap[(position - 1) / 2]) {
            heap.swapAt(position, (position - 1) / 2)
            position = (position - 1) / 2
        }
    }

    private mutating func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var position = 0
        while true {
            var child = 2 * position + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[position]) else { return }
            heap.swapAt(position, child)
            position = child
        }
    }

    private mutating func soon(_ milliseconds: Int64, _ event: Event) { at(now.advanced(byMilliseconds: milliseconds), event) }

    private mutating func fault(_ text: String) { faults.append("\(now.milliseconds): \(text)") }

    // MARK: What happens

    private mutating func happen(_ event: Event) {
        switch event {
        case .submit: submit()
        case .order: _ = scheduler.scheduleRequested(.all, now: seconds)
        case .answer(let question, let answer): router.answered(question, answer, now: now)
        case .connected(let id):
            guard sessions[id] != nil else { return }
            router.connected(id, now: now)
        case .ready(let id):
            guard sessions[id] != nil else { return }
            sessions[id]?.isBusy = false
            router.ready(id, now: now)
        case .settle(let id, let envelope, let settlement):
            guard sessions[id] != nil else { return }
            router.settled(id, envelope, as: settlement, now: now)
        case .end(let id, let end):
            guard close(id) else { return }
            router.ended(id, end, now: now)
        }
        carryOut()
    }

    private mutating func submit() {
        submitted += 1
        // Now and then somebody writes many letters to one domain.
        if scripts.chance(1) {
            let domain = scripts.random.next(below: domains.count)
            for _ in 0..<60 { submit(recipients: 1) { _, _ in domain } }
        }
        // A few messages are for very many.
        let recipients = scripts.chance(1) ? 150 : 1 + scripts.random.next(below: 3)
        let isForHome = scripts.chance(20)
        submit(recipients: recipients) { simulation, first in
            if isForHome { return -1 }
            if let first, simulation.scripts.chance(50) { return first }
            return simulation.scripts.random.next(below: simulation.domains.count)
        }
    }

    /// One message. The domain of each recipient is chosen, given that of the first.
    private mutating func submit(recipients: Int, choosing domain: (inout Simulation, Int?) -> Int) {
        let message = nextMessage
        nextMessage += 1
        var first: Int?
        for number in 0..<UInt32(recipients) {
            let id = envelope(number + 1, of: message)
            let chosen = domain(&self, first)
            first = first ?? chosen
            letters[id] = Letter(domain: chosen, submitted: now)
            do {
                try scheduler.submitted(id, kind: .relay, timeToLive: 4 * 86_400, now: seconds)
            } catch { fault("\(error)") }
        }
    }

    private mutating func carryOut(_ output: SchedulerOutput) {
        switch output {
        case .deliver(let ids, let order):
            var offers: [RelayOffer] = []
            for id in ids {
                guard let letter = letters[id], letter.end == nil else { fault("\(id) is tried after its end"); continue }
                offers.append(
                    RelayOffer(
                        id: id, action: letter.domain < 0 ? "home" : "out", domain: letter.domain < 0 ? domains[0] : domains[letter.domain],
                        order: order))
            }
            router.offered(offers, now: now)
            carryOut()
        case .expire(let id): finish(id, .expired)
        case .remove(let id): fault("\(id) removed")
        case .notifyDelay: break
        }
    }

    private mutating func finish(_ id: EnvelopeID, _ end: Letter.End) {
        if letters[id] == nil || letters[id]?.end != nil { fault("\(id) ends twice") }
        letters[id]?.end = end
        if end == .delivered, letters[id]?.copies == 0 { fault("\(id) counts as delivered, and nobody has it") }
    }

    private mutating func carryOut() {
        while true {
            let outputs = router.takeOutputs()
            if outputs.isEmpty { return }
            for output in outputs { carryOut(output) }
        }
    }

    private mutating func carryOut(_ output: RoutingOutput) {
        switch output {
        case .ask(let question): soon(Int64(1 + scripts.random.next(below: 400)), .answer(question, answer(question)))
        case .connect(let order): connect(order)
        case .transact(let id, let envelopes): transact(id, envelopes)
        case .quit(let id): soon(20, .end(id, .quit))
        case .abandon(let id): if !close(id) { fault("an unknown connection is abandoned") }
        case .report(let id, let outcome, _): report(id, outcome)
        case .hold(let id, let holder): attempt { try $0.held(id, holder: holder, now: $1) }
        case .release(let holder, let count): scheduler.released(holder, .first(count), now: seconds)
        case .releaseAll(let holder): scheduler.released(holder, .allAsFailed, now: seconds)
        case .retry(let ids): scheduler.retryAdvised(ids, now: seconds)
        }
    }

    private mutating func attempt(_ change: (inout Scheduler, Int64) throws -> Void) {
        do { try change(&scheduler, seconds) } catch { fault("\(error)") }
    }

    private mutating func report(_ id: EnvelopeID, _ outcome: DeliveryOutcome) {
        switch outcome {
        case .delivered:
            attempt { scheduler, _ in try scheduler.delivered(id) }
            finish(id, .delivered)
        case .permanent, .loop:
            attempt { scheduler, _ in try scheduler.failedPermanently(id) }
            finish(id, .failed)
        case .temporary: attempt { _ = try $0.failedTemporarily(id, now: $1) }
        }
    }

    private mutating func answer(_ question: RoutingQuestion) -> RoutingAnswer {
        switch question {
        case .exchangers(let name):
            if scripts.chance(2) { return .failed(.temporary("servers are silent")) }
            guard let number = Int(name.dropFirst().prefix { $0 != "." }) else { return .failed(.notFound) }
            if number % 97 == 5 { return .failed(.notFound) }
            if number % 97 == 6 { return .acceptsNoMail }
            return .exchangers(exchangers[number], isImplicit: false)
        case .smarthosts: return .smarthosts((0..<Self.smarthosts).map { "smtp://10.0.0.\($0 + 1)" })
        case .addresses, .smarthost, .sources, .credentials:
            fault("nobody has to ask \(question)")
            return .failed(.notFound)
        }
    }
}

// MARK: Hosts

extension Simulation {
    /// Counts a connection, checks the limits, and lets the host react.
    private mutating func connect(_ order: ConnectionOrder) {
        guard var host = hosts[order.address] else { return fault("no host has \(order.address)") }
        let name = order.relay.destination.name
        let isSmarthost = order.relay.destination.isSmarthost
        sessions[order.connection] = Session(order: order)
        host.connections += 1
        perDomain[name, default: 0] += 1
        let limits = isSmarthost ? MTALimits.forSmarthosts : limits
        if !isSmarthost { peak = max(peak, host.connections) }
        if host.connections > limits.connectionsPerRoute { fault("\(host.connections) connections of one route") }
        if host.connections > limits.connectionsPerHost { fault("\(host.connections) connections to one host") }
        if perDomain[name, default: 0] > min(limits.connectionsPerDomain, limits.connectionsPerRelay) { fault("too many connections for \(name)") }
        if sessions.count > limits.connectionsPerSource { fault("\(sessions.count) connections of one source") }
        if let last = host.lastConnection, order.security != .never,
            now < last.advanced(bySeconds: Int64(limits.connectionDelayRoute))
        {
            fault("two connections of one route within \(now.milliseconds - last.milliseconds) ms")
        }
        host.lastConnection = now
        hosts[order.address] = host

        let id = order.connection
        if host.isDead(now) {
            let isSilent = scripts.chance(50)
            return soon(isSilent ? 30_000 : 30, .end(id, .unreachable(isSilent ? "timed out" : "refused")))
        }
        var delay = scripts.delay(host) / 2
        soon(delay, .connected(id))
        delay += scripts.delay(host)
        if host.character == .lying, scripts.chance(30) { return soon(delay, .end(id, .broken("closed at the greeting"))) }
        if host.character == .crowded, host.connections > 3 { return soon(delay, .end(id, .refused("421 too many"))) }
        if host.character == .insecure, order.security == .opportunistic { return soon(delay, .end(id, .tlsFailed("no handshake"))) }
        soon(delay, .ready(id))
    }

    /// The connection is gone; false when it was already.
    private mutating func close(_ id: ConnectionID) -> Bool {
        guard let session = sessions.removeValue(forKey: id) else { return false }
        hosts[session.order.address]?.connections -= 1
        perDomain[session.order.relay.destination.name]? -= 1
        return true
    }

    private mutating func take(_ id: EnvelopeID, isCertain: Bool) {
        letters[id]?.copies += 1
        if letters[id]?.arrival == nil { letters[id]?.arrival = now }
        if !isCertain { letters[id]?.doubts += 1 }
        guard let letter = letters[id] else { return fault("\(id) was never submitted") }
        if letter.copies > 1 + letter.doubts { fault("\(id) delivered \(letter.copies) times, with \(letter.doubts) doubts") }
    }

    /// One transaction, as the host likes it.
    private mutating func transact(_ id: ConnectionID, _ envelopes: [EnvelopeID]) {
        guard let session = sessions[id], let host = hosts[session.order.address] else { return fault("a transaction of no session") }
        if session.isBusy { fault("two transactions of one session at a time") }
        if Set(envelopes.map(\.message)).count != 1 || Set(envelopes).count != envelopes.count { fault("a transaction is of one message") }
        let isSmarthost = session.order.relay.destination.isSmarthost
        if envelopes.count > (isSmarthost ? Relay.smarthostRecipients : Relay.strangerRecipients) { fault("\(envelopes.count) recipients") }
        sessions[id]?.isBusy = true
        sessions[id]?.mails += 1
        if session.mails + 1 > limits.mailsPerSession { fault("\(session.mails + 1) messages of one session") }

        var delay = scripts.delay(host)
        func temporary(_ text: String) -> Settlement { .outcome(.temporary(DeliveryFailure(status: "4.0.0", text: text))) }
        if host.isDead(now) { return soon(delay, .end(id, .broken("died"))) }
        switch host.character {
        case .lying:
            switch scripts.random.next(below: 6) {
            case 0: return soon(delay, .end(id, .broken("closed in the middle")))
            case 1:
                // The message is there, and nobody hears of it.
                for envelope in envelopes {
                    take(envelope, isCertain: false)
                    soon(delay, .settle(id, envelope, temporary("closed behind the dot")))
                }
                return soon(delay + 1, .end(id, .broken("closed behind the dot")))
            case 2:
                for (number, envelope) in envelopes.enumerated() {
                    if number % 2 == 0 {
                        take(envelope, isCertain: true)
                        soon(delay, .settle(id, envelope, .outcome(.delivered("250 ok"))))
                    } else {
                        soon(delay, .settle(id, envelope, temporary("451 not now")))
                    }
                }
            case 3: return soon(delay, .end(id, .refused("421 goodbye")))
            default: deliver(envelopes, id, delay)
            }
        case .greylisting:
            for envelope in envelopes {
                if hosts[session.order.address]?.visits.insert(envelope.rawValue).inserted == true {
                    soon(delay, .settle(id, envelope, temporary("450 greylisted, try again in 300 seconds")))
                } else {
                    deliver([envelope], id, delay)
                }
            }
        case .narrow:
            deliver(Array(envelopes.prefix(10)), id, delay)
            for envelope in envelopes.dropFirst(10) { soon(delay, .settle(id, envelope, .tooManyRecipients)) }
        case .refusing:
            for envelope in envelopes {
                soon(delay, .settle(id, envelope, .outcome(.permanent(DeliveryFailure(status: "5.1.1", text: "550 nobody")))))
            }
        case .crowded:
            deliver(envelopes, id, delay)
            if session.mails >= 5 { return soon(delay + 2, .end(id, .refused("421 enough"))) }
        case .good, .slow, .dead, .insecure: deliver(envelopes, id, delay)
        }
        delay += 1
        soon(delay, .ready(id))
    }

    private mutating func deliver(_ envelopes: [EnvelopeID], _ id: ConnectionID, _ delay: Int64) {
        for envelope in envelopes {
            take(envelope, isCertain: true)
            soon(delay, .settle(id, envelope, .outcome(.delivered("250 ok"))))
        }
    }
}
