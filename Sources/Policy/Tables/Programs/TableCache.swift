/// Answers of one table that are used again for a while (`table ... cache TIME`).
///
/// Never a failure, and nothing of `auth`, whose keys are passwords. Bounded: of two generations the older goes when
/// the younger is full, so that what is asked for often stays.
package struct TableCache: Sendable {
    private struct Entry: Sendable {
        let answer: TableAnswer
        let until: Duration
    }

    /// Answers of one generation.
    package static let maximumEntries = 8_192

    private let lifetime: Duration
    private var young: [TableQuery: Entry] = [:]
    private var old: [TableQuery: Entry] = [:]

    /// - Parameter seconds: How long an answer is used.
    package init(seconds: Int64) { lifetime = .seconds(seconds) }

    /// Nil when the table has to be asked.
    package mutating func answer(_ query: TableQuery, at now: Duration) -> TableAnswer? {
        if let entry = young[query] { return entry.until > now ? entry.answer : nil }
        guard let entry = old.removeValue(forKey: query), entry.until > now else { return nil }
        insert(entry, for: query)
        return entry.answer
    }

    package mutating func note(_ answer: TableAnswer, to query: TableQuery, at now: Duration) {
        guard query.operation != .fetch, query.service != .auth else { return }
        switch answer {
        case .found, .notFound: insert(Entry(answer: answer, until: now + lifetime), for: query)
        case .failed: break
        }
    }

    package mutating func forgetAll() {
        young = [:]
        old = [:]
    }

    private mutating func insert(_ entry: Entry, for query: TableQuery) {
        if young.count >= Self.maximumEntries {
            old = young
            young = [:]
        }
        young[query] = entry
    }
}
