import Envelopes
import EventLoop
import ProcessMessages
import QueueStorage

/// What control shows of the queue.
extension QueueProcess {
    /// Lines of one page at most, so that a frame holds them.
    private static let maximumPage = 500
    /// Envelopes looked at for one answer: others wait meanwhile.
    private static let maximumLook = 1_000

    /// The next envelopes in order of id that a filter lets through, and behind which one to go on.
    func page(after: EnvelopeID?, _ filter: QueueFilter, limit: Int) -> (ListedLines, EnvelopeID?) {
        var listed = ListedLines()
        let next = look(after: after, filter, limit: min(max(limit, 1), Self.maximumPage)) { id in
            guard let queued = queued(id), fits(queued, filter) else { return false }
            listed.append(queued.envelope, queued.transaction, queued.history)
            return true
        }
        return (listed, next)
    }

    /// The ids alone.
    func select(after: EnvelopeID?, _ filter: QueueFilter) -> ([EnvelopeID], EnvelopeID?) {
        var ids: [EnvelopeID] = []
        let next = look(after: after, filter, limit: Self.maximumLook) { id in
            if !filter.asksIDsOnly {
                guard let queued = queued(id), fits(queued, filter) else { return false }
            }
            ids.append(id)
            return true
        }
        return (ids, next)
    }

    private func fits(_ queued: QueuedEnvelope, _ filter: QueueFilter) -> Bool {
        filter.matches(queued.envelope, queued.transaction, queued.history, now: wallClockSeconds())
    }

    /// Looks at envelopes in order of id until `limit` of them were taken, or enough were looked at; nil when there are
    /// no more. Those that cannot be read are left out.
    private func look(
        after: EnvelopeID?, _ filter: QueueFilter, limit: Int, _ take: (EnvelopeID) -> Bool
    ) -> EnvelopeID? {
        let range = filter.ids
        var last = after ?? Self.id(before: range.lowerBound)
        var looked = 0
        var taken = 0
        while looked < Self.maximumLook, taken < limit {
            let page = store.page(after: last, limit: min(Self.maximumLook - looked, limit - taken))
            if page.isEmpty { return nil }
            for facts in page {
                guard facts.id.rawValue <= range.upperBound else { return nil }
                last = facts.id
                looked += 1
                if take(facts.id) { taken += 1 }
            }
        }
        return last
    }

    /// The greatest id that there can be before a number; nil when none is.
    private static func id(before first: UInt64) -> EnvelopeID? {
        guard first >= 2 else { return nil }
        // Both halves of an id are at least 1: before the first of a message stands the last of the one before.
        return EnvelopeID(rawValue: first - 1) ?? EnvelopeID(rawValue: first - 2)
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
}
