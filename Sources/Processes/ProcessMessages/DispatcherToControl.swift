import Rules
import WireFormat

/// The dispatcher's answers to control.
package enum DispatcherToControl: WireMessage, Hashable {
    /// The answer to ``ControlToDispatcher/statistics(request:)``.
    case statistics(request: UInt64, [Statistic])
    /// The answer to ``ControlToDispatcher/explain(request:action:)``; empty for an action that is not there.
    case explained(request: UInt64, Explanation)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .statistics(let request, let values):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(list: values) { $0.encode(into: &$1) }
        case .explained(let request, let explanation):
            writer.write(UInt8(60))
            writer.write(request)
            explanation.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .statistics(
                request: try reader.readUInt64(),
                try reader.readList { reader throws(WireError) in try Statistic(from: &reader) })
        case 60: self = .explained(request: try reader.readUInt64(), try Explanation(from: &reader))
        case let kind: throw .unknownValue(UInt64(kind), for: "DispatcherToControl")
        }
    }
}

/// One line of `smtpctl show stats`, `key=value`.
package struct Statistic: WireMessage, Hashable {
    /// Words with dots between them, such as `queue.envelope`; one printable line.
    package var key: String
    /// A count since the start, or a number of things now.
    package var value: Int64

    package init(key: String, value: Int64) {
        self.key = key
        self.value = value
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(line: key)
        writer.write(value)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            key: try reader.readLine(),
            value: try reader.readInt64())
    }
}
