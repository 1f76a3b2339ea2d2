import Envelopes
import ProcessMessages
import QueueStorage

/// What control shows of the queue.
extension QueueProcess {
    /// Entries of one page at most, so that a frame holds them.
    private static let maximumPage = 500

    /// The next envelopes in order of id, of one message or of all; those that cannot be read are left out.
    func page(after: EnvelopeID?, of message: MessageID?, limit: Int) -> [ListedEnvelope] {
        let count = min(max(limit, 0), Self.maximumPage)
        let start = after ?? message.flatMap { EnvelopeID(rawValue: (UInt64($0.rawValue) << 32) - 1) }
        var entries: [ListedEnvelope] = []
        for facts in store.page(after: start, limit: count) {
            if let message, facts.id.message != message { break }
            if let entry = listed(facts.id) { entries.append(entry) }
        }
        return entries
    }

    func listed(_ id: EnvelopeID) -> ListedEnvelope? {
        do throws(StoreError) {
            return try store.listedEnvelope(id).map {
                ListedEnvelope(transaction: $0.transaction, envelope: $0.envelope, history: $0.history)
            }
        } catch {
            context.log.warning("envelope \(id): \(error)")
            return nil
        }
    }

    func sendBody(of message: MessageID, answering request: UInt64) {
        do throws(StoreError) {
            switch try store.body(message) {
            case .bytes(let bytes):
                control?.send(.body(request: request, .inline(bytes)))
            case .file(let descriptor, let size):
                control?.send(.body(request: request, .file(size: UInt64(size))), descriptor: descriptor)
            case nil:
                control?.send(.body(request: request, nil))
            }
        } catch {
            context.log.warning("message \(message): \(error)")
            control?.send(.body(request: request, nil))
        }
    }

    func statisticValues() -> [Statistic] {
        let counts = store.statistics
        return [
            Statistic(key: "queue.envelope", value: Int64(counts.envelopes)),
            Statistic(key: "queue.message", value: Int64(counts.messages)),
            Statistic(key: "queue.commit", value: Int64(counts.commits)),
            Statistic(key: "queue.commit.failed", value: Int64(counts.failedCommits)),
            Statistic(key: "queue.flush", value: Int64(counts.flushes)),
            Statistic(key: "queue.evpcache.load.hit", value: Int64(counts.envelopeCacheHits)),
            Statistic(key: "queue.evpcache.load.missed", value: Int64(counts.envelopeCacheMisses)),
            Statistic(key: "queue.segment", value: Int64(counts.segments)),
        ]
    }
}
