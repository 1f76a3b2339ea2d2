import EventLoop
import SMTPProtocol

/// One message on its way through a filter program.
@EventLoopActor
final class ProgramContentStage: ContentStage {
    private let connection: FilterConnection?
    private let session: UInt64
    private let next: any ContentSink
    private var token: UInt64?
    /// From when on the program owes something.
    private(set) var waitsSince: MonotonicInstant?

    init(connection: FilterConnection?, session: UInt64, next: any ContentSink) {
        self.connection = connection
        self.session = session
        self.next = next
        token = connection?.beginContent(self, in: session)
        if token == nil { next.fail(Self.failure) }
    }

    static let failure = Reply(451, "4.3.0", "Temporary failure, try again later")

    func receive(_ lines: [UInt8]) {
        guard let token else { return }
        connection?.send(content: lines, of: session, token: token)
    }

    func finish() {
        guard let token else { return }
        waitsSince = .now()
        connection?.finishContent(of: session, token: token)
    }

    func fail(_ reply: Reply) {
        guard token != nil else { return }
        abandon()
        next.fail(reply)
    }

    var isCongested: Bool { connection?.isCongested ?? false }

    func ready() async { await connection?.drained() }

    func abandon() {
        guard token != nil else { return }
        token = nil
        waitsSince = nil
        connection?.endContent(of: session)
    }

    // MARK: From the program

    /// The next stage, while this one is at work.
    func give(_ lines: [UInt8]) -> (any ContentSink)? {
        guard token != nil else { return nil }
        if waitsSince != nil { waitsSince = .now() }
        next.receive(lines)
        return next
    }

    func giveEnd() {
        guard token != nil else { return }
        token = nil
        waitsSince = nil
        next.finish()
    }
}
