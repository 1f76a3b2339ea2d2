import EventLoop
import Filters
import Milters
import ProcessMessages
import SMTPProtocol

/// A message on its way past a milter: kept until it is complete, shown, then passed on as the milter wants it.
///
/// A chain of milters sees it one after the other, each with the changes of those before, which is how Sendmail and
/// Postfix do it: a signature covers what a spam filter has added.
@EventLoopActor
final class MilterContentStage: ContentStage {
    private let filter: MilterSessionFilter
    private let facts: FilterFacts
    private let next: any ContentSink
    private let newSpool: @EventLoopActor () -> MessageSpool
    private var divider = MessageDivider()
    private var body: MessageSpool
    private var isAbandoned = false

    init(
        of filter: MilterSessionFilter, _ facts: FilterFacts, into next: any ContentSink,
        spool: @escaping @EventLoopActor () -> MessageSpool
    ) {
        self.filter = filter
        self.facts = facts
        self.next = next
        newSpool = spool
        body = spool()
    }

    func receive(_ lines: [UInt8]) {
        let rest = divider.append(lines)
        if !rest.isEmpty { body.append(rest) }
    }

    var isCongested: Bool { body.isUnsettled }

    func ready() async { await body.settled() }

    func fail(_ reply: Reply) {
        isAbandoned = true
        next.fail(reply)
    }

    func abandon() { isAbandoned = true }

    func finish() {
        spawn { [self] in
            await body.settled()
            guard !isAbandoned else { return }
            if let refusal = body.failure { return next.fail(Reply(refusal)) }
            switch filter.contentPlan() {
            case .pass: await pass(EditableHeader(divider.header))
            case .refuse(let reply): next.fail(reply)
            case .discard:
                filter.amendments = [.discard]
                await pass(EditableHeader(divider.header))
            case .ask(let connection):
                do throws(MilterConnection.Trouble) {
                    try await show(to: connection)
                } catch {
                    guard !isAbandoned else { return }
                    filter.lose(error)
                    switch filter.verdictOfNobody {
                    case .refuse(let reply): next.fail(reply)
                    case .proceed, .discard: await pass(EditableHeader(divider.header))
                    }
                }
            }
        }
    }

    // MARK: Showing

    private func show(to connection: MilterConnection) async throws(MilterConnection.Trouble) {
        let macros = filter.macros(facts)
        var header = EditableHeader(divider.header)
        let changes = ChangeCollector(spool: newSpool)
        var verdict = try await showContent(of: header, to: connection, macros)
        if verdict == .proceed, !isAbandoned {
            verdict = try await connection.tell(.endOfMessage, macros, changes)
        }
        guard !isAbandoned else { return }
        switch verdict {
        case .refuse(let reply): next.fail(reply)
        case .discard:
            filter.amendments = [.discard]
            await pass(header)
        case .proceed:
            await changes.finish()
            guard !isAbandoned else { return }
            for change in changes.headerChanges { header.apply(change) }
            if let replacement = changes.body {
                body = replacement
                header.expectBody()
            }
            filter.amendments = changes.amendments
            if let refusal = body.failure { return next.fail(Reply(refusal)) }
            await pass(header)
        }
    }

    /// Tells of header and body; anything but ``MilterVerdict/proceed`` ends it early.
    private func showContent(
        of header: EditableHeader, to connection: MilterConnection, _ macros: MilterMacros
    ) async throws(MilterConnection.Trouble) -> MilterVerdict {
        if connection.wants(.header) {
            for field in header.visibleFields {
                let verdict = try await connection.tell(.header(name: field.name, value: field.value), macros)
                guard verdict == .proceed, !isAbandoned else { return verdict }
            }
        }
        let verdict = try await connection.tell(.endOfHeader, macros)
        guard verdict == .proceed, !isAbandoned else { return verdict }
        return try await showBody(to: connection, macros)
    }

    private func showBody(
        to connection: MilterConnection, _ macros: MilterMacros
    ) async throws(MilterConnection.Trouble) -> MilterVerdict {
        var wire = WireBody()
        var offset = 0
        while connection.wants(.body), !isAbandoned {
            guard let stored = body.piece(at: offset) else { return .temporaryRefusal }
            offset += stored.count
            let pieces = stored.isEmpty ? [wire.finish()].compactMap(\.self) : wire.append(stored)
            for piece in pieces where connection.wants(.body) {
                let verdict = try await connection.tell(.body(piece), macros)
                guard verdict == .proceed, !isAbandoned else { return verdict }
            }
            if stored.isEmpty { break }
        }
        return .proceed
    }

    // MARK: Passing on

    private func pass(_ header: EditableHeader) async {
        next.receive(header.bytes)
        var offset = 0
        /// The beginning of a line: the next stage gets whole ones. Lines of a body are bounded.
        var begun: [UInt8] = []
        while !isAbandoned {
            guard let piece = body.piece(at: offset) else { return next.fail(Reply(QueueRefusal.failure)) }
            if piece.isEmpty {
                if !begun.isEmpty { next.receive(begun) }
                return next.finish()
            }
            offset += piece.count
            guard let end = piece.lastIndex(of: 0x0A) else {
                begun += piece
                continue
            }
            next.receive(begun + piece[...end])
            begun = Array(piece[(end + 1)...])
            if next.isCongested { await next.ready() }
        }
    }
}
