import Envelopes
import WireFormat

/// What control asks of the queue: to look, never to change.
package enum ControlToQueue: WireMessage, Hashable {
    /// The next envelopes in order of id, of one message or of all: at most `limit`, and no more than the queue
    /// puts into one page. Answered by ``QueueToControl/page(request:_:)``.
    case page(request: UInt64, after: EnvelopeID?, message: MessageID?, limit: UInt32)
    /// Answered by ``QueueToControl/envelope(request:_:)``.
    case envelope(request: UInt64, EnvelopeID)
    /// Answered by ``QueueToControl/body(request:_:)``.
    case body(request: UInt64, MessageID)
    /// Answered by ``QueueToControl/statistics(request:_:)``.
    case statistics(request: UInt64)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .page(let request, let after, let message, let limit):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(after) { $0.encode(into: &$1) }
            writer.write(message) { $0.encode(into: &$1) }
            writer.write(limit)
        case .envelope(let request, let id):
            writer.write(UInt8(2))
            writer.write(request)
            id.encode(into: &writer)
        case .body(let request, let id):
            writer.write(UInt8(3))
            writer.write(request)
            id.encode(into: &writer)
        case .statistics(let request):
            writer.write(UInt8(4))
            writer.write(request)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .page(
                request: try reader.readUInt64(),
                after: try reader.readOptional { reader throws(WireError) in try EnvelopeID(from: &reader) },
                message: try reader.readOptional { reader throws(WireError) in try MessageID(from: &reader) },
                limit: try reader.readUInt32())
        case 2: self = .envelope(request: try reader.readUInt64(), try EnvelopeID(from: &reader))
        case 3: self = .body(request: try reader.readUInt64(), try MessageID(from: &reader))
        case 4: self = .statistics(request: try reader.readUInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlToQueue")
        }
    }
}
