import Envelopes
import WireFormat

/// What the dispatcher brings to the queue: new messages piece by piece, and what became of old ones.
package enum DispatcherToQueue: WireMessage, Hashable {
    /// Opens a message. Answered by ``QueueToDispatcher/opened(transfer:_:)`` or
    /// ``QueueToDispatcher/refused(transfer:_:)``. `transfer` names it until it is committed or rolled back.
    case begin(transfer: UInt64)
    /// The next bytes of the message, with LF line ends.
    case body(transfer: UInt64, [UInt8])
    /// Some of its envelopes, 1 to ``maximumDrafts``.
    case envelopes(transfer: UInt64, [EnvelopeDraft])
    /// Everything has been said. Answered by ``QueueToDispatcher/committed(transfer:)`` or
    /// ``QueueToDispatcher/refused(transfer:_:)``.
    case commit(transfer: UInt64, Transaction)
    /// Forget it; not answered.
    case rollback(transfer: UInt64)
    /// One attempt is over.
    case outcome(EnvelopeID, DeliveryOutcome)
    /// Another server took it; the text is its last word.
    case relayed(EnvelopeID, String, nextServerReports: Bool)
    /// Not tried: whoever it is for has enough work. It waits until a `release` of the same
    /// holder.
    case hold(EnvelopeID, holder: UInt64)
    /// Let go `count` of the envelopes held for a holder.
    case release(holder: UInt64, count: UInt32)
    /// Let go of all that are held for a holder, as if they had failed for the time being: it cannot deliver.
    case releaseAsFailed(holder: UInt64)
    /// These failed for the time being, and now there is reason to believe that they would pass: make them due. 1 to
    /// ``maximumDrafts``.
    case retry([EnvelopeID])
    /// Before the commit: the message's envelopes are suspended until an operator resumes them.
    case quarantine(transfer: UInt64)
    /// Before the commit: the ids of the message's envelopes are wanted, see ``QueueToDispatcher/named(transfer:_:)``.
    case nameEnvelopes(transfer: UInt64)
    /// A file without a name, for what of a message on its way is more than memory should hold. Answered by
    /// ``QueueToDispatcher/scratch(request:_:)``.
    case scratch(request: UInt64)

    /// Envelopes of one message to the queue at most, so that a frame holds them.
    package static let maximumDrafts = 256

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .begin(let transfer):
            writer.write(UInt8(1))
            writer.write(transfer)
        case .body(let transfer, let bytes):
            writer.write(UInt8(2))
            writer.write(transfer)
            writer.write(bytes)
        case .envelopes(let transfer, let drafts):
            writer.write(UInt8(3))
            writer.write(transfer)
            writer.write(list: drafts) { $0.encode(into: &$1) }
        case .commit(let transfer, let transaction):
            writer.write(UInt8(4))
            writer.write(transfer)
            transaction.encode(into: &writer)
        case .rollback(let transfer):
            writer.write(UInt8(5))
            writer.write(transfer)
        case .outcome(let id, let outcome):
            writer.write(UInt8(6))
            id.encode(into: &writer)
            outcome.encode(into: &writer)
        case .hold(let id, let holder):
            writer.write(UInt8(7))
            id.encode(into: &writer)
            writer.write(holder)
        case .release(let holder, let count):
            writer.write(UInt8(8))
            writer.write(holder)
            writer.write(count)
        case .relayed(let id, let text, let nextServerReports):
            writer.write(UInt8(10))
            id.encode(into: &writer)
            writer.write(line: text)
            writer.write(nextServerReports)
        case .releaseAsFailed(let holder):
            writer.write(UInt8(11))
            writer.write(holder)
        case .retry(let ids):
            writer.write(UInt8(9))
            writer.write(list: ids) { $0.encode(into: &$1) }
        case .scratch(let request):
            writer.write(UInt8(40))
            writer.write(request)
        case .quarantine(let transfer):
            writer.write(UInt8(41))
            writer.write(transfer)
        case .nameEnvelopes(let transfer):
            writer.write(UInt8(42))
            writer.write(transfer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .begin(transfer: try reader.readUInt64())
        case 2: self = .body(transfer: try reader.readUInt64(), try reader.readBytes())
        case 3:
            self = .envelopes(
                transfer: try reader.readUInt64(),
                try reader.readList(of: "drafts", maximum: Self.maximumDrafts) { reader throws(WireError) in
                    try EnvelopeDraft(from: &reader)
                })
        case 4: self = .commit(transfer: try reader.readUInt64(), try Transaction(from: &reader))
        case 5: self = .rollback(transfer: try reader.readUInt64())
        case 6: self = .outcome(try EnvelopeID(from: &reader), try DeliveryOutcome(from: &reader))
        case 7: self = .hold(try EnvelopeID(from: &reader), holder: try reader.readUInt64())
        case 8: self = .release(holder: try reader.readUInt64(), count: try reader.readUInt32())
        case 9:
            self = .retry(
                try reader.readList(of: "envelopes", maximum: Self.maximumDrafts) { reader throws(WireError) in
                    try EnvelopeID(from: &reader)
                })
        case 10:
            self = .relayed(
                try EnvelopeID(from: &reader), try reader.readLine(), nextServerReports: try reader.readBool())
        case 11: self = .releaseAsFailed(holder: try reader.readUInt64())
        case 40: self = .scratch(request: try reader.readUInt64())
        case 42: self = .nameEnvelopes(transfer: try reader.readUInt64())
        case 41: self = .quarantine(transfer: try reader.readUInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "DispatcherToQueue")
        }
    }
}
