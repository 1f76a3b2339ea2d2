import Envelopes
import Scheduling
import WireFormat

/// What the queue tells the scheduler: what exists and what became of it.
package enum QueueToScheduler: WireMessage, Hashable {
    /// New envelopes, durable: due at once.
    case submitted([ScheduledEnvelope])
    /// Handed on or kept: the envelope is gone.
    case delivered(EnvelopeID)
    /// To be tried again.
    case failedTemporarily(EnvelopeID)
    /// Given up; its sender was told where that is due.
    case failedPermanently(EnvelopeID)
    /// Given up because the message has been here before.
    case looped(EnvelopeID)
    /// Not tried: its holder has enough work. It waits for `released` of the same holder.
    case held(EnvelopeID, holder: UInt64)
    /// The holder has room for this many of its envelopes.
    case released(holder: UInt64, count: UInt32)
    /// The holder cannot deliver: all it held wait for their next regular try.
    case releasedAsFailed(holder: UInt64)
    /// It could not be read: set aside or gone.
    case vanished(EnvelopeID)
    /// Make these due if they wait; 1 to ``DispatcherToQueue/maximumDrafts``.
    case due([EnvelopeID])
    /// Envelopes that were queued before this daemon began.
    case recovered([ScheduledEnvelope])

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .submitted(let envelopes):
            writer.write(UInt8(1))
            writer.write(list: envelopes) { $0.encode(into: &$1) }
        case .delivered(let id):
            writer.write(UInt8(2))
            id.encode(into: &writer)
        case .failedTemporarily(let id):
            writer.write(UInt8(3))
            id.encode(into: &writer)
        case .failedPermanently(let id):
            writer.write(UInt8(4))
            id.encode(into: &writer)
        case .looped(let id):
            writer.write(UInt8(5))
            id.encode(into: &writer)
        case .held(let id, let holder):
            writer.write(UInt8(6))
            id.encode(into: &writer)
            writer.write(holder)
        case .released(let holder, let count):
            writer.write(UInt8(7))
            writer.write(holder)
            writer.write(count)
        case .vanished(let id):
            writer.write(UInt8(8))
            id.encode(into: &writer)
        case .releasedAsFailed(let holder):
            writer.write(UInt8(11))
            writer.write(holder)
        case .due(let ids):
            writer.write(UInt8(10))
            writer.write(list: ids) { $0.encode(into: &$1) }
        case .recovered(let envelopes):
            writer.write(UInt8(9))
            writer.write(list: envelopes) { $0.encode(into: &$1) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .submitted(
                try reader.readList { reader throws(WireError) in try ScheduledEnvelope(from: &reader) })
        case 2: self = .delivered(try EnvelopeID(from: &reader))
        case 3: self = .failedTemporarily(try EnvelopeID(from: &reader))
        case 4: self = .failedPermanently(try EnvelopeID(from: &reader))
        case 5: self = .looped(try EnvelopeID(from: &reader))
        case 6: self = .held(try EnvelopeID(from: &reader), holder: try reader.readUInt64())
        case 7: self = .released(holder: try reader.readUInt64(), count: try reader.readUInt32())
        case 8: self = .vanished(try EnvelopeID(from: &reader))
        case 9:
            self = .recovered(
                try reader.readList { reader throws(WireError) in try ScheduledEnvelope(from: &reader) })
        case 10:
            self = .due(
                try reader.readList(of: "envelopes", maximum: DispatcherToQueue.maximumDrafts) {
                    reader throws(WireError) in try EnvelopeID(from: &reader)
                })
        case 11: self = .releasedAsFailed(holder: try reader.readUInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "QueueToScheduler")
        }
    }
}

/// What the scheduler needs to know of an envelope.
package struct ScheduledEnvelope: WireMessage, Hashable {
    package var id: EnvelopeID
    /// Decides how soon it is tried again.
    package var kind: DeliveryKind
    package var created: Timestamp
    /// Seconds after `created` when it expires.
    package var timeToLive: Int64
    /// Attempts that failed for the time being.
    package var attempts: UInt32
    /// When the last of them was.
    package var lastAttempt: Timestamp?
    /// When the sender was last told that it still waits.
    package var lastNotice: Timestamp?
    /// Rests until an operator resumes it.
    package var isSuspended: Bool

    package init(
        id: EnvelopeID, kind: DeliveryKind, created: Timestamp, timeToLive: Int64, attempts: UInt32,
        lastAttempt: Timestamp?, lastNotice: Timestamp?, isSuspended: Bool
    ) {
        self.id = id
        self.kind = kind
        self.created = created
        self.timeToLive = timeToLive
        self.attempts = attempts
        self.lastAttempt = lastAttempt
        self.lastNotice = lastNotice
        self.isSuspended = isSuspended
    }

    package func encode(into writer: inout WireWriter) {
        id.encode(into: &writer)
        kind.encode(into: &writer)
        created.encode(into: &writer)
        writer.write(timeToLive)
        writer.write(attempts)
        write(lastAttempt, into: &writer)
        write(lastNotice, into: &writer)
        writer.write(isSuspended)
    }

    /// As any optional is written, but without a call by way of generics: a start writes a million.
    private func write(_ time: Timestamp?, into writer: inout WireWriter) {
        writer.write(time != nil)
        if let time { time.encode(into: &writer) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            id: try EnvelopeID(from: &reader),
            kind: try DeliveryKind(from: &reader),
            created: try Timestamp(from: &reader),
            timeToLive: try reader.readDuration(),
            attempts: try reader.readUInt32(),
            lastAttempt: try reader.readOptional { reader throws(WireError) in try Timestamp(from: &reader) },
            lastNotice: try reader.readOptional { reader throws(WireError) in try Timestamp(from: &reader) },
            isSuspended: try reader.readBool())
    }
}
