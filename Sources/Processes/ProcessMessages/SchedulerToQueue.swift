import Envelopes
import WireFormat

/// What the scheduler decides; the queue carries it out.
package enum SchedulerToQueue: WireMessage, Hashable {
    /// Due now. Each is answered by one outcome, ``QueueToScheduler/held(_:holder:)`` or
    /// ``QueueToScheduler/vanished(_:)``. With the number of an operator's order when that made them due.
    case deliver([EnvelopeID], order: UInt64?)
    /// Its time is over: report it and let it go.
    case expire(EnvelopeID)
    /// The operator does not want it any more.
    case remove(EnvelopeID)
    /// Tell the sender that it still waits: `after` seconds, one of the warn intervals, have passed.
    case notifyDelay(EnvelopeID, after: Int64)
    /// The operator stopped it or lets it go on; worth keeping over a restart.
    case suspended(EnvelopeID, Bool)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .deliver(let ids, let order):
            writer.write(UInt8(1))
            writer.write(list: ids) { $0.encode(into: &$1) }
            writer.write(order) { $1.write($0) }
        case .expire(let id):
            writer.write(UInt8(2))
            id.encode(into: &writer)
        case .remove(let id):
            writer.write(UInt8(3))
            id.encode(into: &writer)
        case .notifyDelay(let id, let after):
            writer.write(UInt8(4))
            id.encode(into: &writer)
            writer.write(after)
        case .suspended(let id, let isSuspended):
            writer.write(UInt8(5))
            id.encode(into: &writer)
            writer.write(isSuspended)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .deliver(
                try reader.readList { reader throws(WireError) in try EnvelopeID(from: &reader) },
                order: try reader.readOptional { reader throws(WireError) in try reader.readUInt64() })
        case 2: self = .expire(try EnvelopeID(from: &reader))
        case 3: self = .remove(try EnvelopeID(from: &reader))
        case 4: self = .notifyDelay(try EnvelopeID(from: &reader), after: try reader.readDuration())
        case 5: self = .suspended(try EnvelopeID(from: &reader), try reader.readBool())
        case let kind: throw .unknownValue(UInt64(kind), for: "SchedulerToQueue")
        }
    }
}
