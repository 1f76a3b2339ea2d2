import Envelopes
import Scheduling
import WireFormat

/// What control orders of the scheduler, and asks.
package enum ControlToScheduler: WireMessage, Hashable {
    /// Where these envelopes stand. Answered by ``SchedulerToControl/states(request:_:)``, in the same order.
    case states(request: UInt64, [EnvelopeID])
    /// Try now. Answered by ``SchedulerToControl/affected(request:count:)``, as the next four.
    case schedule(request: UInt64, EnvelopeSelection)
    /// Out of the queue, without a report.
    case remove(request: UInt64, EnvelopeSelection)
    /// Do not try until resumed.
    case suspend(request: UInt64, EnvelopeSelection)
    /// End a suspension.
    case resume(request: UInt64, EnvelopeSelection)
    /// Stop deliveries of a kind, or go on. The count is 1, or 0 when it was so already.
    case setPaused(request: UInt64, DeliveryKind, Bool)
    /// Answered by ``SchedulerToControl/statistics(request:_:)``.
    case statistics(request: UInt64)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .states(let request, let ids):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(list: ids) { $0.encode(into: &$1) }
        case .schedule(let request, let selection):
            writer.write(UInt8(2))
            writer.write(request)
            selection.encode(into: &writer)
        case .remove(let request, let selection):
            writer.write(UInt8(3))
            writer.write(request)
            selection.encode(into: &writer)
        case .suspend(let request, let selection):
            writer.write(UInt8(4))
            writer.write(request)
            selection.encode(into: &writer)
        case .resume(let request, let selection):
            writer.write(UInt8(5))
            writer.write(request)
            selection.encode(into: &writer)
        case .setPaused(let request, let kind, let paused):
            writer.write(UInt8(6))
            writer.write(request)
            kind.encode(into: &writer)
            writer.write(paused)
        case .statistics(let request):
            writer.write(UInt8(7))
            writer.write(request)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .states(
                request: try reader.readUInt64(),
                try reader.readList { reader throws(WireError) in try EnvelopeID(from: &reader) })
        case 2: self = .schedule(request: try reader.readUInt64(), try EnvelopeSelection(from: &reader))
        case 3: self = .remove(request: try reader.readUInt64(), try EnvelopeSelection(from: &reader))
        case 4: self = .suspend(request: try reader.readUInt64(), try EnvelopeSelection(from: &reader))
        case 5: self = .resume(request: try reader.readUInt64(), try EnvelopeSelection(from: &reader))
        case 6:
            self = .setPaused(
                request: try reader.readUInt64(),
                try DeliveryKind(from: &reader),
                try reader.readBool())
        case 7: self = .statistics(request: try reader.readUInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlToScheduler")
        }
    }
}
