/// Which messages of the offline directory are handed in when: a few at a time, the oldest first, none of a user who
/// has enough under way, and those that failed less and less often. A value; times are seconds of any clock that
/// does not jump.
struct OfflineSchedule {
    /// A message that waits for its turn.
    struct Entry: Hashable {
        let name: String
        /// Who handed it in: the owner of its file.
        let owner: UInt32
    }

    /// Messages being handed in at once.
    static let simultaneous = 5
    /// Of one user, who could keep them from ending. A rootless installation has one user only.
    static let simultaneousOfOne = 3
    /// Names looked at in one go.
    static let batch = 1000
    /// Pauses after failures double from here.
    static let firstPause: Int64 = 30
    static let longestPause: Int64 = 3600

    private var waiting: [Entry] = []
    private var running: [Entry] = []
    private var failures: [String: (pause: Int64, until: Int64)] = [:]

    var isIdle: Bool { waiting.isEmpty && running.isEmpty }

    /// `TIME.RANDOM`: digits, a dot, sixteen hexadecimal digits.
    static func isMessage(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2, (1...20).contains(parts[0].count), parts[1].count == 16 else { return false }
        return parts[0].allSatisfy { (0x30...0x39).contains($0) }
            && parts[1].allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// A name with a dot before it: a message that is still being written, or never was finished.
    static func isUnfinished(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: ".") && isMessage(String(name.dropFirst()))
    }

    /// The messages of a listing that can be tried now, not more than ``batch``, and whether there are more.
    /// What has failed and is listed no longer is forgotten.
    mutating func due(in listing: [String], at now: Int64) -> (names: [String], areMore: Bool) {
        let messages = listing.filter(Self.isMessage)
        if !failures.isEmpty {
            let present = Set(messages)
            failures = failures.filter { present.contains($0.key) }
        }
        let known = Set(waiting.map(\.name) + running.map(\.name))
        let due = messages.filter { name in
            !known.contains(name) && failures[name].map { $0.until <= now } ?? true
        }
        // By time: the numbers have the same length for the next two centuries.
        let names = Array(due.sorted().prefix(Self.batch))
        return (names, due.count > names.count)
    }

    /// Adds a message that ``due(in:at:)`` named.
    mutating func add(_ entry: Entry) { waiting.append(entry) }

    /// Takes the next message to start; nil when enough is under way, or nothing waits.
    mutating func next() -> Entry? {
        guard running.count < Self.simultaneous else { return nil }
        let index = waiting.firstIndex { entry in
            running.count { $0.owner == entry.owner } < Self.simultaneousOfOne
        }
        guard let index else { return nil }
        let entry = waiting.remove(at: index)
        running.append(entry)
        return entry
    }

    /// The message is gone from the directory.
    mutating func settle(_ name: String) {
        running.removeAll { $0.name == name }
        failures[name] = nil
    }

    /// The message stays in the directory though it has been dealt with: it is not touched again.
    mutating func abandon(_ name: String) {
        running.removeAll { $0.name == name }
        failures[name] = (Self.longestPause, .max)
    }

    /// The message stays, and is tried again after a pause.
    ///
    /// - Returns: The pause in seconds.
    @discardableResult
    mutating func postpone(_ name: String, at now: Int64) -> Int64 {
        running.removeAll { $0.name == name }
        let pause = min(Self.longestPause, failures[name].map { $0.pause * 2 } ?? Self.firstPause)
        failures[name] = (pause, now + pause)
        return pause
    }
}
