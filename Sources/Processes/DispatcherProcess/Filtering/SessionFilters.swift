import EventLoop
import Filters
import MailSyntax
import SMTPProtocol

/// The filters of one session, in the order of its chain: asked one after another, told together, and content flows
/// through them.
@EventLoopActor
final class SessionFilters {
    private let members: [any SessionFilter]
    private var machine: FilterSession
    /// What is known of the session; whoever learns more writes it here.
    var facts: FilterFacts
    private let domain: Domain
    private let comparesAddresses: Bool
    /// The stages of the message under way.
    private var stages: [any ContentStage] = []

    /// - Parameter domain: Completes addresses without a domain.
    init(members: [any SessionFilter], facts: FilterFacts, domain: Domain) {
        self.members = members
        self.facts = facts
        self.domain = domain
        comparesAddresses = members.contains { $0.comparesAddresses }
        machine = FilterSession(members: members.map { FilterSession.Member(name: $0.name, author: $0.author) })
    }

    /// Waits until every member knows what it wants.
    func prepare() async {
        for member in members { await member.prepare() }
    }

    // MARK: Questions

    func wants(_ phase: FilterPhase) -> Bool { members.contains { $0.wants(phase) } }

    /// Asks those who want to be; at least one does.
    ///
    /// - Parameter decided: Called once, never before this returns.
    func ask(_ question: FilterQuestion, decided: @escaping @EventLoopActor (PhaseVerdict) -> Void) {
        let wanting = members.indices.filter { members[$0].wants(question.phase) }
        carryOut(machine.ask(question, wantedBy: wanting), question, facts(for: question), decided)
    }

    private func carryOut(
        _ step: FilterSession.Step, _ question: FilterQuestion, _ facts: FilterFacts,
        _ decided: @escaping @EventLoopActor (PhaseVerdict) -> Void
    ) {
        switch step {
        case .ask(let member):
            members[member].decide(question, facts) { [self] in carryOut(machine.decided($0), question, facts, decided) }
        case .verdict(let verdict):
            for event in machine.takeReports() { report(event) }
            decided(verdict)
        }
    }

    /// The facts as they would be if the question were answered with yes.
    private func facts(for question: FilterQuestion) -> FilterFacts {
        var facts = facts
        switch question.phase {
        case .helo, .ehlo: facts.helo = String(decoding: question.argument, as: UTF8.self)
        case .mailFrom where comparesAddresses: facts.sender = path(question.argument)
        case .rcptTo where comparesAddresses: facts.recipient = path(question.argument)?.address
        case .connect, .startTLS, .auth, .mailFrom, .rcptTo, .data, .dataLine, .commit, .rset, .quit, .noop, .help, .wiz,
            .unknown:
            break
        }
        return facts
    }

    private func path(_ address: [UInt8]) -> ReversePath? {
        let path = [UInt8(ascii: "<")] + address + [UInt8(ascii: ">")]
        // The session has read it before; who cannot be named cannot be compared.
        return try? MailPath.reversePath(path[...], completedBy: domain).path
    }

    // MARK: Reports

    /// Whether a transaction needs its message id from the beginning.
    var wantsMessageID: Bool { members.contains { $0.wantsMessageID } }

    func wants(_ report: ReportEvent.Name) -> Bool { members.contains { $0.wants(report) } }

    func report(_ event: ReportEvent) {
        for member in members where member.wants(event.name) { member.report(event) }
    }

    // MARK: Content

    /// Begins a message whose content goes through those who want it; nil when nobody does.
    func beginContent(into sink: any ContentSink) -> (any ContentSink)? {
        var next = sink
        for member in members.reversed() where member.wants(.dataLine) {
            let stage = member.contentStage(facts, into: next)
            stages.append(stage)
            next = stage
        }
        return stages.isEmpty ? nil : next
    }

    /// The message is given up, or is complete.
    func endContent() {
        for stage in stages { stage.abandon() }
        stages = []
    }

    /// What filters have changed of the envelope, in the order of the chain.
    func takeAmendments() -> [EnvelopeAmendment] { members.flatMap { $0.takeAmendments() } }

    func sessionEnded() {
        endContent()
        report(.disconnected)
        for member in members { member.sessionEnded() }
    }
}
