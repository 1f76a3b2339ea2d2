import Configuration
import EventLoop
import Milters
import Platform

/// A connection to one milter, for one SMTP session: carries out what ``MilterSession`` says.
///
/// After a trouble was thrown it is closed, and of no more use.
@EventLoopActor
final class MilterConnection {
    /// Why a milter gives no verdict.
    enum Trouble: Error {
        /// It could not be reached, with the reason.
        case unreachable(String)
        /// It could not be reached a moment ago, and was not tried again.
        case passedOver
        case timedOut
        case closed
        case failed(SystemError)
        case fault(MilterFault)

        var text: String {
            switch self {
            case .unreachable(let reason): reason
            case .passedOver: "not reached a moment ago"
            case .timedOut: "no answer in time"
            case .closed: "connection closed"
            case .failed(let error): "\(error)"
            case .fault(let fault): fault.text
            }
        }
    }

    /// Octets that are gathered before they are sent without anybody waiting for an answer.
    private static let maximumGathered = 128 << 10
    /// A milter may say for so many times its limit that it still works.
    private static let patience = 12

    private let stream: ByteStream
    private let settings: MilterSettings
    private var machine: MilterSession
    private var output: [UInt8] = []
    private(set) var isOpen = true
    /// A verdict is waited for.
    private var isBusy = false

    /// - Parameter maximumBody: Octets of a body that the milter may put in place of another.
    init(adopting socket: consuming OwnedDescriptor, settings: MilterSettings, maximumBody: Int64) {
        stream = ByteStream(adopting: socket)
        self.settings = settings
        machine = MilterSession(maximumBody: maximumBody)
    }

    /// Agrees on how to talk.
    func meet() async throws(Trouble) {
        output += machine.offer()
        try await flush(settings.timeout)
        _ = try await hear(settings.timeout, nil)
    }

    func wants(_ stage: MilterStage) -> Bool { machine.wants(stage) }

    /// Tells of an event, and waits for the verdict if there will be one.
    ///
    /// - Parameter changes: Takes what the milter changes, at the end of a message.
    func tell(
        _ event: MilterEvent, _ macros: MilterMacros, _ changes: ChangeCollector? = nil
    ) async throws(Trouble) -> MilterVerdict {
        guard isOpen else { throw .closed }
        // Whoever gave a step up has left the milter in the midst of it.
        guard !isBusy else { throw fail(.closed) }
        let limit = event.stage == .endOfMessage ? settings.messageTimeout : settings.timeout
        switch machine.tell(event, macros) {
        case .nothing: return .proceed
        case .send(let bytes):
            output += bytes
            if output.count > Self.maximumGathered { try await flush(limit) }
            return .proceed
        case .ask(let bytes):
            output += bytes
            try await flush(limit)
            return try await hear(limit, changes)
        }
    }

    /// The message is over, whatever became of it.
    func abort() {
        guard isOpen else { return }
        output += machine.abort()
        // Whoever is to hear something next sees to what the kernel does not take now.
        if case .failed = stream.tryWrite(&output) { close() }
    }

    /// The session is over.
    func quit() {
        guard isOpen else { return }
        output += machine.quit()
        // A milter that does not read its last words sees the end of the connection.
        _ = stream.tryWrite(&output)
        close()
    }

    private func close() {
        isOpen = false
        output = []
        stream.close()
    }

    private func fail(_ trouble: Trouble) -> Trouble {
        close()
        return trouble
    }

    // MARK: Octets

    private func flush(_ seconds: Int64) async throws(Trouble) {
        guard !output.isEmpty else { return }
        let bytes = output
        output = []
        switch await stream.write(bytes, deadline: .now() + .seconds(seconds)) {
        case .written: break
        case .timedOut: throw fail(.timedOut)
        case .failed(let error): throw fail(isOpen ? .failed(error) : .closed)
        }
    }

    /// Waits for a verdict, or for the answer to the offer, and takes the changes in front of it.
    private func hear(_ seconds: Int64, _ changes: ChangeCollector?) async throws(Trouble) -> MilterVerdict {
        isBusy = true
        defer { isBusy = false }
        let limit = Duration.seconds(seconds)
        let end = MonotonicInstant.now() + limit * Self.patience
        var deadline = MonotonicInstant.now() + limit
        while true {
            do throws(MilterFault) {
                while let news = try machine.next() {
                    switch news {
                    case .met: return .proceed
                    case .progress: deadline = min(end, .now() + limit)
                    case .change(let change): try await changes?.take(change)
                    case .verdict(let verdict): return verdict
                    }
                }
            } catch {
                throw fail(.fault(error))
            }
            switch await stream.read(deadline: deadline) {
            case .bytes(let bytes): machine.receive(bytes)
            case .end: throw fail(.closed)
            case .timedOut: throw fail(.timedOut)
            case .failed(let error): throw fail(isOpen ? .failed(error) : .closed)
            }
        }
    }
}
