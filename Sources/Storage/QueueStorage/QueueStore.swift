import Envelopes
import Platform

/// The spool: where accepted messages wait until every envelope of theirs is delivered or given up.
///
/// A store is driven by one thread and never calls back. A message is *received* (``beginMessage()``,
/// ``appendBody(_:to:)``), then *prepared* (``prepareCommit(_:_:_:)``), and *queued* as soon as a flush has
/// reported it in ``FlushResult/committed``; only then may the client be told 250. Before that nothing of it
/// is visible in lookups and listings, and after a failure nothing is left of it.
///
/// Outcomes (``record(_:of:)``, ``recordGone(_:)``, ``addEnvelopes(_:to:)``) are visible at once and durable with
/// the next flush, in the order in which they were given. When the machine stops before that flush, an envelope
/// that was recorded as gone comes back and is delivered a second time: the duplicate that RFC 1047 allows.
/// A caller that replaces an envelope by a bounce adds the bounce first: no crash then loses both.
///
/// A flush is one write and one `fdatasync` for everything that waits. `flush()` does it on the spot;
/// ``beginFlush()`` hands the blocking part out as a value that another thread may perform.
package protocol QueueStore: AnyObject {
    /// Starts a message under a fresh random id.
    ///
    /// - Throws: ``StoreError/outOfSpace`` when only the room reserved for outcomes is left.
    func beginMessage() throws(StoreError) -> MessageID

    /// A random id that no envelope of this message has or was given before.
    func makeEnvelopeID(in message: MessageID) -> EnvelopeID

    /// Takes the next bytes of the body of a message that is being received.
    ///
    /// - Throws: ``StoreError/unknownMessage``, ``StoreError/outOfSpace``, ``StoreError/system(_:)``. The caller
    ///   then abandons the message.
    func appendBody(_ bytes: [UInt8], to message: MessageID) throws(StoreError)

    /// Ends the body and queues message and envelopes for the next flush.
    ///
    /// - Parameter envelopes: At least one, each with an id made by ``makeEnvelopeID(in:)``.
    /// - Throws: ``StoreError/unknownMessage``; ``StoreError/tooLarge`` when the envelopes do not fit in one record;
    ///   ``StoreError/outOfSpace``. The message is abandoned then.
    func prepareCommit(_ message: MessageID, _ transaction: Transaction, _ envelopes: [Envelope]) throws(StoreError)

    /// Forgets a message that is being received; no effect on one that is prepared, queued or unknown.
    func abandon(_ message: MessageID)

    /// Adds envelopes, such as bounces, to a queued message; they share its transaction.
    ///
    /// - Throws: ``StoreError/unknownMessage``, or what reading the message's transaction throws.
    func addEnvelopes(_ envelopes: [Envelope], to message: MessageID) throws(StoreError)

    /// Replaces the history of an envelope; no effect on one that is gone, since an outcome may come late.
    ///
    /// Of ``DeliveryHistory/lastError`` at most ``StoreLimits/errorText`` bytes are kept.
    func record(_ history: DeliveryHistory, of envelope: EnvelopeID)

    /// The envelope needs no further delivery. With the last one the message goes as well.
    func recordGone(_ envelope: EnvelopeID)

    /// True while something waits for a flush. After a ``FlushResult/failure`` it stays true: try again later, not at
    /// once.
    var needsFlush: Bool { get }

    /// Takes what waits and returns the blocking work for it, nil when nothing waits or a job is still out.
    ///
    /// The job may be performed on any thread. Everything but another `beginFlush` may be called meanwhile.
    func beginFlush() -> FlushJob?

    /// Takes the outcome of the job from ``beginFlush()``. A flush takes a bounded amount, and a big body one flush
    /// more: go on while ``needsFlush``.
    func finishFlush(_ outcome: FlushOutcome) -> FlushResult

    /// One envelope with all that is known of it; nil when it is not queued.
    ///
    /// - Throws: ``StoreError/damaged(_:)`` when its record cannot be read; see ``setAside(_:)``.
    func envelope(_ id: EnvelopeID) throws(StoreError) -> QueuedEnvelope?

    /// The same for a listing, which looks at every envelope once and must not push out what is in use.
    func listedEnvelope(_ id: EnvelopeID) throws(StoreError) -> QueuedEnvelope?

    /// The body of a queued message; nil when it is not queued.
    ///
    /// - Throws: ``StoreError/damaged(_:)`` when it cannot be read; see ``setAside(_:)``.
    func body(_ message: MessageID) throws(StoreError) -> StoredBody?

    /// Up to `limit` queued envelopes in order of id, from the first one above `after`; no disk is touched.
    func page(after: EnvelopeID?, limit: Int) -> [EnvelopeFacts]

    func contains(_ message: MessageID) -> Bool

    /// Takes a message out of the queue whose record or body turned out to be damaged, keeps what is left
    /// of it in the `corrupt` place, and says so.
    func setAside(_ message: MessageID) -> StoreWarning?

    /// Makes the store smaller where it is worth it, at most about `budget` bytes at a time, the writes of which
    /// join the next flush. False when there is nothing to do.
    func compactStep(budget: Int) -> Bool

    /// Prepares room that later commits are faster in, at most about `budget` bytes at a time; for quiet
    /// moments, since it takes the disk. False when there is nothing to do.
    func prepareStep(budget: Int) -> Bool

    /// Flushes and closes. Messages that are being received are forgotten; no other call may follow.
    func close() -> FlushResult

    var statistics: StoreStatistics { get }
}

