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

/// What milters need of the dispatcher: lookup's sockets and the queue's files.
extension DispatcherProcess: MilterHost {
    func connect(
        toMilter name: String, _ settings: MilterSettings
    ) async throws(MilterConnection.Trouble) -> MilterConnection {
        let request = milterSockets.next()
        lookup?.send(.connectMilter(request: request, filter: name))
        switch await milterSockets.answer(request) {
        case .connected(let box):
            guard let socket = box.take() else { throw .closed }
            return MilterConnection(
                adopting: socket, settings: settings, maximumBody: view.session.maximumMessageSize)
        case .failed(let reason): throw .unreachable(reason)
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
