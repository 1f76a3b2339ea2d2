import ProcessMessages

/// A distribution that a process records as it works; asked for, it becomes a ``HistogramValue``.
package struct Histogram: Sendable {
    private let key: String
    private let bounds: [Int64]
    private let unit: HistogramValue.Unit
    private var counts: [UInt64]
    private var sum: Int64 = 0

    private init(_ key: String, _ unit: HistogramValue.Unit, bounds: [Int64]) {
        self.key = key
        self.unit = unit
        self.bounds = bounds
        counts = [UInt64](repeating: 0, count: bounds.count + 1)
    }

    /// Of waits within this machine: a millisecond to ten seconds.
    package static func moments(_ key: String) -> Histogram {
        Histogram(key, .milliseconds, bounds: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000])
    }

    /// Of single computations, in microseconds: 20 of them to a second.
    package static func instants(_ key: String) -> Histogram {
        Histogram(
            key, .microseconds,
            bounds: [20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000])
    }

    /// Of the delays of mail: a second to four days.
    package static func delays(_ key: String) -> Histogram {
        Histogram(
            key, .milliseconds,
            bounds: [1, 2, 5, 10, 30, 60, 300, 900, 3_600, 4 * 3_600, 12 * 3_600, 86_400, 4 * 86_400].map { $0 * 1_000 })
    }

    /// Of messages: a kilobyte to 256 megabytes.
    package static func sizes(_ key: String) -> Histogram {
        Histogram(key, .bytes, bounds: (0...9).map { 1_024 << (2 * $0) })
    }

    /// Counts a value.
    package mutating func record(_ value: Int64) {
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum = sum.addingReportingOverflow(value).partialValue
    }

    package var value: HistogramValue {
        // Bounds ascend, and there is one count more than bounds, by the initialisers above.
        HistogramValue(key: key, bounds: bounds, counts: counts, sum: sum, unit: unit)!
    }
}
