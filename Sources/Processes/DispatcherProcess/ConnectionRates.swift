import MailSyntax

/// How often each client network connects: a bucket of connections that fills by the minute.
///
/// A client may spend what a minute brings at once, and then goes on at the pace of the limit. Memory is bounded:
/// networks whose bucket is full again are forgotten when there are many, and if that is not enough all are,
/// which lets a flood from ever new addresses through, as it would be in any case.
struct ConnectionRates {
    /// Connections a minute that one network may make; 0 for any number.
    var perMinute = 0
    /// Networks remembered at once.
    static let capacity = 50_000

    private struct Bucket {
        /// In sixtieths of a connection, so that a second brings `perMinute` of them.
        var tokens: Int
        var second: Int64
    }

    private var buckets: [IPAddress: Bucket] = [:]

    /// Networks remembered now.
    var count: Int { buckets.count }

    /// Counts a connection; false when it is one too many.
    ///
    /// - Parameter second: The time on a clock that never goes back, in seconds.
    mutating func takes(_ network: IPAddress, at second: Int64) -> Bool {
        guard perMinute > 0 else { return true }
        if buckets.count >= Self.capacity, buckets[network] == nil { forgetIdle(at: second) }
        var bucket = filled(buckets[network] ?? Bucket(tokens: perMinute * 60, second: second), at: second)
        let isWelcome = bucket.tokens >= 60
        if isWelcome { bucket.tokens -= 60 }
        buckets[network] = bucket
        return isWelcome
    }

    private func filled(_ bucket: Bucket, at second: Int64) -> Bucket {
        let passed = Int(clamping: min(60, max(0, second - bucket.second)))
        return Bucket(tokens: min(perMinute * 60, bucket.tokens + passed * perMinute), second: max(second, bucket.second))
    }

    private mutating func forgetIdle(at second: Int64) {
        buckets = buckets.filter { filled($0.value, at: second).tokens < perMinute * 60 }
        // Most of the room must come back, or every new network would look through all others.
        if buckets.count > Self.capacity / 2 { buckets = [:] }
    }
}
