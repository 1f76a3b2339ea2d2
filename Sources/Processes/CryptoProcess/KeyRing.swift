import EventLoop
import TLS

/// Private keys by number, and those that are kept a little longer than they are needed.
struct KeyRing {
    /// How long a key signs after it was replaced: sessions that began before may still turn to TLS with it.
    static let grace = Duration.seconds(3_600)

    private var keys: [UInt32: PrivateKey] = [:]
    private var retired: [UInt32: MonotonicInstant] = [:]

    init() {}

    /// All that can sign, retired ones among them.
    var count: Int { keys.count }

    /// The key of a number, retired or not.
    subscript(number: UInt32) -> PrivateKey? { keys[number] }

    mutating func add(_ key: PrivateKey, number: UInt32) {
        keys[number] = key
        retired[number] = nil
    }

    /// Retires all others; one that is wanted again is not retired any more.
    mutating func keep(_ wanted: Set<UInt32>, at now: MonotonicInstant) {
        for number in keys.keys {
            if wanted.contains(number) { retired[number] = nil } else if retired[number] == nil { retired[number] = now }
        }
        forgetRetired(at: now)
    }

    /// Forgets those that were retired long enough ago.
    mutating func forgetRetired(at now: MonotonicInstant) {
        for (number, since) in retired where now - since >= Self.grace {
            keys[number] = nil
            retired[number] = nil
        }
    }
}
