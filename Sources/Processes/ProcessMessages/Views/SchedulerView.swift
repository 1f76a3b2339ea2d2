import Configuration
import WireFormat

/// What the scheduler may know of the configuration: limits and times.
package struct SchedulerView: WireMessage, Hashable {
    package var maximumInflight: Int
    package var maximumSchedule: Int
    package var maximumEnvelopeBatch: Int
    package var maximumMessageBatch: Int
    package var bounceWarnIntervals: [Int64]

    package init(maximumInflight: Int, maximumSchedule: Int, maximumEnvelopeBatch: Int, maximumMessageBatch: Int, bounceWarnIntervals: [Int64]) {
        self.maximumInflight = maximumInflight
        self.maximumSchedule = maximumSchedule
        self.maximumEnvelopeBatch = maximumEnvelopeBatch
        self.maximumMessageBatch = maximumMessageBatch
        self.bounceWarnIntervals = bounceWarnIntervals
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(Int64(maximumInflight))
        writer.write(Int64(maximumSchedule))
        writer.write(Int64(maximumEnvelopeBatch))
        writer.write(Int64(maximumMessageBatch))
        writer.write(list: bounceWarnIntervals) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            maximumInflight: try readCount(&reader),
            maximumSchedule: try readCount(&reader),
            maximumEnvelopeBatch: try readCount(&reader),
            maximumMessageBatch: try readCount(&reader),
            bounceWarnIntervals: try reader.readList { reader throws(WireError) in try reader.readInt64() })
    }
}
