import WireFormat

/// What the scheduler may know of the configuration: limits and times.
package struct SchedulerView: WireMessage, Hashable {
    /// Envelopes that may be under delivery at once.
    package var maximumInflight: Int
    /// Envelopes that become due in one turn.
    package var maximumSchedule: Int
    /// Envelopes in one page of a listing.
    package var maximumEnvelopeBatch: Int
    /// Messages in one page of a listing.
    package var maximumMessageBatch: Int
    /// Seconds after which the sender is told that a message still waits.
    package var bounceWarnIntervals: [Int64]

    package init(
        maximumInflight: Int, maximumSchedule: Int, maximumEnvelopeBatch: Int, maximumMessageBatch: Int,
        bounceWarnIntervals: [Int64]
    ) {
        self.maximumInflight = maximumInflight
        self.maximumSchedule = maximumSchedule
        self.maximumEnvelopeBatch = maximumEnvelopeBatch
        self.maximumMessageBatch = maximumMessageBatch
        self.bounceWarnIntervals = bounceWarnIntervals
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(count: maximumInflight)
        writer.write(count: maximumSchedule)
        writer.write(count: maximumEnvelopeBatch)
        writer.write(count: maximumMessageBatch)
        writer.write(list: bounceWarnIntervals) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            maximumInflight: try reader.readCount(), maximumSchedule: try reader.readCount(),
            maximumEnvelopeBatch: try reader.readCount(), maximumMessageBatch: try reader.readCount(),
            bounceWarnIntervals: try reader.readList { reader throws(WireError) in try reader.readDuration() })
    }
}
