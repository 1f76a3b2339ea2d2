import WireFormat

/// What the parent gives control: its socket, what the configuration says of it, and the outcome of orders.
package enum ParentToControl: WireMessage, Hashable {
    /// The listening control socket comes along.
    case socket
    /// The answer to ``ControlToParent/reload(request:)``. No errors: the new configuration is in force; else why
    /// the old one still is, each reason one printable line.
    case reloaded(request: UInt64, errors: [String])
    /// The group whose members may look at the queue and the counters, by its number; nil for none.
    case readers(group: UInt32?)
    /// The answer to ``ControlToParent/setTracing(request:subject:_:)``: nil, or why not in one printable line.
    case tracing(request: UInt64, failure: String?)
    /// The answer to ``ControlToParent/statistics(request:)``.
    case statistics(request: UInt64, StatisticsReport)
    /// A listening socket for whoever collects counters comes along.
    case metricsSocket
    /// Serve no metrics any more: sockets that follow are all there are.
    case closeMetrics

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .socket:
            writer.write(UInt8(1))
        case .reloaded(let request, let errors):
            writer.write(UInt8(2))
            writer.write(request)
            writer.write(list: errors) { $1.write(line: $0) }
        case .readers(let group):
            writer.write(UInt8(3))
            writer.write(group) { $1.write($0) }
        case .statistics(let request, let report):
            writer.write(UInt8(5))
            writer.write(request)
            report.encode(into: &writer)
        case .metricsSocket: writer.write(UInt8(6))
        case .closeMetrics: writer.write(UInt8(7))
        case .tracing(let request, let failure):
            writer.write(UInt8(4))
            writer.write(request)
            writer.write(failure) { $1.write(line: $0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .socket
        case 2:
            self = .reloaded(
                request: try reader.readUInt64(),
                errors: try reader.readList { reader throws(WireError) in try reader.readLine() })
        case 3: self = .readers(group: try reader.readOptional { reader throws(WireError) in try reader.readUInt32() })
        case 4:
            self = .tracing(
                request: try reader.readUInt64(),
                failure: try reader.readOptional { reader throws(WireError) in try reader.readLine() })
        case 5: self = .statistics(request: try reader.readUInt64(), try StatisticsReport(from: &reader))
        case 6: self = .metricsSocket
        case 7: self = .closeMetrics
        case let kind: throw .unknownValue(UInt64(kind), for: "ParentToControl")
        }
    }
}
