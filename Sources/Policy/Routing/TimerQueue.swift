/// Timers by name: each name has at most one, and setting it again moves it.
///
/// A binary heap; an entry that was moved stays in it until it surfaces or until stale ones outnumber the live.
struct TimerQueue<Name: Hashable & Sendable>: Sendable {
    private struct Entry: Sendable {
        var moment: Moment
        /// Ties follow in the order in which they were set, so that runs are alike.
        var sequence: UInt64
        var name: Name

        func precedes(_ other: Entry) -> Bool {
            moment != other.moment ? moment < other.moment : sequence < other.sequence
        }
    }

    private var heap: [Entry] = []
    private var armed: [Name: (moment: Moment, sequence: UInt64)] = [:]
    private var sequence: UInt64 = 0

    var count: Int { armed.count }

    /// The earliest moment, stale entries left out.
    mutating func first() -> Moment? {
        dropStale()
        return heap.first?.moment
    }

    func moment(of name: Name) -> Moment? { armed[name]?.moment }

    mutating func set(_ name: Name, at moment: Moment) {
        if armed[name]?.moment == moment { return }
        sequence += 1
        armed[name] = (moment, sequence)
        if heap.count > 2 * armed.count + 64 { rebuild() } else { push(Entry(moment: moment, sequence: sequence, name: name)) }
    }

    /// Sets a timer unless an earlier one of that name runs.
    mutating func set(_ name: Name, noLaterThan moment: Moment) {
        if let current = armed[name]?.moment, current <= moment { return }
        set(name, at: moment)
    }

    mutating func cancel(_ name: Name) { armed[name] = nil }

    /// Takes the first timer that is due out.
    mutating func popDue(_ now: Moment) -> Name? {
        dropStale()
        guard let entry = heap.first, entry.moment <= now else { return nil }
        popFirst()
        armed[entry.name] = nil
        return entry.name
    }

    private mutating func dropStale() {
        while let entry = heap.first, armed[entry.name]?.sequence != entry.sequence { popFirst() }
    }

    private mutating func rebuild() {
        heap = []
        for (name, timer) in armed { push(Entry(moment: timer.moment, sequence: timer.sequence, name: name)) }
    }

    private mutating func push(_ entry: Entry) {
        heap.append(entry)
        var position = heap.count - 1
        while position > 0 {
            let parent = (position - 1) / 2
            guard heap[position].precedes(heap[parent]) else { return }
            heap.swapAt(position, parent)
            position = parent
        }
    }

    private mutating func popFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var position = 0
        while true {
            var child = 2 * position + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[position]) else { return }
            heap.swapAt(position, child)
            position = child
        }
    }
}
