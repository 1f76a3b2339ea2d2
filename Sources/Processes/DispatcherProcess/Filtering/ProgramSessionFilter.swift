import Configuration
import EventLoop
import Filters
import SMTPProtocol

/// A filter program at work in one session (`filter NAME proc ...`).
///
/// It stays with the start of the program that it began with: one that was started anew knows nothing of the session.
@EventLoopActor
final class ProgramSessionFilter: SessionFilter {
    let name: String
    private let session: UInt64
    private let subsystem: FilterSubsystem
    private let settings: FilterProcess
    /// Nil while the program does not run.
    private let connection: FilterConnection?
    /// Hears what the program reports of the session by itself.
    private let reported: @EventLoopActor ([UInt8]) -> Void

    init(
        name: String, session: UInt64, subsystem: FilterSubsystem, settings: FilterProcess, connection: FilterConnection?,
        reported: @escaping @EventLoopActor ([UInt8]) -> Void
    ) {
        self.name = name
        self.session = session
        self.subsystem = subsystem
        self.settings = settings
        self.connection = connection
        self.reported = reported
        connection?.attach(session) { reported($0) }
    }

    var author: ReportEvent.Author { .program }

    func prepare() async { await connection?.registered() }

    func wants(_ phase: FilterPhase) -> Bool {
        guard subsystem == .incoming else { return false }
        let registration = connection?.registration
        if let connection, connection.isReady { return registration?.wants(phase) ?? false }
        guard settings.onFailure == .refuse else { return false }
        // What it would have been asked is refused; before it has said what that is, everything.
        return registration?.wants(phase) ?? (phase != .dataLine && phase != .unknown)
    }

    func wants(_ report: ReportEvent.Name) -> Bool {
        guard let connection, connection.isReady else { return false }
        return connection.registration?.wants(report, in: subsystem) ?? false
    }

    /// It parses the lines itself.
    var comparesAddresses: Bool { false }

    func decide(
        _ question: FilterQuestion, _ facts: FilterFacts, decided: @escaping @EventLoopActor (FilterDecision) -> Void
    ) {
        let withoutAnswer = decisionOfNobody
        guard let connection else { return _ = spawn { decided(withoutAnswer) } }
        connection.ask(question, facts) { decided($0 ?? withoutAnswer) }
    }

    /// What becomes of a question that the program does not answer.
    private var decisionOfNobody: FilterDecision {
        switch settings.onFailure {
        case .accept: .proceed
        case .refuse: .disconnect(Self.unavailable)
        }
    }

    static let unavailable = Reply(421, "4.3.0", "Temporary failure, try again later")

    func contentStage(_ facts: FilterFacts, into next: any ContentSink) -> any ContentStage {
        ProgramContentStage(connection: connection, session: session, next: next)
    }

    func report(_ event: ReportEvent) { connection?.report(event, of: session, in: subsystem) }

    func sessionEnded() { connection?.detach(session) }
}
