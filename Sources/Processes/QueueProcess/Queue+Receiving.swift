import Envelopes
import EventLoop
import ProcessMessages
import QueueStorage
import RoleProcess

/// New messages: collected piece by piece, committed together with whatever else waits (group commit).

/// A message the dispatcher is still sending.
struct IncomingMessage {
    var id: MessageID
    var drafts: [EnvelopeDraft] = []
    /// The store could not take a piece; the commit will be refused with this.
    var failure: QueueRefusal?
    var identity = MessageIdentity()
    /// Its envelopes are suspended from the beginning.
    var isQuarantined = false
    /// Whoever brings it wants to know the ids of its envelopes.
    var namesEnvelopes = false
}

/// What the history tells of a message's content.
struct MessageIdentity {
    private var search = MessageIDSearch()
    private(set) var size: Int64 = 0

    /// The Message-ID, empty for none.
    var text: String { search.text }

    mutating func append(_ bytes: [UInt8]) {
        size += Int64(bytes.count)
        if !search.isFinished { search.append(bytes) }
    }
}

/// A message whose records wait for the flush.
struct CommittingMessage {
    /// Who is told: the dispatcher's transfer, or nobody for a report that the queue wrote itself.
    var transfer: UInt64?
    /// The bounces that a report of our own answers; they are done with once it is durable.
    var answers: [EnvelopeID] = []
    var transaction: Transaction
    var identity: MessageIdentity
    var envelopes: [Envelope]
    var isQuarantined = false
    var namesEnvelopes = false
}

extension QueueProcess {
    func begin(_ transfer: UInt64) {
        guard incoming[transfer] == nil else { context.fail("transfer \(transfer) begun twice") }
        do throws(StoreError) {
            let id = try store.beginMessage()
            incoming[transfer] = IncomingMessage(id: id)
            context.log.trace(TraceSubjects.queue, "msgid=\(id) opened")
            dispatcher?.send(.opened(transfer: transfer, id))
        } catch {
            context.log.warning("no new message: \(error)")
            dispatcher?.send(.refused(transfer: transfer, QueueRefusal(error)))
        }
    }

    func append(_ bytes: [UInt8], to transfer: UInt64) {
        guard let message = incoming[transfer], message.failure == nil else { return }
        do throws(StoreError) {
            try store.appendBody(bytes, to: message.id)
            if history != nil { incoming[transfer]?.identity.append(bytes) }
        } catch {
            context.log.warning("message \(message.id): \(error)")
            incoming[transfer]?.failure = QueueRefusal(error)
        }
    }

    func add(_ drafts: [EnvelopeDraft], to transfer: UInt64) {
        incoming[transfer]?.drafts += drafts
    }

    func commit(_ transfer: UInt64, _ transaction: Transaction) {
        guard let message = incoming.removeValue(forKey: transfer) else {
            context.fail("commit of transfer \(transfer), which was not begun")
        }
        guard !message.drafts.isEmpty else { context.fail("commit of a message without envelopes") }
        if let failure = message.failure {
            store.abandon(message.id)
            dispatcher?.send(.refused(transfer: transfer, failure))
            return
        }
        let envelopes = makeEnvelopes(of: message.id, from: message.drafts)
        do throws(StoreError) {
            try store.prepareCommit(message.id, transaction, envelopes)
            committing[message.id] = CommittingMessage(
                transfer: transfer, transaction: transaction, identity: message.identity, envelopes: envelopes,
                isQuarantined: message.isQuarantined, namesEnvelopes: message.namesEnvelopes)
            planFlush()
        } catch {
            context.log.warning("message \(message.id): \(error)")
            dispatcher?.send(.refused(transfer: transfer, QueueRefusal(error)))
        }
    }

    func quarantine(_ transfer: UInt64) { incoming[transfer]?.isQuarantined = true }

    func nameEnvelopes(_ transfer: UInt64) { incoming[transfer]?.namesEnvelopes = true }

    func rollback(_ transfer: UInt64) {
        guard let message = incoming.removeValue(forKey: transfer) else { return }
        context.log.trace(TraceSubjects.queue, "msgid=\(message.id) given up")
        store.abandon(message.id)
    }

    func makeEnvelopes(of message: MessageID, from drafts: [EnvelopeDraft]) -> [Envelope] {
        let now = Timestamp(seconds: wallClockSeconds())
        return drafts.map { draft in
            Envelope(
                id: store.makeEnvelopeID(in: message), recipient: draft.recipient, destination: draft.destination,
                action: draft.action, kind: draft.kind, created: now, timeToLive: draft.timeToLive,
                notify: draft.notify, originalRecipient: draft.originalRecipient)
        }
    }
}

extension QueueRefusal {
    init(_ error: StoreError) {
        switch error {
        case .outOfSpace: self = .outOfSpace
        case .system(let error): self = error.isOutOfSpace ? .outOfSpace : .failure
        case .inUse, .newerFormat, .unknownMessage, .tooLarge, .damaged, .unknownKey, .compressed: self = .failure
        }
    }
}