extension QueueStore {
    package func listedEnvelope(_ id: EnvelopeID) throws(StoreError) -> QueuedEnvelope? { try envelope(id) }

    /// Makes everything that waits durable on the calling thread.
    ///
    /// Outcomes that cannot be written stay in memory and wait for the next flush; the result then says why in
    /// ``FlushResult/failure``.
    package func flush() -> FlushResult {
        var total = FlushResult()
        while needsFlush {
            guard let job = beginFlush() else { break }
            let result = finishFlush(job.perform())
            total.merge(result)
            if result.failure != nil { break }
        }
        return total
    }

    /// The ids of a queued message's envelopes in order.
    package func envelopes(of message: MessageID) -> [EnvelopeID] {
        var ids: [EnvelopeID] = []
        // The number zero is never used, so this id, were it one, would lie just below the first.
        var after = EnvelopeID(rawValue: (UInt64(message.rawValue) << 32) - 1)
        while true {
            let page = page(after: after, limit: 256)
            for facts in page {
                guard facts.id.message == message else { return ids }
                ids.append(facts.id)
            }
            guard let last = page.last else { return ids }
            after = last.id
        }
    }
}

/// An envelope as it waits in the queue.
package struct QueuedEnvelope: Hashable, Sendable {
    package var transaction: Transaction
    package var envelope: Envelope
    package var history: DeliveryHistory

    package init(transaction: Transaction, envelope: Envelope, history: DeliveryHistory) {
        self.transaction = transaction
        self.envelope = envelope
        self.history = history
    }
}

/// What a scheduler needs of a queued envelope; held in memory for each of them.
///
/// Times are exact between 1970 and 2106 and are clamped to that range.
package struct EnvelopeFacts: Hashable, Sendable {
    package var id: EnvelopeID
    package var kind: Kind
    package var created: Timestamp
    /// Seconds.
    package var timeToLive: Int64
    package var attempts: UInt32
    package var lastAttempt: Timestamp?
    package var lastNotice: Timestamp?
    package var isSuspended: Bool

    /// ``Envelope/Kind`` without its details.
    package enum Kind: UInt8, Hashable, Sendable {
        case local = 1
        case relay = 2
        case bounce = 3

        package init(_ kind: Envelope.Kind) {
            switch kind {
            case .local: self = .local
            case .relay: self = .relay
            case .bounce: self = .bounce
            }
        }
    }
}

/// A message body as the store hands it out.
package enum StoredBody: ~Copyable, Sendable {
    case bytes([UInt8])
    /// A big one: a file opened for reading, its position at the start, and its size in bytes.
    case file(OwnedDescriptor, size: Int64)
}

/// The blocking part of a flush, to be performed once on any thread.
package struct FlushJob: Sendable {
    let work: @Sendable () -> FlushOutcome

    package func perform() -> FlushOutcome { work() }
}

/// What became of a ``FlushJob``, to be given back to the store.
package struct FlushOutcome: Sendable {
    /// One per big body that was to be made durable.
    var bodies: [SystemError?] = []
    /// What stopped the write to the log.
    var log: SystemError?
    /// What stopped the oldest segment from being given back.
    var recycling: SystemError?
    /// Files that could not be removed.
    var removals: [(name: String, error: SystemError)] = []
}

/// What a flush achieved.
package struct FlushResult: Sendable {
    /// Messages that are on stable storage now.
    package var committed: [MessageID] = []
    /// Messages of which nothing is kept.
    package var failed: [(message: MessageID, error: StoreError)] = []
    /// Envelopes from ``QueueStore/addEnvelopes(_:to:)`` that are on stable storage now.
    package var added: [EnvelopeID] = []
    /// Why outcomes are still waiting.
    package var failure: StoreError?
    /// What an operator should know.
    package var warnings: [StoreWarning] = []

    package init() {}

    mutating func merge(_ other: FlushResult) {
        committed += other.committed
        failed += other.failed
        added += other.added
        warnings += other.warnings
        failure = other.failure ?? failure
    }
}

/// What a store counts.
package struct StoreStatistics: Hashable, Sendable {
    package var messages = 0
    package var envelopes = 0
    /// Writes that made something durable, each with one sync of the log.
    package var flushes = 0
    package var commits = 0
    package var failedCommits = 0
    package var envelopeCacheHits = 0
    package var envelopeCacheMisses = 0
    /// Messages whose envelopes are in memory.
    package var envelopeCacheSize = 0
    package var bodyCacheHits = 0
    package var bodyCacheMisses = 0
    package var compactedMessages = 0
    /// Segment files in use, and those prepared for use.
    package var segments = 0
    package var spareSegments = 0

    package init() {}
}

/// Bounds of what a store takes and keeps.
package enum StoreLimits {
    /// Bytes kept of ``DeliveryHistory/lastError``.
    package static let errorText = 1024
}
