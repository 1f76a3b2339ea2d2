import Glibc

/// The clock that nobody sets.
package enum TableClock {
    /// Since some time in the past.
    package static func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
