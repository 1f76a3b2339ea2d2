import EventLoop
import Filters
import SMTPProtocol

/// The end of a chain: takes what filters have made of a message, checks it, and stores it.
@EventLoopActor
final class StoredContent: ContentSink {
    private var content: FilteredContent
    private let store: @EventLoopActor ([UInt8]) -> Void
    private let congested: @EventLoopActor () -> Bool
    private let drained: @EventLoopActor () async -> Void
    private var result: FilteredMessage?
    private var waiter: UnsafeContinuation<FilteredMessage, Never>?

    init(
        _ content: FilteredContent, store: @escaping @EventLoopActor ([UInt8]) -> Void,
        congested: @escaping @EventLoopActor () -> Bool, drained: @escaping @EventLoopActor () async -> Void
    ) {
        self.content = content
        self.store = store
        self.congested = congested
        self.drained = drained
    }

    func receive(_ lines: [UInt8]) {
        guard result == nil else { return }
        let checked = content.append(lines)
        if let fault = content.fault { return settle(.refused(fault.reply)) }
        if !checked.isEmpty { store(checked) }
    }

    func finish() {
        guard result == nil else { return }
        let rest = content.finish()
        if !rest.isEmpty { store(rest) }
        settle(content.fault.map { .refused($0.reply) } ?? .complete(size: content.storedSize))
    }

    func fail(_ reply: Reply) { settle(.refused(reply)) }

    var isCongested: Bool { congested() }

    func ready() async { await drained() }

    /// Waits for the end.
    func outcome() async -> FilteredMessage {
        if let result { return result }
        return await withUnsafeContinuation { waiter = $0 }
    }

    private func settle(_ outcome: FilteredMessage) {
        guard result == nil else { return }
        result = outcome
        waiter.take()?.resume(returning: outcome)
    }
}
