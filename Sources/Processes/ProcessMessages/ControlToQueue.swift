import Envelopes
import WireFormat

/// What control asks of the queue: to look, never to change.
package enum ControlToQueue: WireMessage, Hashable {
    /// The lines of the next envelopes in order of id that the filter lets through, its states aside: at most `limit`,
    /// and no more than the queue looks at for one answer. Answered by ``QueueToControl/page(request:_:next:)``.
    case page(request: UInt64, after: EnvelopeID?, QueueFilter, limit: UInt32)
    /// Their ids alone. Answered by ``QueueToControl/selected(request:_:next:)``.
    case select(request: UInt64, after: EnvelopeID?, QueueFilter)
    /// Answered by ``QueueToControl/envelope(request:_:)``.
    case envelope(request: UInt64, EnvelopeID)
    /// Answered by ``QueueToControl/body(request:_:)``.
    case body(request: UInt64, MessageID)
    /// Answered by ``QueueToControl/statistics(request:_:)``.
    case statistics(request: UInt64)
    /// Begin to read the history, as text or as JSON. Answered by ``QueueToControl/history(request:_:isLast:)``.
    case readHistory(request: UInt64, HistoryFilter, asJSON: Bool)
    /// Go on with a reading, which is named by the request that began it. Answered likewise.
    case goOn(request: UInt64, reading: UInt64)
    /// Whoever wanted it is gone.
    case endReading(UInt64)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .page(let request, let after, let filter, let limit):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(after) { $0.encode(into: &$1) }
            writer.write(list: filter.words) { $1.write($0) }
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
        case .readHistory(let request, let filter, let asJSON):
            writer.write(UInt8(60))
            writer.write(request)
            writer.write(list: filter.words) { $1.write($0) }
            writer.write(asJSON)
        case .goOn(let request, let reading):
            writer.write(UInt8(61))
            writer.write(request)
            writer.write(reading)
        case .endReading(let reading):
            writer.write(UInt8(62))
            writer.write(reading)
        case .select(let request, let after, let filter):
            writer.write(UInt8(5))
            writer.write(request)
            writer.write(after) { $0.encode(into: &$1) }
            writer.write(list: filter.words) { $1.write($0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .page(
                request: try reader.readUInt64(),
                after: try reader.readOptional { reader throws(WireError) in try EnvelopeID(from: &reader) },
                try reader.readFilter(),
                limit: try reader.readUInt32())
        case 2: self = .envelope(request: try reader.readUInt64(), try EnvelopeID(from: &reader))
        case 3: self = .body(request: try reader.readUInt64(), try MessageID(from: &reader))
        case 4: self = .statistics(request: try reader.readUInt64())
        case 5:
            self = .select(
                request: try reader.readUInt64(),
                after: try reader.readOptional { reader throws(WireError) in try EnvelopeID(from: &reader) },
                try reader.readFilter())
        case 60:
            self = .readHistory(request: try reader.readUInt64(), try reader.readHistoryFilter(), asJSON: try reader.readBool())
        case 61: self = .goOn(request: try reader.readUInt64(), reading: try reader.readUInt64())
        case 62: self = .endReading(try reader.readUInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlToQueue")
        }
    }
}

extension WireReader {
    /// A filter as the words that an operator types: both ends read them with the same parser.
    mutating func readFilter() throws(WireError) -> QueueFilter {
        let words = try readList { reader throws(WireError) in try reader.readString() }
        do throws(QueueFilter.Problem) {
            return try QueueFilter(words: words)
        } catch {
            throw .invalid("filter")
        }
    }

    mutating func readHistoryFilter() throws(WireError) -> HistoryFilter {
        let words = try readList { reader throws(WireError) in try reader.readString() }
        do throws(HistoryFilter.Problem) {
            return try HistoryFilter(words: words)
        } catch {
            throw .invalid("filter of the history")
        }
    }
}
