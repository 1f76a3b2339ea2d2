import ControlMessages
import EventLoop
import ProcessMessages

/// Services as a whole, and what the daemon tells of itself.
extension ControlProcess {
    func setPaused(_ service: ControlService, _ paused: Bool, for client: ControlClientConnection) async -> Bool {
        guard pausedServices.contains(service) != paused else {
            return await client.send(.failed(paused ? "already paused" : "not paused"))
        }
        if paused { pausedServices.insert(service) } else { pausedServices.remove(service) }
        switch service {
        case .smtp:
            dispatcher?.send(.setPaused(paused))
        case .mda, .mta:
            let request = answers.counts.next()
            scheduler?.send(.setPaused(request: request, service == .mda ? .local : .relay, paused))
            guard await answers.counts.answer(request) != nil else { return false }
        }
        context.log.info("\(service) \(paused ? "paused" : "resumed")")
        return await client.send(.done(count: 1))
    }

    func showStatus(to client: ControlClientConnection) async -> Bool {
        let lines = [("MDA", ControlService.mda), ("MTA", .mta), ("SMTP", .smtp)].map { name, service in
            "\(name) \(pausedServices.contains(service) ? "paused" : "running")\n"
        }
        guard await client.send(output: Array(lines.joined().utf8)) else { return false }
        return await client.send(.end)
    }

    func setTracing(_ subject: String, _ isOn: Bool, for client: ControlClientConnection) async -> Bool {
        let request = answers.traces.next()
        parent?.send(.setTracing(request: request, subject: subject, isOn))
        guard let failure = await answers.traces.answer(request) else { return false }
        return await client.send(failure.map { .failed($0) } ?? .done(count: 1))
    }
}
