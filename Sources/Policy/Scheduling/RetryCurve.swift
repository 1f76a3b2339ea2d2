/// When an envelope is tried again: `base * n * n` seconds after its creation.
///
/// The wait grows with the age of the envelope, so a young message is retried soon and an old one
/// rarely. All ages are seconds since creation on the monotonic clock.
struct RetryCurve {
    /// Seconds.
    let base: Int64

    /// Takes the base into the range for which no age on the curve overflows.
    init(base: Int64) {
        self.base = min(max(base, 1), Int64(Int32.max))
    }

    /// The smallest `n` whose point of the curve lies after an age.
    func step(after age: Int64) -> Int64 {
        guard age >= 0 else { return 0 }
        var n = Int64((Double(age) / Double(base)).squareRoot())
        // The square root is rounded: walk the last step in integers.
        while n > 0, base * (n - 1) * (n - 1) > age { n -= 1 }
        while base * n * n <= age { n += 1 }
        return n
    }

    /// The age at which an envelope of some attempts is due again after an attempt at `age`.
    ///
    /// The number of attempts alone does not decide: one that an operator scheduled by hand many times
    /// would wait for weeks. It is taken within one step of what the age says.
    func nextAge(after age: Int64, attempts: Int64) -> Int64 {
        let step = step(after: age)
        let n = min(max(attempts, step), step + 1)
        return base * n * n
    }

    /// The age at which an envelope read back from the queue is due. It may lie in the past.
    ///
    /// The same bound on the attempts as in ``nextAge(after:attempts:)`` keeps a wall clock that was set
    /// back before the start from holding back the queue: such an envelope looks young, and is tried soon.
    func firstAge(at age: Int64, attempts: Int64) -> Int64 {
        let n = min(max(attempts, 0), step(after: age))
        return base * n * n
    }

    /// Seconds to add to a retry: up to a tenth of the wait, the same for the same message and attempt.
    ///
    /// Messages that failed together because a host went away would otherwise all come back in the same
    /// second, at every point of the curve. The recipients of one message stay together, for they can
    /// share a transaction.
    static func jitter(for message: UInt64, attempts: Int64, wait: Int64, limit: Int64) -> Int64 {
        let range = min(wait / 10, limit)
        guard range > 0 else { return 0 }
        return Int64(mixed(message &+ UInt64(bitPattern: attempts) &* 0x9E37_79B9_7F4A_7C15) % UInt64(range + 1))
    }

    /// The output function of SplitMix64: every bit of the result depends on every bit of the input.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
