/// A moment of the monotonic clock, in milliseconds from wherever that clock counts.
///
/// The driver reads the clock; the machine only compares and adds. One that also counts while the machine
/// sleeps is best.
package struct Moment: Hashable, Comparable, Sendable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (a: Moment, b: Moment) -> Bool { a.milliseconds < b.milliseconds }

    /// Never wraps: a sum beyond the clock's range is its last moment.
    package func advanced(byMilliseconds distance: Int64) -> Moment {
        let (sum, overflow) = milliseconds.addingReportingOverflow(distance)
        return Moment(milliseconds: overflow ? (distance < 0 ? .min : .max) : sum)
    }

    package func advanced(bySeconds distance: Int64) -> Moment {
        let (product, overflow) = distance.multipliedReportingOverflow(by: 1_000)
        return advanced(byMilliseconds: overflow ? (distance < 0 ? .min : .max) : product)
    }

    /// Whole seconds from `earlier` to here, rounded down; negative when it lies ahead.
    package func seconds(since earlier: Moment) -> Int64 {
        let (difference, overflow) = milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        if overflow { return milliseconds < earlier.milliseconds ? Int64.min / 1_000 : Int64.max / 1_000 }
        return difference >= 0 ? difference / 1_000 : -((999 &- difference) / 1_000)
    }
}
