import Envelopes
import ProcessMessages
import QueueStorage

/// What control shows of the queue.
extension QueueProcess {
    /// Entries of one page at most, so that a frame holds them.
    private static let maximumPage = 500

    /// The next envelopes in order of id, of one message or of all; those that cannot be read are left out.
    func page(after: EnvelopeID?, of message: MessageID?, limit: Int) -> ListedLines {
        let count = min(max(limit, 0), Self.maximumPage)
        var start = after ?? message.flatMap { EnvelopeID(rawValue: (UInt64($0.rawValue) << 32) - 1) }
        var listed = ListedLines()
        while listed.lines.isEmpty {
            let page = store.page(after: start, limit: count)
            guard let last = page.last else { break }
            start = last.id
            for facts in page {
                if let message, facts.id.message != message { return listed }
                if let queued = queued(facts.id) { listed.append(queued.envelope, queued.transaction, queued.history) }
            }
        }
        return listed
    }

    func listed(_ id: EnvelopeID) -> ListedEnvelope? {
        queued(id).map { ListedEnvelope(transaction: $0.transaction, envelope: $0.envelope, history: $0.history) }
    }

    private func queued(_ id: EnvelopeID) -> QueuedEnvelope? {
        do throws(StoreError) {
            return try store.listedEnvelope(id)
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
