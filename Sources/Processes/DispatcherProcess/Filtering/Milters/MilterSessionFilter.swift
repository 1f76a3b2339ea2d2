import Configuration
import EventLoop
import Filters
import Log
import Milters
import SMTPProtocol

/// A milter as a filter of one session.
///
/// The connection is made with the session, and made again at MAIL when it was lost: a milter that was started anew
/// costs at most the transaction it was asked about. What it cannot decide is refused for the time being, or passed
/// when the operator chose so; the session goes on either way.
@EventLoopActor
final class MilterSessionFilter: WaitingSessionFilter {
    /// Where the message of this session stands with the milter.
    private enum Transaction {
        /// The milter knows of it, or of none.
        case followed
        /// The milter was lost within it.
        case lost
        /// Nothing becomes of it, and the client is not told.
        case discarded
    }

    let name: String
    let settings: MilterSettings
    let host: any MilterHost
    private let log: Logger
    private(set) var connection: MilterConnection?
    /// What the milter last heard in HELO, and over which channel.
    private var identity: Identity?
    private var transaction = Transaction.followed
    private var mechanism: String?
    /// What the milter has changed of the envelope, until the session asks.
    var amendments: [EnvelopeAmendment] = []

    private struct Identity: Equatable {
        var helo: String
        var channel: ChannelSecurity?
    }

    init(name: String, settings: MilterSettings, host: any MilterHost, log: Logger) {
        self.name = name
        self.settings = settings
        self.host = host
        self.log = log
    }

    var author: ReportEvent.Author { .program }

    func prepare() async {}

    func wants(_ phase: FilterPhase) -> Bool {
        switch phase {
        case .connect, .helo, .ehlo, .auth, .mailFrom, .rcptTo, .data, .dataLine: true
        case .unknown: connection?.wants(.unknown) ?? false
        case .startTLS, .commit, .rset, .quit, .noop, .help, .wiz: false
        }
    }

    /// Those that a transaction ends with.
    func wants(_ report: ReportEvent.Name) -> Bool { report == .txReset || report == .txRollback }

    func macros(_ facts: FilterFacts) -> MilterMacros { MilterMacros(facts, mechanism: mechanism) }

    // MARK: Phases

    func decide(_ question: FilterQuestion, _ facts: FilterFacts) async -> FilterDecision {
        switch question.phase {
        case .connect:
            return await early { milter throws(MilterConnection.Trouble) in try await milter.connect(facts) }
        case .helo, .ehlo:
            guard connection?.isOpen == true else { return .proceed }
            return await early { milter throws(MilterConnection.Trouble) in try await milter.identify(facts) }
        case .auth:
            let word = question.argument.prefix { $0 != 0x20 }
            mechanism = String(decoding: word, as: UTF8.self).uppercased()
            return .proceed
        case .mailFrom:
            amendments = []
            transaction = .followed
            return await within { milter throws(MilterConnection.Trouble) in
                if let refusal = try await milter.catchUp(facts) { return refusal }
                return try await milter.tell(.mail(Self.path(question.argument), arguments: question.parameters), facts)
            }
        case .rcptTo:
            return await within { milter throws(MilterConnection.Trouble) in
                try await milter.tell(.recipient(Self.path(question.argument), arguments: question.parameters), facts)
            }
        case .data:
            return await within { milter throws(MilterConnection.Trouble) in try await milter.tell(.data, facts) }
        case .unknown:
            // Refused all the same: a milter that is lost here has nothing to decide.
            return await early { milter throws(MilterConnection.Trouble) in
                try await milter.tell(.unknown(question.argument), facts)
            }
        case .startTLS, .dataLine, .commit, .rset, .quit, .noop, .help, .wiz:
            return .proceed
        }
    }

    private static func path(_ address: [UInt8]) -> [UInt8] { [UInt8(ascii: "<")] + address + [UInt8(ascii: ">")] }

    /// A step before any message: a milter that is lost there is asked again at MAIL, and nobody has to know.
    private func early(
        _ step: (MilterSessionFilter) async throws(MilterConnection.Trouble) -> MilterVerdict
    ) async -> FilterDecision {
        do throws(MilterConnection.Trouble) {
            return decision(try await step(self))
        } catch {
            lose(error)
            return .proceed
        }
    }

