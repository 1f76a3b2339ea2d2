/// All elements of a table that gives one at a time, in turn (``TableQuery/Operation/fetch``).
///
/// A fetch goes on where the last one ended, so the first element that comes again ends the round. Two rounds at a
/// time would each see a part: whoever carries rounds out has one at a time on a table, and lets others share it.
package struct FetchRound: Sendable {
    package enum Step: Hashable, Sendable {
        /// Ask for the next; ``answer(_:)`` takes it.
        case fetch
        case finished([String])
        case failed(String)
    }

    /// Elements that are taken at most; a table with more is cut.
    private let limit: Int
    private var elements: [String] = []
    private var seen: Set<String> = []

    package init(limit: Int) { self.limit = limit }

    package mutating func answer(_ answer: TableAnswer) -> Step {
        switch answer {
        case .found(let element):
            guard seen.insert(element).inserted else { return .finished(elements) }
            elements.append(element)
            return elements.count < limit ? .fetch : .finished(elements)
        case .notFound: return .finished(elements)
        case .failed(let reason): return .failed(reason)
        }
    }
}
