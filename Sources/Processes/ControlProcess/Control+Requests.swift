import ControlMessages
import Envelopes
import EventLoop
import Glibc
import Platform
import ProcessMessages
import Scheduling

/// What each request of a client leads to.
extension ControlProcess {
    /// Carries a request out; false when the connection is over.
    func answer(_ request: ClientToControl, to client: ControlClientConnection) async -> Bool {
        guard request.isOpenToEverybody || isOperator(client.peer) else {
            return await client.send(.refused)
        }
        switch request {
        case .hello: return true
        case .submit: return await submit(client)
        case .showQueue(let message): return await showQueue(of: message, to: client)
        case .showEnvelope(let id): return await showEnvelope(id, to: client)
        case .showMessage(let id): return await showMessage(id, to: client)
        case .showStatistics: return await showStatistics(to: client)
        case .showStatus: return await showStatus(to: client)
        case .schedule(let selection):
            return await order(to: client) { .schedule(request: $0, EnvelopeSelection(selection)) }
        case .remove(let selection):
            return await order(to: client) { .remove(request: $0, EnvelopeSelection(selection)) }
        case .suspend(let selection):
            return await order(to: client) { .suspend(request: $0, EnvelopeSelection(selection)) }
        case .resume(let selection):
            return await order(to: client) { .resume(request: $0, EnvelopeSelection(selection)) }
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
        case .explain(let words, let asJSON): return await explain(words, asJSON: asJSON, to: client)
        }
    }

    /// Root, or the user who runs a rootless daemon.
    private func isOperator(_ peer: PeerCredentials) -> Bool {
        peer.user == 0 || context.installation.isRootless && peer.user == getuid()
    }

    // MARK: Submission

    private func submit(_ client: ControlClientConnection) async -> Bool {
        guard !pausedServices.contains(.smtp) else {
            return await client.send(.failed("submission is paused"))
        }
        guard await client.send(.submissionReady), let socket = client.stream.release() else { return false }
        dispatcher?.send(.submission(uid: client.peer.user, gid: client.peer.group), descriptor: socket)
        return false
    }

    // MARK: The queue

    /// Entries asked for at a time: one answer of the queue, one of the scheduler, one piece of output.
    private static let pageSize: UInt32 = 250

    private func showQueue(of message: MessageID?, to client: ControlClientConnection) async -> Bool {
        var page = askForPage(of: message, after: nil)
        while true {
            guard let listed = await answers.pages.answer(page) else { return false }
            guard let last = listed.lines.last else { break }
            // The queue reads on while this page is shown.
            page = askForPage(of: message, after: last.id)
            let asked = answers.states.next()
            scheduler?.send(.states(request: asked, listed.lines.map(\.id)))
            guard let states = await answers.states.answer(asked) else {
                answers.pages.abandon(page)
                return false
            }
            var lines: [UInt8] = []
            lines.reserveCapacity(listed.text.count + 32 * states.count)
            for (index, state) in zip(listed.lines.indices, states) {
                listed.appendLine(index, state: QueueListing.RunState(state), isHeld: state == .held, to: &lines)
                lines.append(0x0A)
            }
            guard await client.send(output: lines) else {
                answers.pages.abandon(page)
                return false
            }
        }
        return await client.send(.end)
    }

    private func askForPage(of message: MessageID?, after: EnvelopeID?) -> UInt64 {
        let page = answers.pages.next()
        queue?.send(.page(request: page, after: after, message: message, limit: Self.pageSize))
        return page
    }

    private func showEnvelope(_ id: EnvelopeID, to client: ControlClientConnection) async -> Bool {
        let request = answers.envelopes.next()
        queue?.send(.envelope(request: request, id))
        guard let answer = await answers.envelopes.answer(request) else { return false }
        guard let entry = answer else { return await client.send(.failed("no such envelope")) }
        let text = QueueListing.text(entry.envelope, entry.transaction, entry.history)
        guard await client.send(output: Array(text.utf8)) else { return false }
        return await client.send(.end)
    }

