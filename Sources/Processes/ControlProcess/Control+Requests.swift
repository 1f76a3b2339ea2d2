import ControlMessages
import EventLoop
import ProcessMessages
import Scheduling

/// What each request of a client leads to.
extension ControlProcess {
    /// Carries a request out; false when the connection is over.
    func answer(_ request: ClientToControl, to client: ControlClientConnection) async -> Bool {
        let access = access(of: client.peer, to: request.audience)
        guard access != .none else { return await client.send(.refused) }
        switch request {
        case .hello: return true
        case .submit: return await submit(client)
        case .showQueue(let selection): return await showQueue(selection, access, to: client)
        case .showEnvelope(let id): return await showEnvelope(id, access, to: client)
        case .showMessage(let id): return await showMessage(id, access, to: client)
        case .showStatistics: return await showStatistics(to: client)
        case .showStatus: return await showStatus(to: client)
        case .schedule(let selection):
            return await order(selection, access, to: client) { .schedule(request: $0, $1) }
        case .remove(let selection):
            return await order(selection, access, to: client) { .remove(request: $0, $1) }
        case .suspend(let selection):
            return await order(selection, access, to: client, isWritten: true) { .suspend(request: $0, $1) }
        case .resume(let selection):
            return await order(selection, access, to: client, isWritten: true) { .resume(request: $0, $1) }
        case .setPaused(let service, let paused): return await setPaused(service, paused, for: client)
        case .setVerbose(let verbose):
            parent?.send(.setVerbose(verbose))
            return await client.send(.done(count: 1))
        case .reload: return await reload(for: client)
        case .stop:
            context.log.info("stop asked for by uid \(client.peer.user)")
            _ = await client.send(.done(count: 1))
            parent?.send(.stop)
            return false
        case .updateTable(let name): return await updateTable(name, for: client)
        case .show(let list, let asJSON): return await show(list, asJSON, to: client)
        case .resumeRoute(let id): return await resumeRoute(id, for: client)
        case .setRelayingPaused(let source, let domain, let paused):
            return await setRelayingPaused(source, domain, paused, for: client)
        case .setTracing(let subject, let isOn): return await setTracing(subject, isOn, for: client)
        case .history(let filter, let asJSON): return await showHistory(filter, asJSON: asJSON, access, to: client)
        case .explain(let words, let asJSON): return await explain(words, asJSON: asJSON, to: client)
        }
    }

    func submit(_ client: ControlClientConnection) async -> Bool {
        guard !pausedServices.contains(.smtp) else {
            return await client.send(.failed("submission is paused"))
        }
        guard await client.send(.submissionReady), let socket = client.stream.release() else { return false }
        dispatcher?.send(.submission(uid: client.peer.user, gid: client.peer.group), descriptor: socket)
        return false
    }

    func reload(for client: ControlClientConnection) async -> Bool {
        let request = answers.reloads.next()
        parent?.send(.reload(request: request))
        guard let errors = await answers.reloads.answer(request) else { return false }
        return await client.send(errors.isEmpty ? .done(count: 1) : .failed(errors.joined(separator: "; ")))
    }

    func updateTable(_ name: String, for client: ControlClientConnection) async -> Bool {
        let request = answers.tableUpdates.next()
        lookup?.send(.updateTable(request: request, name: name))
        guard let answer = await answers.tableUpdates.answer(request) else { return false }
        return await client.send(answer.map { .failed($0) } ?? .done(count: 1))
    }
}
