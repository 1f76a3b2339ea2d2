import Envelopes
import Scheduling
import WireFormat

/// The scheduler's values as fields of messages.

extension DeliveryKind: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let kind = Self(rawValue: value) else { throw .unknownValue(UInt64(value), for: "delivery kind") }
        self = kind
    }
}

extension EnvelopeSelection: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .envelope(let id):
            writer.write(UInt8(1))
            id.encode(into: &writer)
        case .message(let id):
            writer.write(UInt8(2))
            id.encode(into: &writer)
        case .all:
            writer.write(UInt8(3))
        case .envelopes(let ids):
            writer.write(UInt8(4))
            writer.write(list: ids) { $0.encode(into: &$1) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .envelope(try EnvelopeID(from: &reader))
        case 2: self = .message(try MessageID(from: &reader))
        case 3: self = .all
        case 4: self = .envelopes(try reader.readList { reader throws(WireError) in try EnvelopeID(from: &reader) })
        case let kind: throw .unknownValue(UInt64(kind), for: "selection")
        }
    }
}
