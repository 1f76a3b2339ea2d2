import WireFormat

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

/// How often something took how long, or was how large, since the start: the distribution of values over buckets.
package struct HistogramValue: WireMessage, Hashable {
    /// Words with dots between them, such as `mda.delay`; one printable line.
    package var key: String
    /// Upper ends of the buckets, ascending, in the unit of ``Unit``.
    package var bounds: [Int64]
    /// Values in each bucket, and behind the last bound.
    package var counts: [UInt64]
    /// Of all values.
    package var sum: Int64
    package var unit: Unit

    package enum Unit: UInt8, Hashable, Sendable, CaseIterable {
        case milliseconds = 1
        case bytes
        case microseconds
    }

    /// The most buckets.
    package static let maximumBounds = 64

    /// Nil for bounds that do not ascend, too many of them, or another number of counts than one more.
    package init?(key: String, bounds: [Int64], counts: [UInt64], sum: Int64, unit: Unit) {
        guard bounds.count <= Self.maximumBounds, counts.count == bounds.count + 1,
            zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        self.key = key
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
        self.unit = unit
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(line: key)
        writer.write(list: bounds) { $1.write($0) }
        writer.write(list: counts) { $1.write($0) }
        writer.write(sum)
        writer.write(unit.rawValue)
    }

    /// - Throws: ``WireError/invalid(_:)`` for what is no histogram.
    package init(from reader: inout WireReader) throws(WireError) {
        let key = try reader.readLine()
        let bounds = try reader.readList { reader throws(WireError) in try reader.readInt64() }
        let counts = try reader.readList { reader throws(WireError) in try reader.readUInt64() }
        let sum = try reader.readInt64()
        let unit = try reader.readUInt8()
        guard let unit = Unit(rawValue: unit) else { throw .unknownValue(UInt64(unit), for: "unit of a histogram") }
        guard let value = HistogramValue(key: key, bounds: bounds, counts: counts, sum: sum, unit: unit) else {
            throw .invalid("histogram")
        }
        self = value
    }
}

/// What a process has counted.
package struct StatisticsReport: WireMessage, Hashable {
    package var values: [Statistic]
    package var histograms: [HistogramValue]

    package init(values: [Statistic], histograms: [HistogramValue] = []) {
        self.values = values
        self.histograms = histograms
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(list: values) { $0.encode(into: &$1) }
        writer.write(list: histograms) { $0.encode(into: &$1) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            values: try reader.readList { reader throws(WireError) in try Statistic(from: &reader) },
            histograms: try reader.readList { reader throws(WireError) in try HistogramValue(from: &reader) })
    }
}
