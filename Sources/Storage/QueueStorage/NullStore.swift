import Envelopes

/// A queue that takes every message and forgets it, for measuring what comes before the queue.
package final class NullStore: QueueStore {
    private var receiving: Set<MessageID> = []
    private var prepared: [MessageID] = []
    private var counts = StoreStatistics()
    private let random: () -> UInt64

    /// - Parameter random: A source of 64 random bits; ids are taken from it.
    package init(random: @escaping () -> UInt64) {
        self.random = random
    }

    package func beginMessage() throws(StoreError) -> MessageID {
        while true {
            guard let id = MessageID(rawValue: UInt32(truncatingIfNeeded: random())) else { continue }
            if receiving.insert(id).inserted { return id }
        }
    }

    package func makeEnvelopeID(in message: MessageID) -> EnvelopeID {
        while true {
            if let id = EnvelopeID(message, UInt32(truncatingIfNeeded: random())) { return id }
        }
    }

    package func appendBody(_ bytes: [UInt8], to message: MessageID) throws(StoreError) {
        guard receiving.contains(message) else { throw .unknownMessage }
    }

    package func prepareCommit(
        _ message: MessageID, _ transaction: Transaction, _ envelopes: [Envelope]
    ) throws(StoreError) {
        guard receiving.remove(message) != nil else { throw .unknownMessage }
        prepared.append(message)
    }

    package func abandon(_ message: MessageID) { receiving.remove(message) }

    package func addEnvelopes(_ envelopes: [Envelope], to message: MessageID) throws(StoreError) {
        throw .unknownMessage
    }

    package func record(_ history: DeliveryHistory, of envelope: EnvelopeID) {}
    package func recordGone(_ envelope: EnvelopeID) {}

    package var needsFlush: Bool { !prepared.isEmpty }
    package func beginFlush() -> FlushJob? { needsFlush ? FlushJob { FlushOutcome() } : nil }

    package func finishFlush(_ outcome: FlushOutcome) -> FlushResult {
        var result = FlushResult()
        result.committed = prepared
        counts.commits += prepared.count
        counts.flushes += 1
        prepared = []
        return result
    }

    package func envelope(_ id: EnvelopeID) throws(StoreError) -> QueuedEnvelope? { nil }
    package func body(_ message: MessageID) throws(StoreError) -> StoredBody? { nil }
    package func page(after: EnvelopeID?, limit: Int) -> [EnvelopeFacts] { [] }
    package func contains(_ message: MessageID) -> Bool { false }
    package func setAside(_ message: MessageID) -> StoreWarning? { nil }
    package func compactStep(budget: Int) -> Bool { false }

    package func prepareStep(budget: Int) -> Bool { false }
    package func close() -> FlushResult { flush() }
    package var statistics: StoreStatistics { counts }
}
