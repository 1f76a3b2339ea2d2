import WireFormat

/// Lookup's answers to the queue.
package enum LookupToQueue: WireMessage, Hashable {
    /// The answer to ``QueueToLookup/expand(request:recipient:transaction:)``.
    case expanded(request: UInt64, ExpansionVerdict)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .expanded(let request, let verdict):
            writer.write(UInt8(1))
            writer.write(request)
            verdict.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .expanded(request: try reader.readUInt64(), try ExpansionVerdict(from: &reader))
        case let kind: throw .unknownValue(UInt64(kind), for: "LookupToQueue")
        }
    }
}
