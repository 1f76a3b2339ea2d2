import Configuration
import EventLoop
import Interprocess
import Milters
import ProcessMessages
import RoleProcess

/// What came of a connection to a milter.
enum MilterSocket: Sendable {
    case connected(DescriptorBox)
    case failed(String)
}

/// Milters that could not be reached a moment ago: the next sessions do not wait for them as long as the first did.
struct MilterOutages {
    /// How long nobody tries.
    private static let pause = Duration.seconds(2)
    private var ends: [String: MonotonicInstant] = [:]

    mutating func isOut(_ name: String, now: MonotonicInstant) -> Bool {
        guard let end = ends[name] else { return false }
        if now < end { return true }
        ends[name] = nil
        return false
    }

    mutating func note(_ name: String, now: MonotonicInstant) { ends[name] = now + Self.pause }
}

/// What milters need of the dispatcher: lookup's sockets and the queue's files.
extension DispatcherProcess: MilterHost {
    func connect(
        toMilter name: String, _ settings: MilterSettings
    ) async throws(MilterConnection.Trouble) -> MilterConnection {
        guard !milterOutages.isOut(name, now: .now()) else { throw .passedOver }
        let request = milterSockets.next()
        lookup?.send(.connectMilter(request: request, filter: name))
        switch await milterSockets.answer(request) {
        case .connected(let box):
            guard let socket = box.take() else { throw .closed }
            return MilterConnection(
                adopting: socket, settings: settings, maximumBody: view.session.maximumMessageSize)
        case .failed(let reason):
            milterOutages.note(name, now: .now())
            throw .unreachable(reason)
        case nil: throw .closed
        }
    }

    func spool() -> MessageSpool {
        MessageSpool { [unowned self] in
            let request = scratchFiles.next()
            queue?.send(.scratch(request: request))
            return await scratchFiles.answer(request) ?? .refused(.failure)
        }
    }
}
