import Rules
import WireFormat

/// Lookup's answers to control.
package enum LookupToControl: WireMessage, Hashable {
    /// The answer to ``ControlToLookup/updateTable(request:name:)``. A nil failure: the new content is in force;
    /// else why not, in one printable line.
    case tableUpdated(request: UInt64, failure: String?)
    /// The answer to ``ControlToLookup/statistics(request:)``.
    case statistics(request: UInt64, StatisticsReport)
    /// The answer to ``ControlToLookup/explain(request:recipient:transaction:asksDNS:)``, with the names of the actions that
    /// would deliver, at most ``maximumActions``.
    case explained(request: UInt64, Explanation, actions: [String])

    package static let maximumActions = 20

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .tableUpdated(let request, let failure):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(failure) { $1.write(line: $0) }
        case .statistics(let request, let report):
            writer.write(UInt8(2))
            writer.write(request)
            report.encode(into: &writer)
        case .explained(let request, let explanation, let actions):
            writer.write(UInt8(60))
            writer.write(request)
            explanation.encode(into: &writer)
            writer.write(list: actions) { $1.write($0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .tableUpdated(
                request: try reader.readUInt64(),
                failure: try reader.readOptional { reader throws(WireError) in try reader.readLine() })
        case 2: self = .statistics(request: try reader.readUInt64(), try StatisticsReport(from: &reader))
        case 60:
            self = .explained(
                request: try reader.readUInt64(), try Explanation(from: &reader),
                actions: try reader.readList { reader throws(WireError) in try reader.readName() })
        case let kind: throw .unknownValue(UInt64(kind), for: "LookupToControl")
        }
    }
}