    /// A step of a transaction.
    private func within(
        _ step: (MilterSessionFilter) async throws(MilterConnection.Trouble) -> MilterVerdict
    ) async -> FilterDecision {
        switch transaction {
        case .discarded: return .proceed
        case .lost: return decision(verdictOfNobody)
        case .followed: break
        }
        do throws(MilterConnection.Trouble) {
            return decision(try await step(self))
        } catch {
            transaction = .lost
            lose(error)
            return decision(verdictOfNobody)
        }
    }

    private func decision(_ verdict: MilterVerdict) -> FilterDecision {
        switch verdict {
        case .proceed: return .proceed
        case .refuse(let reply): return .reject(reply)
        case .discard:
            transaction = .discarded
            return .proceed
        }
    }

    /// What becomes of a step that the milter cannot decide.
    var verdictOfNobody: MilterVerdict {
        switch settings.onFailure {
        case .refuse: .temporaryRefusal
        case .accept: .proceed
        }
    }

    // MARK: The connection

    /// Tells of an event.
    private func tell(_ event: MilterEvent, _ facts: FilterFacts) async throws(MilterConnection.Trouble) -> MilterVerdict {
        guard let connection else { throw .closed }
        return try await connection.tell(event, macros(facts))
    }

    private func connect(_ facts: FilterFacts) async throws(MilterConnection.Trouble) -> MilterVerdict {
        identity = nil
        let made = try await host.connect(toMilter: name, settings)
        connection = made
        try await made.meet()
        return try await tell(.connect(host: Array(facts.milterHost.utf8), facts.milterPeer), facts)
    }

    private func identify(_ facts: FilterFacts) async throws(MilterConnection.Trouble) -> MilterVerdict {
        identity = Identity(helo: facts.helo, channel: facts.channel)
        return try await tell(.helo(Array(facts.helo.utf8)), facts)
    }

    /// Sees to it that the milter knows the session as it stands; a verdict means that it refuses it.
    private func catchUp(_ facts: FilterFacts) async throws(MilterConnection.Trouble) -> MilterVerdict? {
        if connection?.isOpen != true {
            let verdict = try await connect(facts)
            guard verdict == .proceed else { return verdict }
        }
        if identity != Identity(helo: facts.helo, channel: facts.channel) {
            let verdict = try await identify(facts)
            guard verdict == .proceed else { return verdict }
        }
        return nil
    }

    /// Gives the connection up.
    func lose(_ trouble: MilterConnection.Trouble) {
        connection = nil
        // Who tried it has said so.
        if case .passedOver = trouble { return }
        log.warning("milter \(name): \(LogText.value(trouble.text))")
    }

    // MARK: Content

    func contentStage(_ facts: FilterFacts, into next: any ContentSink) -> any ContentStage {
        MilterContentStage(of: self, facts, into: next, spool: { [host] in host.spool() })
    }

    /// Whether the milter is to see the content of the transaction, and if not, why.
    enum ContentPlan {
        case ask(MilterConnection)
        case pass
        case refuse(Reply)
        case discard
    }

    func contentPlan() -> ContentPlan {
        switch transaction {
        case .discarded: return .discard
        case .followed:
            if let connection, connection.isOpen { return .ask(connection) }
        case .lost: break
        }
        guard case .refuse(let reply) = verdictOfNobody else { return .pass }
        return .refuse(reply)
    }

    func takeAmendments() -> [EnvelopeAmendment] {
        defer { amendments = [] }
        return amendments
    }

    // MARK: Ends

    func report(_ event: ReportEvent) {
        switch event {
        case .transactionReset, .rolledBack: connection?.abort()
        default: break
        }
    }

    func sessionEnded() {
        connection?.quit()
        connection = nil
    }
}

/// What a milter's filter needs of the process it is in.
@EventLoopActor
protocol MilterHost: AnyObject, Sendable {
    func connect(
        toMilter name: String, _ settings: MilterSettings
    ) async throws(MilterConnection.Trouble) -> MilterConnection
    func spool() -> MessageSpool
}
