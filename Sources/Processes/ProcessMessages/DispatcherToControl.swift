import Rules
import WireFormat

/// The dispatcher's answers to control.
package enum DispatcherToControl: WireMessage, Hashable {
    /// The answer to ``ControlToDispatcher/statistics(request:)``.
    case statistics(request: UInt64, StatisticsReport)
    /// A part of the answer to ``ControlToDispatcher/list(request:_:asJSON:)``: whole lines, each with its end.
    case listing(request: UInt64, ListingText, isLast: Bool)
    /// The answer to an order about routing: false when there is nothing of that name, or it was so already.
    case ordered(request: UInt64, Bool)
    /// The answer to ``ControlToDispatcher/explain(request:action:)``; empty for an action that is not there.
    case explained(request: UInt64, Explanation)
    /// The answer to ``ControlToDispatcher/explainListener(request:name:)``; nil for one that is not there.
    case listener(request: UInt64, ListenerFacts?)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .statistics(let request, let report):
            writer.write(UInt8(1))
            writer.write(request)
            report.encode(into: &writer)
        case .listing(let request, let text, let isLast):
            writer.write(UInt8(2))
            writer.write(request)
            text.encode(into: &writer)
            writer.write(isLast)
        case .ordered(let request, let done):
            writer.write(UInt8(3))
            writer.write(request)
            writer.write(done)
        case .explained(let request, let explanation):
            writer.write(UInt8(60))
            writer.write(request)
            explanation.encode(into: &writer)
        case .listener(let request, let facts):
            writer.write(UInt8(61))
            writer.write(request)
            writer.write(facts) { $0.encode(into: &$1) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .statistics(
                request: try reader.readUInt64(), try StatisticsReport(from: &reader))
        case 2:
            self = .listing(
                request: try reader.readUInt64(), try ListingText(from: &reader), isLast: try reader.readBool())
        case 3: self = .ordered(request: try reader.readUInt64(), try reader.readBool())
        case 60: self = .explained(request: try reader.readUInt64(), try Explanation(from: &reader))
        case 61:
            self = .listener(
                request: try reader.readUInt64(),
                try reader.readOptional { reader throws(WireError) in try ListenerFacts(from: &reader) })
        case let kind: throw .unknownValue(UInt64(kind), for: "DispatcherToControl")
        }
    }
}
