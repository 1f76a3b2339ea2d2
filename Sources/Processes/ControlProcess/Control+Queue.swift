import ControlMessages
import Envelopes
import EventLoop
import Platform
import ProcessMessages
import Scheduling

/// The queue as clients see it, and what they order about its envelopes.
extension ControlProcess {
    /// Entries asked for at a time: one answer of the queue, one of the scheduler, one piece of output.
    private static let pageSize: UInt32 = 250

    /// What a client may see of what he asks for; nil when that is nothing.
    private func filter(_ selection: ControlSelection, _ access: Access) -> QueueFilter? {
        switch access {
        case .none: nil
        case .own(let uid): selection.filter.restricted(toUser: uid)
        case .full: selection.filter
        }
    }

    func showQueue(_ selection: ControlSelection, _ access: Access, to client: ControlClientConnection) async -> Bool {
        guard let filter = filter(selection, access) else { return await client.send(.end) }
        var asked: UInt64?
        var after: EnvelopeID?
        repeat {
            let (early, start) = (asked, after)
            let answer = await inTurn(access) { [self] in
                await answers.pages.answer(early ?? askForPage(of: filter, after: start))
            }
            guard let (listed, next) = answer else { return false }
            // The queue reads on while this page is shown, for those who do not wait for their turn.
            asked = access == .full ? next.map { askForPage(of: filter, after: $0) } : nil
            after = next
            guard await show(listed, filter, to: client) else {
                if let asked { answers.pages.abandon(asked) }
                return false
            }
        } while after != nil
        return await client.send(.end)
    }

    /// Users have the queue searched one after the other, a page at a time and with a moment for mail between two: a crowd
    /// of them holds nothing up.
    func inTurn<Answer: Sendable>(_ access: Access, _ question: @EventLoopActor () async -> Answer) async -> Answer {
        guard access != .full else { return await question() }
        await searches.enter()
        let answer = await question()
        await pause(until: .now() + .milliseconds(2))
        searches.leave()
        return answer
    }

    /// Puts in where each envelope stands; false when the client is gone.
    private func show(_ listed: ListedLines, _ filter: QueueFilter, to client: ControlClientConnection) async -> Bool {
        if listed.lines.isEmpty { return true }
        guard let states = await states(of: listed.lines.map(\.id)) else { return false }
        var lines: [UInt8] = []
        lines.reserveCapacity(listed.text.count + 32 * states.count)
        for (index, state) in zip(listed.lines.indices, states) where filter.matches(state) {
            listed.appendLine(index, state: QueueListing.RunState(state), isHeld: state == .held, to: &lines)
            lines.append(0x0A)
        }
        return await client.send(output: lines)
    }

    private func states(of ids: [EnvelopeID]) async -> [RunState]? {
        let asked = answers.states.next()
        scheduler?.send(.states(request: asked, ids))
        return await answers.states.answer(asked)
    }

    private func askForPage(of filter: QueueFilter, after: EnvelopeID?) -> UInt64 {
        let page = answers.pages.next()
        queue?.send(.page(request: page, after: after, filter, limit: Self.pageSize))
        return page
    }

    func showEnvelope(_ id: EnvelopeID, _ access: Access, to client: ControlClientConnection) async -> Bool {
        guard await mayShow(.envelope(id), access) else { return await client.send(.failed("no such envelope")) }
        let request = answers.envelopes.next()
        queue?.send(.envelope(request: request, id))
        guard let answer = await answers.envelopes.answer(request) else { return false }
        guard let entry = answer else { return await client.send(.failed("no such envelope")) }
        let text = QueueListing.text(entry.envelope, entry.transaction, entry.history)
        guard await client.send(output: Array(text.utf8)) else { return false }
        return await client.send(.end)
    }

    /// Whether there is something of a user's own among what he asks for; others' mail is not there for him.
    private func mayShow(_ selection: ControlSelection, _ access: Access) async -> Bool {
        guard access != .full else { return true }
        guard let filter = filter(selection, access) else { return false }
        var after: EnvelopeID?
        repeat {
            guard let (ids, next) = await select(filter, after: after, access) else { return false }
            if !ids.isEmpty { return true }
            after = next
        } while after != nil
        return false
    }

    func showMessage(_ id: MessageID, _ access: Access, to client: ControlClientConnection) async -> Bool {
        guard await mayShow(.message(id), access) else { return await client.send(.failed("no such message")) }
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

    // MARK: Orders

    /// Gives an order about envelopes and tells how many it concerned.
    ///
    /// - Parameter isWritten: The queue writes down, at once, what comes of it for each envelope: about all of a large queue it
    ///   is given a page at a time, so that mail finds its way between.
    func order(
        _ selection: ControlSelection, _ access: Access, to client: ControlClientConnection, isWritten: Bool = false,
        _ message: (UInt64, EnvelopeSelection) -> ControlToScheduler
    ) async -> Bool {
        let isWhole = if case .all = selection { !isWritten } else { true }
        if access == .full, isWhole, let whole = EnvelopeSelection(selection) {
            guard let count = await count(of: { message($0, whole) }) else { return false }
            return await client.send(.done(count: count))
        }
        guard let filter = filter(selection, access) else { return await client.send(.done(count: 0)) }
        var total: UInt64 = 0
        var after: EnvelopeID?
        repeat {
            guard let (selected, next) = await select(filter, after: after, access) else { return false }
            after = next
            var ids = selected
            if !filter.states.isEmpty, !ids.isEmpty {
                guard let states = await states(of: ids) else { return false }
                ids = zip(ids, states).filter { filter.matches($0.1) }.map(\.0)
            }
            if ids.isEmpty { continue }
            guard let count = await count(of: { message($0, .envelopes(ids)) }) else { return false }
            total += count
        } while after != nil
        return await client.send(.done(count: total))
    }

    private func select(_ filter: QueueFilter, after: EnvelopeID?, _ access: Access) async -> ([EnvelopeID], EnvelopeID?)? {
        await inTurn(access) { [self] in
            let request = answers.selections.next()
            queue?.send(.select(request: request, after: after, filter))
            return await answers.selections.answer(request)
        }
    }

    private func count(of message: (UInt64) -> ControlToScheduler) async -> UInt64? {
        let request = answers.counts.next()
        scheduler?.send(message(request))
        return await answers.counts.answer(request)
    }
}

extension EnvelopeSelection {
    /// Nil for a filter, whose envelopes the scheduler cannot know.
    init?(_ selection: ControlSelection) {
        switch selection {
        case .envelope(let id): self = .envelope(id)
        case .message(let id): self = .message(id)
        case .all: self = .all
        case .matching: return nil
        }
    }
}

extension QueueFilter {
    /// Whether an envelope in this state is meant. One that has just gone is shown to whoever wants all.
    func matches(_ state: RunState) -> Bool {
        switch state {
        case .pending: matches(State.pending)
        case .deferred: matches(State.deferred)
        case .inflight: matches(State.inflight)
        case .held: matches(State.held)
        case .suspended: matches(State.paused)
        case .unknown: states.isEmpty
        }
    }
}

extension QueueListing.RunState {
    init(_ state: RunState) {
        switch state {
        case .pending(let seconds), .deferred(let seconds): self = .pending(in: seconds)
        case .inflight(let seconds): self = .inflight(since: seconds)
        case .held, .suspended, .unknown: self = .pending(in: 0)
        }
    }
}
