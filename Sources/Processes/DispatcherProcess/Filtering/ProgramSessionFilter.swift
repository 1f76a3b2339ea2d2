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
        if let connection, connection.isReady { return connection.registration.phases.contains(phase) }
        guard settings.onFailure == .refuse else { return false }
        // What it would have been asked is refused; before it has said what that is, everything.
        guard let registration = connection?.lastRegistration else { return phase != .dataLine }
        return registration.phases.contains(phase)
    }

    func wants(_ report: ReportEvent.Name) -> Bool {
        guard let connection, connection.isReady else { return false }
        return connection.registration.reports[subsystem]?.contains(report) ?? false
    }

    func decide(_ question: FilterQuestion, _ facts: FilterFacts) async -> FilterDecision {
        if let connection, let decision = await connection.ask(question, facts) { return decision }
        switch settings.onFailure {
        case .accept: return .proceed
        case .refuse: return .disconnect(Self.unavailable)
        }
    }

    static let unavailable = Reply(421, "4.3.0", "Temporary failure, try again later")

    func contentStage(_ facts: FilterFacts, into next: any ContentSink) -> any ContentStage {
        ProgramContentStage(connection: connection, session: session, next: next)
    }

    func report(_ event: ReportEvent) { connection?.report(event, of: session, in: subsystem) }

    func sessionEnded() { connection?.detach(session) }
}
