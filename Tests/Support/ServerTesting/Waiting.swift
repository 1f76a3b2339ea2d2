import Glibc
import Platform

/// A condition did not come true in time.
package struct TimedOut: Error, CustomStringConvertible {
    package let what: String
    package var description: String { "waited in vain for \(what)" }
}

/// Waits until a condition holds, looking every few milliseconds; how long is a question of the machine's
/// load, so limits are generous and no test sleeps for a fixed time.
///
/// - Throws: ``TimedOut`` when it does not hold within `seconds`.
package func eventually(_ what: String, within seconds: Double = 20, _ condition: () throws -> Bool) async throws {
    let deadline = monotonicSeconds() + seconds
    while true {
        if try condition() { return }
        guard monotonicSeconds() < deadline else { throw TimedOut(what: what) }
        try await Task.sleep(nanoseconds: 5_000_000)
    }
}

/// Seconds of the clock that nobody sets.
package func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

/// A thread of a test's own, for what blocks: clients under load, servers that wait.
package final class TestThread: Sendable {
    private let done = Flag()

    /// Starts at once.
    package init(_ body: @escaping @Sendable () -> Void) {
        let start = Start(body: body, done: done)
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                // Retained just below, for this thread alone.
                let start = Unmanaged<Start>.fromOpaque(context!).takeRetainedValue()
                start.body()
                start.done.set()
                return nil
            }, Unmanaged.passRetained(start).toOpaque())
        precondition(result == 0, "no thread for a test")
        pthread_detach(thread)
    }

    /// Waits for its end.
    package func finished(within seconds: Double = 60) async throws {
        try await eventually("a thread's end", within: seconds) { done.isSet }
    }

    private final class Start: Sendable {
        let body: @Sendable () -> Void
        let done: Flag
        init(body: @escaping @Sendable () -> Void, done: Flag) {
            self.body = body
            self.done = done
        }
    }
}

/// A value that threads share.
package final class Shared<Value>: @unchecked Sendable {
    // The lock is held around every access, which makes the promise true; it never moves.
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    package init(_ value: Value) {
        self.value = value
        lock = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
    }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    package func with<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&value)
    }

    package var current: Value { with { $0 } }
}

/// Something that happens once.
package final class Flag: Sendable {
    private let state = Shared(false)
    package init() {}
    package func set() { state.with { $0 = true } }
    package var isSet: Bool { state.current }
}

/// Numbers that a seed determines (SplitMix64), so that a failure can be repeated.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    package init(seed: UInt64) { state = seed }
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
