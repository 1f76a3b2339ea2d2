import Envelopes
import Platform

/// The spool of an ordinary server: a log of records in segment files, synced once for all that waits.
///
/// Start reading here, then `LogStore+Flush`. In the store's directory:
///
///     lock                  held while a process has the store open
///     format                the version of all this
///     segments/NNNNNNNN     the log, one file per sequence number; new records go to the last
///     segments/spare-*      prepared files of full size, for new segments and as the room kept for outcomes
///     incoming/MSGID        a big body being received
///     large/MSGID           a big body of a queued message
///     corrupt/              what could not be understood, for people to look at
///
/// Segments are given back strictly from the oldest on, so the record that something is gone outlives the record
/// it speaks of, and a replay in order gives the truth. Messages that are still queued in the oldest segment are
/// written anew at the end first (`LogStore+Compaction`). A flush that fails ends its segment: the header of the
/// next one says where the durable part ended, and what lies behind is never read.
///
/// This directory is the store's alone; see ``open(device:options:random:)`` for what is done with other names.
package final class LogStore: QueueStore {
    /// Sizes in bytes unless said otherwise. The defaults suit a server; tests make them small.
    package struct Options: Sendable {
        /// Of a segment file; two are allocated from the start, and a start after a crash reads one.
        package var segmentSize = 16 << 20
        /// A body above this goes to a file of its own.
        package var largestInlineBody = 128 << 10
        /// When bodies being received exceed this together, the next to grow goes to a file of its own.
        package var bufferedBodies = 16 << 20
        /// About how much one flush writes.
        package var batch = 4 << 20
        /// About how much the summary of a segment may take; a segment of very many small records ends early.
        package var summary = 4 << 20
        /// Envelopes kept decoded.
        package var cachedEnvelopes = 1024
        package var cachedBodies = 4 << 20

        package init() {}
    }

    struct Segment {
        var sequence: UInt32
        var file: FileHandle
        var salt: UInt64
        /// Where its durable records end.
        var end: Int
        /// Of the file; ``Options/segmentSize`` unless it was another one when the segment was made.
        var size: Int
        /// How its payloads may be wrapped.
        var wrapping = SegmentWrapping()
        /// Up to where this process wrote zeros or knows of them.
        var zeroed = 0

        var name: String { LogStore.segmentName(sequence) }
    }

    /// What is known of the last segment beyond that.
    struct Head {
        var nextBatch: UInt32 = 1
        /// The encoded entries of its durable records.
        var summary: [UInt8] = []
        /// A summary from a clean close stands at the end and must be voided before anything is appended.
        var isSealed = false
        /// A flush failed in it, or payloads are wrapped in another way by now: nothing more may be appended.
        var isClosed = false
    }

    struct Spare {
        var name: String
        var file: FileHandle
        /// Up to where zeros were written, so that later syncs have no block map to commit.
        var zeroed: Int
    }

    struct Reception {
        /// What is not in the file.
        var bytes: [UInt8] = []
        var file: FileHandle?
        /// Makes the pieces of a file that is wrapped.
        var pieces: WrappedBodyFile?
        /// Of the body.
        var size = 0
        /// Of what is in the file.
        var fileSize = 0
        var checksum: UInt32 = 0
        /// Envelope numbers given out.
        var numbers: Set<UInt32> = []
    }

    let device: any StorageDevice
    let options: Options
    let random: () -> UInt64
    /// Nil for a store that is only looked at.
    let lock: FileHandle?
    /// How payloads are wrapped from now on, and what reads those of before.
    var wrapping: PayloadWrapping

    var index = QueueIndex()
    /// In order of sequence; the last is the head.
    var segments: [Segment] = []
    var head: Head?
    var nextSequence: UInt32 = 1
    var spares: [Spare] = []

    var receiving: [MessageID: Reception] = [:]
    var bufferedBytes = 0
    /// Ids that are prepared or whose file is still to be removed.
    var reserved: Set<MessageID> = []
    var pending: [PendingOperation] = []
    var inFlight: Flight?
    var stamp: UInt64 = 0
    /// Histories that are not durable yet.
    var histories: [UInt64: (history: DeliveryHistory, stamp: UInt64)] = [:]
    /// Added envelopes that are not durable yet.
    var added: [UInt64: QueuedEnvelope] = [:]
    /// Files of messages whose end is durable.
    var removals: [MessageID] = []
    var compaction: (segment: UInt32, messages: [UInt32])?
    var warnings: [StoreWarning] = []

    var records: BoundedCache<RecordLocation, MessageRecord>
    var bodies: BoundedCache<MessageID, [UInt8]>
    /// Messages whose body file this process wrote or has checked.
    var verified: Set<MessageID> = []
    /// Messages whose body file is under another key than the present one.
    var otherFileKeys: Set<MessageID> = []
    var counts = StoreStatistics()

    init(
        device: any StorageDevice, options: Options, wrapping: PayloadWrapping, lock: FileHandle?,
        random: @escaping () -> UInt64
    ) {
        precondition(
            options.segmentSize >= 2 * options.largestInlineBody + 4 * SegmentHeader.size
                && options.segmentSize < Int(UInt32.max) / 2,
            "a segment holds at least one message, and its offsets fit in 32 bits")
        self.device = device
        self.options = options
        self.wrapping = wrapping
        self.lock = lock
        self.random = random
        records = BoundedCache(limit: options.cachedEnvelopes)
        bodies = BoundedCache(limit: options.cachedBodies)
    }

    deinit {
        for segment in segments { device.close(segment.file) }
        for spare in spares { device.close(spare.file) }
        for reception in receiving.values {
            if let file = reception.file { device.close(file) }
        }
        if let lock { device.close(lock) }
    }

    static func segmentName(_ sequence: UInt32) -> String { "segments/" + hexadecimal(sequence) }
    static func largeName(_ message: MessageID) -> String { "large/\(message)" }
    static func incomingName(_ message: MessageID) -> String { "incoming/\(message)" }

    static func hexadecimal(_ value: UInt32) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 8 - text.utf8.count) + text
    }

    package func contains(_ message: MessageID) -> Bool { index.messages[message.rawValue] != nil }

    package func page(after: EnvelopeID?, limit: Int) -> [EnvelopeFacts] {
        var page: [EnvelopeFacts] = []
        index.envelopes.forEach(after: after?.rawValue ?? 0) { envelope in
            guard page.count < limit else { return false }
            if let facts = envelope.facts { page.append(facts) }
            return true
        }
        return page
    }

    package var statistics: StoreStatistics {
        var result = counts
        result.messages = index.messages.count
        result.envelopes = index.envelopes.count
        result.segments = segments.count
        result.envelopeCacheSize = records.count
        result.spareSegments = spares.count
        return result
    }

    package func close() -> FlushResult {
        for message in Array(receiving.keys) { abandon(message) }
        let result = flush()
        sealHead()
        return result
    }
}

/// The place of a record.
struct RecordLocation: Hashable, Sendable {
    var segment: UInt32
    var offset: UInt32
}
