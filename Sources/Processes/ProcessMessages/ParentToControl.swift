import WireFormat

/// What the parent gives control: its socket, and the outcome of a reload.
package enum ParentToControl: WireMessage, Hashable {
    /// The listening control socket comes along.
    case socket
    /// The answer to ``ControlToParent/reload(request:)``. No errors: the new configuration is in force; else why
    /// the old one still is, each reason one printable line.
    case reloaded(request: UInt64, errors: [String])

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .socket:
            writer.write(UInt8(1))
        case .reloaded(let request, let errors):
            writer.write(UInt8(2))
            writer.write(request)
            writer.write(list: errors) { $1.write(line: $0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .socket
        case 2:
            self = .reloaded(
                request: try reader.readUInt64(),
                errors: try reader.readList { reader throws(WireError) in try reader.readLine() })
        case let kind: throw .unknownValue(UInt64(kind), for: "ParentToControl")
        }
    }
}
