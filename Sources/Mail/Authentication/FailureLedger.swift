/// Counts failures of clients over time, in bounded memory: each client has a bucket that a failure fills by one and
/// that empties slowly.
///
/// A success empties nothing: else whoever has one account could guess others for ever.
package struct FailureLedger<Client: Hashable & Sendable>: Sendable {
    private struct Bucket {
        var level: Int
        /// When it had that level, in seconds.
        var time: Int64
    }

    /// Failures at which a client is locked out; 0 for never.
    package var limit: Int
    /// Seconds in which a full bucket becomes empty.
    private let window: Int64
    /// Clients that are remembered.
    private let capacity: Int
    private var buckets: [Client: Bucket] = [:]

    package init(limit: Int, window: Int64 = 600, capacity: Int = 10_000) {
        precondition(window > 0 && capacity > 0, "a ledger has a window and room")
        self.limit = limit
        self.window = window
        self.capacity = capacity
    }

    /// Clients that are remembered now.
    package var count: Int { buckets.count }

    /// Whether a client has failed too often.
    ///
    /// - Parameter now: Seconds of a clock that does not go back.
    package func isLockedOut(_ client: Client, now: Int64) -> Bool { limit > 0 && level(of: client, now) >= limit }

    /// Notes a failure.
    package mutating func failed(_ client: Client, now: Int64) {
        guard limit > 0 else { return }
        if buckets[client] == nil, buckets.count >= capacity { makeRoom(now) }
        let level = level(of: client, now)
        // Not beyond the limit: who is locked out is so for a bounded time, however often he tries.
        buckets[client] = Bucket(level: min(level + 1, limit), time: now)
    }

    /// What is left in a bucket: whole steps of time take one failure each.
    private func level(of client: Client, _ now: Int64) -> Int {
        guard let bucket = buckets[client] else { return 0 }
        let elapsed = max(0, now - bucket.time)
        guard elapsed < window else { return 0 }
        return max(0, bucket.level - Int(elapsed * Int64(limit) / window))
    }

    /// Forgets who has an empty bucket, and if that is nobody, half of those with the least in theirs.
    private mutating func makeRoom(_ now: Int64) {
        buckets = buckets.filter { level(of: $0.key, now) > 0 }
        guard buckets.count >= capacity else { return }
        let levels = buckets.mapValues(\.level)
        let dropped = buckets.keys.sorted { levels[$0, default: 0] < levels[$1, default: 0] }.prefix(capacity / 2 + 1)
        for client in dropped { buckets[client] = nil }
    }
}
