import WireFormat

/// Lookup's answers to control.
package enum LookupToControl: WireMessage, Hashable {
    /// Nil: the new content is in force.
    case tableUpdated(request: UInt64, failure: String?)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .tableUpdated(let request, let failure):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(failure) { $1.write($0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .tableUpdated(
                request: try reader.readUInt64(),
                failure: try reader.readOptional { reader throws(WireError) in try reader.readString() })
        case let kind: throw .unknownValue(UInt64(kind), for: "LookupToControl")
        }
    }
}
