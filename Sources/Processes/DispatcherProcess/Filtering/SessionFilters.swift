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
    /// The stages of the message under way.
    private var stages: [any ContentStage] = []

    /// - Parameter domain: Completes addresses without a domain.
    init(members: [any SessionFilter], facts: FilterFacts, domain: Domain) {
        self.members = members
        self.facts = facts
        self.domain = domain
        machine = FilterSession(members: members.map { FilterSession.Member(name: $0.name, author: $0.author) })
    }

    /// Waits until every member knows what it wants.
    func prepare() async {
        for member in members { await member.prepare() }
    }

    // MARK: Questions

    func wants(_ phase: FilterPhase) -> Bool { members.contains { $0.wants(phase) } }

    /// Asks those who want to be.
    func verdict(on question: FilterQuestion) async -> PhaseVerdict {
        let facts = facts(for: question)
        var step = machine.ask(question, wantedBy: members.indices.filter { members[$0].wants(question.phase) })
        while true {
            switch step {
            case .ask(let member): step = machine.decided(await members[member].decide(question, facts))
            case .verdict(let verdict):
                for event in machine.takeReports() { report(event) }
                return verdict
            }
        }
    }

    /// The facts as they would be if the question were answered with yes.
    private func facts(for question: FilterQuestion) -> FilterFacts {
        var facts = facts
        switch question.phase {
        case .helo, .ehlo: facts.helo = String(decoding: question.argument, as: UTF8.self)
        case .mailFrom: facts.sender = path(question.argument)
        case .rcptTo: facts.recipient = path(question.argument)?.address
        case .connect, .startTLS, .auth, .data, .dataLine, .commit, .rset, .quit, .noop, .help, .wiz: break
        }
        return facts
    }

    private func path(_ address: [UInt8]) -> ReversePath? {
        let path = [UInt8(ascii: "<")] + address + [UInt8(ascii: ">")]
        // The session has read it before; who cannot be named cannot be compared.
        return try? MailPath.reversePath(path[...], completedBy: domain).path
    }

    // MARK: Reports

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
