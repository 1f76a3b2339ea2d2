import Envelopes

/// What shares a transaction: envelopes of one message with one reverse path.
struct TaskKey: Hashable, Sendable {
    var message: MessageID
    var variant: UInt32
}

/// All envelopes of one message that wait at a relay.
struct RelayTask: Sendable {
    var key: TaskKey
    var ids: [EnvelopeID]
    /// Where the relay URL came from, when there are others to fall back on; nil for a domain's exchangers.
    var group: SmarthostSource?
    /// Which URLs of the group have been tried in this offer, a bit for each.
    var tried: UInt64 = 0
    /// The latest order of an operator that is behind one of them.
    var order: UInt64?
}

/// The tasks of a relay, first come, first served.
struct TaskQueue: Sendable {
    private var tasks: [TaskKey: RelayTask] = [:]
    private var order: ArraySlice<TaskKey> = []
    private(set) var envelopeCount = 0

    var count: Int { tasks.count }
    var isEmpty: Bool { tasks.isEmpty }

    func contains(_ key: TaskKey) -> Bool { tasks[key] != nil }

    /// Adds a task, or its envelopes to those of the same message that wait already.
    mutating func append(_ task: RelayTask) { insert(task, atFront: false) }

    /// Puts back what was taken, to be served next.
    mutating func putBack(_ task: RelayTask) { insert(task, atFront: true) }

    private mutating func insert(_ task: RelayTask, atFront: Bool) {
        envelopeCount += task.ids.count
        if tasks[task.key] != nil {
            tasks[task.key]?.ids += task.ids
            tasks[task.key]?.tried |= task.tried
            return
        }
        tasks[task.key] = task
        if atFront { order.insert(task.key, at: order.startIndex) } else { order.append(task.key) }
    }

    /// Takes the first task, or as many of its envelopes as fit; the rest keeps its place.
    mutating func next(limit: Int) -> RelayTask? {
        guard let key = order.first, var task = tasks[key] else { return nil }
        if task.ids.count <= limit {
            order.removeFirst()
            tasks[key] = nil
        } else {
            tasks[key]?.ids.removeFirst(limit)
            task.ids.removeSubrange(limit...)
        }
        envelopeCount -= task.ids.count
        // A slice keeps its array: give the served part back now and then.
        if order.startIndex > 64, order.startIndex > order.count { order = ArraySlice(Array(order)) }
        return task
    }

    mutating func removeAll() -> [RelayTask] {
        defer { self = TaskQueue() }
        return order.compactMap { tasks[$0] }
    }
}
