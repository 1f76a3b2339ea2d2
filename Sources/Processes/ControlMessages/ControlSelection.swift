import Envelopes
import WireFormat

/// Which envelopes an order of a client is about.
package enum ControlSelection: WireMessage, Hashable {
    case envelope(EnvelopeID)
    case message(MessageID)
    case matching(QueueFilter)
    case all

    /// The same as a filter.
    package var filter: QueueFilter {
        switch self {
        case .envelope(let id): QueueFilter(envelope: id)
        case .message(let id): QueueFilter(message: id)
        case .matching(let filter): filter
        case .all: QueueFilter()
        }
    }

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .envelope(let id):
            writer.write(UInt8(1))
            writer.write(id.rawValue)
        case .message(let id):
            writer.write(UInt8(2))
            writer.write(id.rawValue)
        case .all:
            writer.write(UInt8(3))
        case .matching(let filter):
            writer.write(UInt8(4))
            writer.write(list: filter.words) { $1.write($0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .envelope(try readEnvelopeID(&reader))
        case 2: self = .message(try readMessageID(&reader))
        case 3: self = .all
        case 4:
            let words = try reader.readList { reader throws(WireError) in try reader.readString() }
            do throws(QueueFilter.Problem) {
                self = .matching(try QueueFilter(words: words))
            } catch {
                throw .invalid("filter")
            }
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlSelection")
        }
    }
}

func readMessageID(_ reader: inout WireReader) throws(WireError) -> MessageID {
    guard let id = MessageID(rawValue: try reader.readUInt32()) else { throw .invalid("message id") }
    return id
}

func readEnvelopeID(_ reader: inout WireReader) throws(WireError) -> EnvelopeID {
    guard let id = EnvelopeID(rawValue: try reader.readUInt64()) else { throw .invalid("envelope id") }
    return id
}
