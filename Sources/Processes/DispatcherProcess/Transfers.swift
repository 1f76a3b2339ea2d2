import Envelopes
import EventLoop
import Interprocess
import ProcessMessages

/// Messages on their way into the queue, each waiting for one answer at a time: opened, then committed.
@EventLoopActor
final class Transfers {
    private let openings = PendingRequests<Result<MessageID, TransferRefused>>()
    private var commits: [UInt64: UnsafeContinuation<QueueRefusal?, Never>] = [:]
    /// What was asked for with `nameEnvelopes`.
    private var envelopes: [UInt64: [EnvelopeID]] = [:]

    /// A number for a new transfer.
    func next() -> UInt64 { openings.next() }

    /// Waits for `opened` or `refused`.
    func opening(_ transfer: UInt64) async -> Result<MessageID, TransferRefused> {
        await openings.answer(transfer) ?? .failure(TransferRefused(refusal: .failure))
    }

    /// Waits for `committed` (nil) or `refused`.
    func commit(_ transfer: UInt64) async -> QueueRefusal? {
        await withUnsafeContinuation { commits[transfer] = $0 }
    }

    /// The message is given up; an answer that is still to come is for nobody.
    func abandon(_ transfer: UInt64) { openings.abandon(transfer) }

    func opened(_ transfer: UInt64, _ id: MessageID) { openings.resolve(transfer, .success(id)) }

    func named(_ transfer: UInt64, _ ids: [EnvelopeID]) { envelopes[transfer, default: []] += ids }

    /// The envelopes that the queue has named of a message that is committed.
    func takeEnvelopes(_ transfer: UInt64) -> [EnvelopeID] { envelopes.removeValue(forKey: transfer) ?? [] }

    func committed(_ transfer: UInt64) { commits.removeValue(forKey: transfer)?.resume(returning: nil) }

    func refused(_ transfer: UInt64, _ refusal: QueueRefusal) {
        if let commit = commits.removeValue(forKey: transfer) {
            commit.resume(returning: refusal)
        } else {
            openings.resolve(transfer, .failure(TransferRefused(refusal: refusal)))
        }
    }
}

struct TransferRefused: Error {
    let refusal: QueueRefusal
}
