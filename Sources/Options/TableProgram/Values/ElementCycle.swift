import Tables

/// When the elements of a service are asked for anew: settings `fetch_SERVICE_expire` and `fetch_SERVICE_refresh`.
package struct FetchPolicy: Hashable, Sendable {
    /// The age at which they are.
    package let expire: Duration
    /// After so many requests they are.
    package let refresh: Int

    package init(expire: Duration = .seconds(60), refresh: Int = 1000) {
        self.expire = expire
        self.refresh = refresh
    }

    /// Takes both from a file.
    package init(taking settings: inout ProgramSettings, _ service: TableService) throws(ProgramSettings.Problem) {
        expire = .seconds(try settings.takeNumber("fetch_\(service.name)_expire", in: 0...31_536_000) ?? 60)
        refresh = try settings.takeNumber("fetch_\(service.name)_refresh", in: 0...1_000_000_000) ?? 1000
    }
}

/// Elements that are given out one after the other, again and again, until they are old.
package struct ElementCycle: Sendable {
    private let policy: FetchPolicy
    private var elements: [[UInt8]] = []
    private var place = 0
    private var left = 0
    private var end: Duration?

    /// Without elements: old from the start.
    package init(_ policy: FetchPolicy) { self.policy = policy }

    /// True when the database must be asked before the next one is taken.
    package func isStale(at now: Duration) -> Bool {
        guard let end else { return true }
        return now >= end || left == 0
    }

    /// Takes what the database has now.
    package mutating func fill(_ elements: [[UInt8]], at now: Duration) {
        self.elements = elements
        // Where the last round was does not matter when the number has changed.
        if place >= elements.count { place = 0 }
        left = max(1, policy.refresh)
        end = now + max(policy.expire, .zero)
    }

    /// The next one; nil when there is none at all.
    package mutating func next() -> [UInt8]? {
        left = max(0, left - 1)
        guard !elements.isEmpty else { return nil }
        defer { place = (place + 1) % elements.count }
        return elements[place]
    }
}