    private func showMessage(_ id: MessageID, to client: ControlClientConnection) async -> Bool {
        let request = answers.bodies.next()
        queue?.send(.body(request: request, id))
        guard let answer = await answers.bodies.answer(request) else { return false }
        switch answer.body {
        case nil:
            return await client.send(.failed("no such message"))
        case .inline(let bytes):
            guard await client.send(output: bytes) else { return false }
        case .file:
            guard let file = answer.file?.take() else { return await client.send(.failed("message not readable")) }
            var chunk = [UInt8](repeating: 0, count: ControlFrame.outputPiece)
            do throws(SystemError) {
                while true {
                    let count = try Files.readSome(file, into: &chunk)
                    if count == 0 { break }
                    guard await client.send(.output(Array(chunk[..<count]))) else { return false }
                }
            } catch {
                return await client.send(.failed("\(error)"))
            }
        }
        return await client.send(.end)
    }

    private func order(
        to client: ControlClientConnection, _ message: (UInt64) -> ControlToScheduler
    ) async -> Bool {
        let request = answers.counts.next()
        scheduler?.send(message(request))
        guard let count = await answers.counts.answer(request) else { return false }
        return await client.send(.done(count: count))
    }

    // MARK: Services

    private func setPaused(_ service: ControlService, _ paused: Bool, for client: ControlClientConnection) async -> Bool {
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

    private func showStatus(to client: ControlClientConnection) async -> Bool {
        let lines = [("MDA", ControlService.mda), ("MTA", .mta), ("SMTP", .smtp)].map { name, service in
            "\(name) \(pausedServices.contains(service) ? "paused" : "running")\n"
        }
        guard await client.send(output: Array(lines.joined().utf8)) else { return false }
        return await client.send(.end)
    }

    private func showStatistics(to client: ControlClientConnection) async -> Bool {
        var values = [Statistic(key: "control.session", value: sessionCount)]
        for ask in [
            { [self] in dispatcher?.send(.statistics(request: $0)) },
            { [self] in queue?.send(.statistics(request: $0)) },
            { [self] in scheduler?.send(.statistics(request: $0)) },
        ] as [(UInt64) -> Void] {
            let request = answers.statistics.next()
            ask(request)
            guard let more = await answers.statistics.answer(request) else { return false }
            values += more
        }
        let uptime = wallClockSeconds() - startTime
        var lines = values.map { "\($0.key)=\($0.value)" }
        lines += ["uptime=\(uptime)", "uptime.human=\(durationText(uptime))"]
        let text = lines.sorted().map { $0 + "\n" }.joined()
        guard await client.send(output: Array(text.utf8)) else { return false }
        return await client.send(.end)
    }

    private func reload(for client: ControlClientConnection) async -> Bool {
        let request = answers.reloads.next()
        parent?.send(.reload(request: request))
        guard let errors = await answers.reloads.answer(request) else { return false }
        return await client.send(errors.isEmpty ? .done(count: 1) : .failed(errors.joined(separator: "; ")))
    }

    private func updateTable(_ name: String, for client: ControlClientConnection) async -> Bool {
        let request = answers.tableUpdates.next()
        lookup?.send(.updateTable(request: request, name: name))
        guard let answer = await answers.tableUpdates.answer(request) else { return false }
        return await client.send(answer.map { .failed($0) } ?? .done(count: 1))
    }
}

extension EnvelopeSelection {
    init(_ selection: ControlSelection) {
        switch selection {
        case .envelope(let id): self = .envelope(id)
        case .message(let id): self = .message(id)
        case .all: self = .all
        }
    }
}

extension QueueListing.RunState {
    init(_ state: RunState) {
        switch state {
        case .pending(let seconds): self = .pending(in: seconds)
        case .inflight(let seconds): self = .inflight(since: seconds)
        case .held, .suspended, .unknown: self = .pending(in: 0)
        }
    }
}
