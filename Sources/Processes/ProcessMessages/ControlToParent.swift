import WireFormat

/// What control may ask of the parent: the daemon as a whole, never a file or a user.
package enum ControlToParent: WireMessage, Hashable {
    /// Read the configuration again. Answered by ``ParentToControl/reloaded(request:errors:)``.
    case reload(request: UInt64)
    /// Debug messages in the logs of all roles, or no longer.
    case setVerbose(Bool)
    /// End the daemon in order.
    case stop
    /// Trace a subject in all roles, or no longer. Answered by ``ParentToControl/tracing(request:failure:)``.
    case setTracing(request: UInt64, subject: String, Bool)
    /// Answered by ``ParentToControl/statistics(request:_:)``.
    case statistics(request: UInt64)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .reload(let request):
            writer.write(UInt8(1))
            writer.write(request)
        case .setVerbose(let verbose):
            writer.write(UInt8(2))
            writer.write(verbose)
        case .stop:
            writer.write(UInt8(3))
        case .setTracing(let request, let subject, let isOn):
            writer.write(UInt8(4))
            writer.write(request)
            writer.write(subject)
            writer.write(isOn)
        case .statistics(let request):
            writer.write(UInt8(5))
            writer.write(request)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .reload(request: try reader.readUInt64())
        case 2: self = .setVerbose(try reader.readBool())
        case 3: self = .stop
        case 4:
            self = .setTracing(
                request: try reader.readUInt64(), subject: try reader.readName(), try reader.readBool())
        case 5: self = .statistics(request: try reader.readUInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlToParent")
        }
    }
}
