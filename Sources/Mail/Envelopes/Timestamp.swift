/// A moment of the wall clock in whole seconds since 1970, as the queue stores it.
///
/// A value that comes in from outside: nothing in Mail or Policy reads a clock.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var seconds: Int64

    package init(seconds: Int64) { self.seconds = seconds }

    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.seconds < b.seconds }
    package static func + (a: Timestamp, seconds: Int64) -> Timestamp {
        Timestamp(seconds: a.seconds.addingReportingOverflow(seconds).overflow ? .max : a.seconds + seconds)
    }
    /// The distance in seconds.
    package static func - (a: Timestamp, b: Timestamp) -> Int64 { a.seconds &- b.seconds }
}
