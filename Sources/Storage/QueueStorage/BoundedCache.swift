/// Values kept until newer ones push them out: what was written last is what is read back first.
struct BoundedCache<Key: Hashable, Value> {
    private var values: [Key: (value: Value, cost: Int, stamp: UInt64)] = [:]
    private var order: [(key: Key, stamp: UInt64)] = []
    private var first = 0
    private var stamp: UInt64 = 0
    private var cost = 0
    private let limit: Int

    /// - Parameter limit: The sum of costs it holds at most; a value above it is not kept at all.
    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { values.count }

    subscript(key: Key) -> Value? { values[key]?.value }

    mutating func insert(_ value: Value, for key: Key, cost added: Int) {
        remove(key)
        guard added <= limit else { return }
        stamp += 1
        values[key] = (value, added, stamp)
        order.append((key, stamp))
        cost += added
        while cost > limit, first < order.count {
            let oldest = order[first]
            first += 1
            if values[oldest.key]?.stamp == oldest.stamp { remove(oldest.key) }
        }
        // Keys of removed values stay in the order until they make up most of it.
        if order.count > 64, order.count - first > 2 * values.count || first > order.count / 2 {
            order = order[first...].filter { values[$0.key]?.stamp == $0.stamp }
            first = 0
        }
    }

    mutating func remove(_ key: Key) {
        if let removed = values.removeValue(forKey: key) { cost -= removed.cost }
    }
}
