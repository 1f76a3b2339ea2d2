import Configuration
import Envelopes
import MailSyntax

@testable import Routing

/// The envelope with this number of message 1 (or another).
func envelope(_ number: UInt32, of message: UInt32 = 1) -> EnvelopeID {
    EnvelopeID(rawValue: UInt64(message) << 32 | UInt64(number))!
}

func ip(_ text: String) -> IPAddress { IPAddress(text.utf8)! }

let strangers = RelayAction()

func smarthost(_ table: String = "hosts") -> RelayAction {
    var action = RelayAction()
    action.hosts = .smarthosts(table)
    return action
}

/// A router with a clock and everything it asked for so far, by kind.
struct Driver {
    var router: Router
    var now = Moment(milliseconds: 1_000_000)
    var questions: [RoutingQuestion] = []
    var orders: [ConnectionOrder] = []
    var transactions: [(connection: ConnectionID, ids: [EnvelopeID])] = []
    var quits: [ConnectionID] = []
    var abandoned: [ConnectionID] = []
    var reports: [EnvelopeID: DeliveryOutcome] = [:]
    var reportCount = 0
    var held: [EnvelopeID: UInt64] = [:]
    var releases: [(holder: UInt64, count: Int)] = []
    var releasedAll: [UInt64] = []
    var retries: [EnvelopeID] = []

    init(_ action: RelayAction = strangers, seed: UInt64 = 1, _ change: (inout RoutingSettings) -> Void = { _ in }) {
        var settings = RoutingSettings(serverName: "mx.here.example")
        settings.actions["out"] = action
        settings.ownAddresses = [ip("192.0.2.1"), ip("2001:db8::1")]
        change(&settings)
        router = Router(settings: settings, seed: seed, now: now)
    }

    mutating func take() {
        for output in router.takeOutputs() {
            switch output {
            case .ask(let question): questions.append(question)
            case .connect(let order): orders.append(order)
            case .transact(let connection, let ids): transactions.append((connection, ids))
            case .quit(let connection): quits.append(connection)
            case .abandon(let connection): abandoned.append(connection)
            case .report(let id, let outcome, _):
                reports[id] = outcome
                reportCount += 1
            case .hold(let id, let holder): held[id] = holder
            case .release(let holder, let count): releases.append((holder, count))
            case .releaseAll(let holder): releasedAll.append(holder)
            case .retry(let ids): retries += ids
            }
        }
    }

    mutating func offer(
        _ ids: [EnvelopeID], to domain: String = "there.example", action: String = "out", variant: UInt32 = 0, order: UInt64? = nil
    ) {
        let domain = try! Domain(validating: Array(domain.utf8))
        router.offered(ids.map { RelayOffer(id: $0, action: action, domain: domain, variant: variant, order: order) }, now: now)
        take()
    }

    /// Messages of one envelope each.
    mutating func offerMessages(_ numbers: ClosedRange<UInt32>, to domain: String = "there.example") {
        for number in numbers { offer([envelope(1, of: number)], to: domain) }
    }

    mutating func answer(_ answer: RoutingAnswer) {
        let open = questions
        questions = []
        for question in open { router.answered(question, answer, now: now) }
        take()
    }

    /// Exchangers as `preference host address...`.
    mutating func answerExchangers(_ lines: String..., isImplicit: Bool = false) {
        answer(.exchangers(lines.map(exchanger), isImplicit: isImplicit))
    }

    mutating func connected(_ id: ConnectionID) {
        router.connected(id, now: now)
        take()
    }

    mutating func ready(_ id: ConnectionID) {
        router.ready(id, now: now)
        take()
    }

    mutating func end(_ id: ConnectionID, _ end: ConnectionEnd) {
        router.ended(id, end, now: now)
        take()
    }

    mutating func settle(_ id: ConnectionID, _ envelope: EnvelopeID, _ outcome: DeliveryOutcome = .delivered("250 ok")) {
        router.settled(id, envelope, as: .outcome(outcome), now: now)
        take()
    }

    /// Settles the last transaction of a session and makes it ready again.
    mutating func complete(_ id: ConnectionID, _ outcome: DeliveryOutcome = .delivered("250 ok")) {
        for envelope in transactions.last(where: { $0.connection == id })?.ids ?? [] { settle(id, envelope, outcome) }
        ready(id)
    }

    /// Lets time pass and serves all timers on the way.
    mutating func pass(_ seconds: Double) {
        let end = now.advanced(byMilliseconds: Int64(seconds * 1_000))
        while let deadline = router.nextDeadline(), deadline <= end {
            now = max(now, deadline)
            router.tick(now: now)
            take()
        }
        now = end
    }

    var status: RelayStatus? { router.relayStatuses(now: now).first }
}

func exchanger(_ line: String) -> Exchanger {
    let words = line.split(separator: " ").map(String.init)
    return Exchanger(preference: UInt16(words[0])!, host: words[1], addresses: words.dropFirst(2).map { ip($0) })
}

extension DeliveryOutcome {
    var status: String? {
        switch self {
        case .temporary(let failure), .permanent(let failure): failure.status
        case .delivered, .loop: nil
        }
    }

    var isTemporary: Bool { if case .temporary = self { true } else { false } }
    var isPermanent: Bool { if case .permanent = self { true } else { false } }
    var isDelivered: Bool { if case .delivered = self { true } else { false } }
}
