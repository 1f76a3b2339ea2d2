import EventLoop
import Filters
import SMTPProtocol

/// One filter at work in one session: something that answers phases, transforms content, and hears reports.
///
/// This is the seam between sessions and all kinds of filters. ``SessionFilters`` holds the members of a session's
/// chain in order and asks them one after another; it knows nothing of what they are. A kind of filter is a class
/// that conforms to this, made once for each session (before the phase connect) by ``DispatcherProcess`` where it
/// resolves the chain of a listener. Three kinds are there or planned: the built-in ones (`BuiltinSessionFilter`),
/// programs that speak lines (`ProgramSessionFilter`), and milters.
///
/// A failure of its own is the filter's to judge: as its operator chose, it decides ``FilterDecision/proceed`` or
/// ``FilterDecision/disconnect(_:)`` with a temporary refusal. It never waits for ever.
@EventLoopActor
protocol SessionFilter: AnyObject {
    /// The name in the configuration, for logs and reports.
    var name: String { get }
    /// How reports of its decisions name its kind.
    var author: ReportEvent.Author { get }
    /// Waits until it can tell what it wants, or is known to be out of order. Called once, first.
    func prepare() async
    /// Whether it is to be asked in a phase; the chain passes over it otherwise. For ``FilterPhase/dataLine``: whether
    /// it wants content, see ``contentStage(_:into:)``.
    func wants(_ phase: FilterPhase) -> Bool
    /// Whether ``report(_:)`` is of any use for events of a name.
    func wants(_ report: ReportEvent.Name) -> Bool
    /// Whether its decisions follow from the sender or the recipient of ``FilterFacts``, which are parsed for it.
    var comparesAddresses: Bool { get }
    /// Whether a transaction has its message id from the beginning, for it to be told.
    var wantsMessageID: Bool { get }
    /// Answers a question; never ``FilterPhase/dataLine``. The session waits, and asks nothing else meanwhile.
    ///
    /// - Parameter decided: Called once, never before this returns.
    func decide(
        _ question: FilterQuestion, _ facts: FilterFacts, decided: @escaping @EventLoopActor (FilterDecision) -> Void)
    /// A stage through which the content of the message that now begins flows; only when it wants
    /// ``FilterPhase/dataLine``. One message at a time.
    func contentStage(_ facts: FilterFacts, into next: any ContentSink) -> any ContentStage
    /// What it has changed of the envelope of the message that is complete now, once; see ``EnvelopeAmendment``.
    func takeAmendments() -> [EnvelopeAmendment]
    /// Something has happened in the session.
    func report(_ event: ReportEvent)
    /// The session is over, and nothing more is called. ``ReportEvent/disconnected`` was reported before.
    func sessionEnded()
}

extension SessionFilter {
    func takeAmendments() -> [EnvelopeAmendment] { [] }
    var comparesAddresses: Bool { true }
    var wantsMessageID: Bool { ReportEvent.Name.ofTransactions.contains { wants($0) } }
}

/// A filter that waits for others before it decides.
@EventLoopActor
protocol WaitingSessionFilter: SessionFilter {
    func decide(_ question: FilterQuestion, _ facts: FilterFacts) async -> FilterDecision
}

extension WaitingSessionFilter {
    func decide(
        _ question: FilterQuestion, _ facts: FilterFacts, decided: @escaping @EventLoopActor (FilterDecision) -> Void
    ) {
        spawn { decided(await self.decide(question, facts)) }
    }
}

/// Takes a message: the next stage of a chain, or what comes behind the last one and stores it.
@EventLoopActor
protocol ContentSink: AnyObject {
    /// Takes whole lines, each ended by LF; what a line begins with is as it is stored, without the dots of SMTP. The
    /// header that this server adds comes first.
    func receive(_ lines: [UInt8])
    /// The message is complete.
    func finish()
    /// The message cannot be completed: the client gets this reply in place of an acceptance. Nothing follows.
    func fail(_ reply: Reply)
    /// Much of what was taken is still held. A hint: whoever feeds on is not refused.
    var isCongested: Bool { get }
    /// Waits until it is no longer congested, or for as long as is good.
    func ready() async
}

/// A filter that content flows through, for one message: what comes in with ``ContentSink/receive(_:)`` goes out,
/// changed or not, at any later time, to the sink that it was made with, and then ``ContentSink/finish()``.
@EventLoopActor
protocol ContentStage: ContentSink {
    /// The message was given up: nothing more goes out.
    func abandon()
}
