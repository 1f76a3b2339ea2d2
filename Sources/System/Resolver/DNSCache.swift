import EventLoop

/// Answers and absences that may still be believed.
///
/// Bounded by number and by memory; what was not asked for again since it was last looked at goes first.
package struct DNSCache {
    private struct Entry {
        var result: DNSResult
        var expires: MonotonicInstant
        var weight: Int
        /// Since it was last passed over by the hand.
        var wasUsed: Bool
    }

    private let maximumEntries: Int
    private let maximumWeight: Int
    private var entries: [DNSQuestion: Entry] = [:]
    private var weight = 0
    /// The entries, each once, in the order in which the hand comes by; those before `hand` are gone.
    private var order: [DNSQuestion] = []
    private var hand = 0

    /// How long a failure is believed: whoever asks again at once, makes it worse (RFC 9520 section 3.2).
    package static let failureTime = Duration.seconds(5)

    /// - Parameter maximumWeight: Octets of memory, about.
    package init(maximumEntries: Int = 20_000, maximumWeight: Int = 8 << 20) {
        self.maximumEntries = maximumEntries
        self.maximumWeight = maximumWeight
    }

    /// Entries, those that have expired among them.
    package var count: Int { entries.count }

    /// What is known at a moment; nil for nothing that holds then.
    package mutating func result(for question: DNSQuestion, at now: MonotonicInstant) -> DNSResult? {
        guard let entry = entries[question], now < entry.expires else { return nil }
        entries[question]?.wasUsed = true
        return entry.result
    }

    /// Keeps a result as long as it may be kept. One without a time to live is not.
    package mutating func insert(_ result: DNSResult, for question: DNSQuestion, at now: MonotonicInstant) {
        let lifetime = result.lifetime
        if let old = entries[question] {
            // Its place in the order stays, and so does it, worth nothing, when it may not be kept.
            weight -= old.weight
            store(result, for: question, until: now + lifetime)
        } else if lifetime > .zero {
            if entries.count >= maximumEntries { evict(at: now) }
            store(result, for: question, until: now + lifetime)
            order.append(question)
        }
        while weight > maximumWeight, !entries.isEmpty { evict(at: now) }
    }

    package mutating func removeAll() { self = DNSCache(maximumEntries: maximumEntries, maximumWeight: maximumWeight) }

    private mutating func store(_ result: DNSResult, for question: DNSQuestion, until expires: MonotonicInstant) {
        let size = result.weight + 2 * question.name.wire.count
        entries[question] = Entry(result: result, expires: expires, weight: size, wasUsed: false)
        weight += size
    }

    /// Moves the hand until an entry has gone.
    private mutating func evict(at now: MonotonicInstant) {
        while hand < order.count {
            let question = order[hand]
            hand += 1
            guard let entry = entries[question] else { continue }
            if entry.wasUsed, now < entry.expires {
                entries[question]?.wasUsed = false
                order.append(question)
                continue
            }
            weight -= entry.weight
            entries[question] = nil
            break
        }
        if hand > order.count / 2 {
            order.removeFirst(hand)
            hand = 0
        }
    }
}

extension DNSResult {
    fileprivate var lifetime: Duration {
        switch self {
        case .found(let answer): .seconds(answer.timeToLive)
        case .noData(let seconds), .noSuchName(let seconds): .seconds(seconds)
        // That there is no room says nothing about the question.
        case .failed(.overloaded): .zero
        case .failed: DNSCache.failureTime
        }
    }

    fileprivate var weight: Int {
        guard case .found(let answer) = self else { return 128 }
        return answer.data.reduce(128) { $0 + $1.weight }
    }
}
