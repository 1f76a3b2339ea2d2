import WireFormat

/// The scheduler's answers to control.
package enum SchedulerToControl: WireMessage, Hashable {
    /// The answer to ``ControlToScheduler/states(request:_:)``, in the order of the question.
    case states(request: UInt64, [RunState])
    /// The answer to an order: the envelopes concerned, or whether anything changed.
    case affected(request: UInt64, count: UInt64)
    /// The answer to ``ControlToScheduler/statistics(request:)``.
    case statistics(request: UInt64, StatisticsReport)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .states(let request, let states):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(list: states) { $0.encode(into: &$1) }
        case .affected(let request, let count):
            writer.write(UInt8(2))
            writer.write(request)
            writer.write(count)
        case .statistics(let request, let report):
            writer.write(UInt8(3))
            writer.write(request)
            report.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .states(
                request: try reader.readUInt64(),
                try reader.readList { reader throws(WireError) in try RunState(from: &reader) })
        case 2: self = .affected(request: try reader.readUInt64(), count: try reader.readUInt64())
        case 3:
            self = .statistics(
                request: try reader.readUInt64(), try StatisticsReport(from: &reader))
        case let kind: throw .unknownValue(UInt64(kind), for: "SchedulerToControl")
        }
    }
}

/// Where an envelope stands in the schedule.
package enum RunState: WireMessage, Hashable {
    /// Seconds until the first try, negative when overdue.
    case pending(seconds: Int64)
    /// The same for one that has been tried.
    case deferred(seconds: Int64)
    /// Seconds since the try began.
    case inflight(seconds: Int64)
    /// Waits for its user or relay to have room.
    case held
    /// Rests until an operator resumes it.
    case suspended
    /// Gone meanwhile.
    case unknown

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .pending(let seconds):
            writer.write(UInt8(1))
            writer.write(seconds)
        case .inflight(let seconds):
            writer.write(UInt8(2))
            writer.write(seconds)
        case .held:
            writer.write(UInt8(3))
        case .suspended:
            writer.write(UInt8(4))
        case .unknown:
            writer.write(UInt8(5))
        case .deferred(let seconds):
            writer.write(UInt8(6))
            writer.write(seconds)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .pending(seconds: try reader.readInt64())
        case 2: self = .inflight(seconds: try reader.readInt64())
        case 3: self = .held
        case 4: self = .suspended
        case 5: self = .unknown
        case 6: self = .deferred(seconds: try reader.readInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "RunState")
        }
    }
}
