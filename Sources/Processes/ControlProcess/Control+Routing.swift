import ControlMessages
import EventLoop
import MailSyntax
import ProcessMessages
import Routing

/// What the dispatcher knows of relays, routes and hosts, and orders about them.
extension ControlProcess {
    func show(_ list: ControlList, _ asJSON: Bool, to client: ControlClientConnection) async -> Bool {
        let request = answers.listings.next()
        dispatcher?.send(.list(request: request, RoutingList(list), asJSON: asJSON))
        guard let text = await answers.listings.answer(request) else { return false }
        guard await client.send(output: text) else { return false }
        return await client.send(.end)
    }

    /// Pieces are put together here: the client may be slow, and the dispatcher has others to serve.
    func receive(_ text: ListingText, of request: UInt64, isLast: Bool) {
        answers.listed[request, default: []] += text.text.utf8
        if isLast { answers.listings.resolve(request, answers.listed.removeValue(forKey: request) ?? []) }
    }

    func resumeRoute(_ id: UInt64, for client: ControlClientConnection) async -> Bool {
        guard let done = await ordered({ .resumeRoute(request: $0, id: id) }) else { return false }
        return await client.send(done ? .done(count: 1) : .failed("no such route"))
    }

    func setRelayingPaused(
        _ source: IPAddress?, _ domain: String?, _ paused: Bool, for client: ControlClientConnection
    ) async -> Bool {
        guard let done = await ordered({ .setBlocked(request: $0, source: source, domain: domain, paused) }) else {
            return false
        }
        if done {
            context.log.info(
                "mta from \(source?.description ?? "*") for \(domain ?? "*") \(paused ? "paused" : "resumed")")
        }
        return await client.send(done ? .done(count: 1) : .failed(paused ? "already paused" : "not paused"))
    }

    private func ordered(_ message: (UInt64) -> ControlToDispatcher) async -> Bool? {
        let request = answers.routingOrders.next()
        dispatcher?.send(message(request))
        return await answers.routingOrders.answer(request)
    }
}

extension RoutingList {
    init(_ list: ControlList) {
        switch list {
        case .hosts: self = .hosts
        case .hoststats: self = .domains
        case .relays: self = .relays
        case .routes: self = .routes
        case .pausedRelaying: self = .blocks
        }
    }
}
