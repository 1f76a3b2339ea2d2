import WireFormat

/// What control asks of lookup.
package enum ControlToLookup: WireMessage, Hashable {
    /// Read a table again. Answered by ``LookupToControl/tableUpdated(request:failure:)``.
    case updateTable(request: UInt64, name: String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .updateTable(let request, let name):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(name)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .updateTable(request: try reader.readUInt64(), name: try reader.readName())
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlToLookup")
        }
    }
}
