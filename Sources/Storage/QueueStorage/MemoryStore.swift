import Envelopes

/// A queue that lives and dies with the process, for tests and for hosts that want no spool.
package final class MemoryStore: QueueStore {
    private struct Message {
        var body: [UInt8] = []
        var transaction: Transaction?
        var envelopes: [EnvelopeID] = []
        /// Ids given out while it was received.
        var numbers: Set<UInt32> = []
    }

    private var receiving: [MessageID: Message] = [:]
    private var messages: [MessageID: Message] = [:]
    private var prepared: [(id: MessageID, message: Message, envelopes: [Envelope])] = []
    private var added: [EnvelopeID] = []
    private var queue = SortedBlocks<Entry>()
    private var counts = StoreStatistics()
    private let random: () -> UInt64

    private struct Entry: SortedElement {
        var key: UInt64
        var queued: QueuedEnvelope
    }

    /// - Parameter random: A source of 64 random bits; ids are taken from it.
    package init(random: @escaping () -> UInt64) {
        self.random = random
    }

    package func beginMessage() throws(StoreError) -> MessageID {
        while true {
            guard let id = MessageID(rawValue: UInt32(truncatingIfNeeded: random())), isFree(id) else { continue }
            receiving[id] = Message()
            return id
        }
    }

    private func isFree(_ id: MessageID) -> Bool {
        receiving[id] == nil && messages[id] == nil && !prepared.contains { $0.id == id }
    }

    package func makeEnvelopeID(in message: MessageID) -> EnvelopeID {
        while true {
            let number = UInt32(truncatingIfNeeded: random())
            guard let id = EnvelopeID(message, number), queue[id.rawValue] == nil else { continue }
            if receiving[message] != nil, receiving[message]?.numbers.insert(number).inserted != true { continue }
            return id
        }
    }

    package func appendBody(_ bytes: [UInt8], to message: MessageID) throws(StoreError) {
        guard receiving[message] != nil else { throw .unknownMessage }
        receiving[message]?.body += bytes
    }

    package func prepareCommit(
        _ message: MessageID, _ transaction: Transaction, _ envelopes: [Envelope]
    ) throws(StoreError) {
        precondition(!envelopes.isEmpty, "a message without envelopes cannot be committed")
        guard var received = receiving.removeValue(forKey: message) else { throw .unknownMessage }
        received.transaction = transaction
        received.numbers = []
        prepared.append((message, received, envelopes))
    }

    package func abandon(_ message: MessageID) {
        receiving[message] = nil
    }

    package func addEnvelopes(_ envelopes: [Envelope], to message: MessageID) throws(StoreError) {
        guard messages[message] != nil else { throw .unknownMessage }
        insert(envelopes, into: message)
        added += envelopes.map(\.id)
    }

    private func insert(_ envelopes: [Envelope], into message: MessageID) {
        guard let transaction = messages[message]?.transaction else { return }
        for envelope in envelopes {
            let queued = QueuedEnvelope(transaction: transaction, envelope: envelope, history: DeliveryHistory())
            if queue.insert(Entry(key: envelope.id.rawValue, queued: queued)) {
                messages[message]?.envelopes.append(envelope.id)
            }
        }
    }

    package func record(_ history: DeliveryHistory, of envelope: EnvelopeID) {
        queue.update(envelope.rawValue) { $0.queued.history = history.bounded }
    }

    package func recordGone(_ envelope: EnvelopeID) {
        guard queue.remove(envelope.rawValue) != nil else { return }
        let message = envelope.message
        messages[message]?.envelopes.removeAll { $0 == envelope }
        if messages[message]?.envelopes.isEmpty == true { messages[message] = nil }
    }

    package var needsFlush: Bool { !prepared.isEmpty || !added.isEmpty }

    package func beginFlush() -> FlushJob? {
        needsFlush ? FlushJob { FlushOutcome() } : nil
    }

    package func finishFlush(_ outcome: FlushOutcome) -> FlushResult {
        var result = FlushResult()
        for (id, message, envelopes) in prepared {
            messages[id] = message
            insert(envelopes, into: id)
            result.committed.append(id)
        }
        result.added = added
        counts.commits += prepared.count
        counts.flushes += 1
        prepared = []
        added = []
        return result
    }

    package func envelope(_ id: EnvelopeID) throws(StoreError) -> QueuedEnvelope? {
        queue[id.rawValue]?.queued
    }

    package func body(_ message: MessageID) throws(StoreError) -> StoredBody? {
        guard let found = messages[message] else { return nil }
        return .bytes(found.body)
    }

    package func page(after: EnvelopeID?, limit: Int) -> [EnvelopeFacts] {
        var page: [EnvelopeFacts] = []
        queue.forEach(after: after?.rawValue ?? 0) { entry in
            guard page.count < limit else { return false }
            page.append(EnvelopeFacts(entry.queued))
            return true
        }
        return page
    }

    package func contains(_ message: MessageID) -> Bool { messages[message] != nil }

    package func setAside(_ message: MessageID) -> StoreWarning? {
        guard let found = messages.removeValue(forKey: message) else { return nil }
        for envelope in found.envelopes { _ = queue.remove(envelope.rawValue) }
        return StoreWarning(name: message.description, problem: "removed from the memory queue")
    }

    package func compactStep(budget: Int) -> Bool { false }

    package func prepareStep(budget: Int) -> Bool { false }

    package func close() -> FlushResult { flush() }

    package var statistics: StoreStatistics {
        var result = counts
        result.messages = messages.count
        result.envelopes = queue.count
        return result
    }
}

extension EnvelopeFacts {
    init(_ queued: QueuedEnvelope) {
        self.init(
            id: queued.envelope.id, kind: Kind(queued.envelope.kind), created: queued.envelope.created,
            timeToLive: queued.envelope.timeToLive, attempts: queued.history.attempts,
            lastAttempt: queued.history.lastAttempt, lastNotice: queued.history.lastNotice,
            isSuspended: queued.history.isSuspended)
    }
}

extension DeliveryHistory {
    /// The history with no more error text than a store keeps, cut between characters.
    var bounded: DeliveryHistory {
        guard lastError.utf8.count > StoreLimits.errorText else { return self }
        var end = lastError.startIndex
        var size = 0
        while end < lastError.endIndex {
            size += lastError.unicodeScalars[end].utf8.count
            guard size <= StoreLimits.errorText else { break }
            end = lastError.unicodeScalars.index(after: end)
        }
        var result = self
        result.lastError = String(lastError[..<end])
        return result
    }
}
