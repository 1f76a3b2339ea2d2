import Glibc

/// A moment of the clock that only goes forward, for time-outs and delays.
///
/// It means nothing to another boot of the machine; what is stored uses ``wallClockSeconds()``.
package struct MonotonicInstant: Hashable, Comparable, Sendable {
    /// Since an arbitrary moment before the process began.
    package let nanoseconds: Int64

    /// A moment chosen by the caller: for tests, where time is a value.
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// This moment, as precise as the kernel knows it.
    package static func now() -> MonotonicInstant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Whether `left` comes first.
    package static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Later by a duration; the far end of time instead of an overflow.
    package static func + (instant: MonotonicInstant, delay: Duration) -> MonotonicInstant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(delay.wholeNanoseconds)
        if overflow { return MonotonicInstant(nanoseconds: delay < .zero ? .min : .max) }
        return MonotonicInstant(nanoseconds: sum)
    }

    /// Later by whole seconds.
    package static func + (instant: MonotonicInstant, seconds: Int) -> MonotonicInstant {
        instant + Duration.seconds(seconds)
    }

    /// The time from `earlier` to `later`.
    package static func - (later: MonotonicInstant, earlier: MonotonicInstant) -> Duration {
        .nanoseconds(later.nanoseconds.subtractingReportingOverflow(earlier.nanoseconds).partialValue)
    }
}

extension Duration {
    /// Cut to what 64 bits hold, which is 292 years.
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, tooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflow) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        if tooLarge || overflow { return seconds < 0 ? .min : .max }
        return sum
    }
}

/// Seconds since 1970 as the administrator set them: for what is stored or shown, never for time-outs.
package func wallClockSeconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec)
}
