/// The slots of all envelopes in the order of their ids: blocks of sorted keys under a sorted directory.
///
/// One structure serves the three questions asked of it: which slot has this id, which envelopes has this
/// message (its id is the upper half of theirs, so they are neighbours), and what follows this id on the
/// next page of a listing, with the queue changing between two pages.
struct EnvelopeIndex {
    /// Keys in one block. Larger blocks cost more moving inside them, smaller ones more in the directory.
    static let blockCapacity = 256

    /// For each block in order, a bound that none of its keys is below. The first one's is not used.
    private var lowerBounds: [UInt64] = [0]
    /// For each block in order, its number: where it lies in `keys` and `slots`.
    private var order: [Int32] = [0]
    /// By number of the block, how many keys it holds.
    private var counts: [Int32] = [0]
    private var keys = [UInt64](repeating: 0, count: blockCapacity)
    private var slots = [SlotNumber](repeating: 0, count: blockCapacity)
    private var freeBlocks: [Int32] = []
    private(set) var count = 0

    /// The slot of an id, nil when there is none.
    subscript(id: UInt64) -> SlotNumber? {
        let (start, count) = block(at: directoryPosition(of: id))
        let place = lowerBound(of: id, from: start, count: count)
        return place < start + count && keys[place] == id ? slots[place] : nil
    }

    /// Adds an id that is not there yet.
    mutating func insert(_ id: UInt64, slot: SlotNumber) {
        var position = directoryPosition(of: id)
        if counts[Int(order[position])] == Self.blockCapacity {
            split(at: position)
            position = directoryPosition(of: id)
        }
        let (start, size) = block(at: position)
        let place = lowerBound(of: id, from: start, count: size)
        Self.insert(id, at: place, before: start + size, into: &keys)
        Self.insert(slot, at: place, before: start + size, into: &slots)
        counts[Int(order[position])] += 1
        count += 1
    }

    /// Takes an id out; nothing happens when it is not there.
    mutating func remove(_ id: UInt64) {
        let position = directoryPosition(of: id)
        let (start, size) = block(at: position)
        let place = lowerBound(of: id, from: start, count: size)
        guard place < start + size, keys[place] == id else { return }
        Self.close(place, before: start + size, in: &keys)
        Self.close(place, before: start + size, in: &slots)
        counts[Int(order[position])] -= 1
        count -= 1
        if count == 0 {
            // An empty queue gives its memory back.
            self = EnvelopeIndex()
        } else if size - 1 < Self.blockCapacity / 4 {
            merge(around: position)
        }
    }

    /// Calls `body` with the entries from one id through another in order, until it returns false.
    func forEach(from first: UInt64, through last: UInt64, _ body: (UInt64, SlotNumber) -> Bool) {
        var position = directoryPosition(of: first)
        while position < order.count {
            let (start, size) = block(at: position)
            for place in lowerBound(of: first, from: start, count: size)..<(start + size) {
                guard keys[place] <= last, body(keys[place], slots[place]) else { return }
            }
            position += 1
        }
    }

    /// True when there is no entry from one id through another.
    func isEmpty(from first: UInt64, through last: UInt64) -> Bool {
        var found = false
        forEach(from: first, through: last) { _, _ in
            found = true
            return false
        }
        return !found
    }

    /// Bytes held, unused capacity included.
    var footprint: Int {
        keys.capacity * 8 + slots.capacity * 4 + lowerBounds.capacity * 8 + order.capacity * 4
            + counts.capacity * 4 + freeBlocks.capacity * 4
    }

    // MARK: Blocks

    /// Moves the elements from a place to the end of a block up by one, and fills the place.
    ///
    /// Through a span, which asks once whether the array is shared and not at each of a hundred elements.
    private static func insert<Element>(_ element: Element, at place: Int, before end: Int, into array: inout [Element]) {
        var span = array.mutableSpan
        var hole = end
        while hole > place {
            span[hole] = span[hole - 1]
            hole -= 1
        }
        span[place] = element
    }

    /// Moves the elements behind a place down by one.
    private static func close<Element>(_ place: Int, before end: Int, in array: inout [Element]) {
        var span = array.mutableSpan
        for moved in place..<(end - 1) { span[moved] = span[moved + 1] }
    }

    private func block(at position: Int) -> (start: Int, count: Int) {
        let number = Int(order[position])
        return (number * Self.blockCapacity, Int(counts[number]))
    }

    /// The position in the directory of the only block that can hold an id.
    private func directoryPosition(of id: UInt64) -> Int {
        var low = 1
        var high = lowerBounds.count
        while low < high {
            let middle = (low + high) / 2
            if lowerBounds[middle] <= id { low = middle + 1 } else { high = middle }
        }
        return low - 1
    }

    /// The first place in a block whose key is not below an id.
    private func lowerBound(of id: UInt64, from start: Int, count: Int) -> Int {
        var low = start
        var high = start + count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func split(at position: Int) {
        let (start, size) = block(at: position)
        let kept = size / 2
        let number = newBlock()
        let target = Int(number) * Self.blockCapacity
        for offset in kept..<size {
            keys[target + offset - kept] = keys[start + offset]
            slots[target + offset - kept] = slots[start + offset]
        }
        counts[Int(order[position])] = Int32(kept)
        counts[Int(number)] = Int32(size - kept)
        order.insert(number, at: position + 1)
        lowerBounds.insert(keys[target], at: position + 1)
    }

    private mutating func newBlock() -> Int32 {
        if let number = freeBlocks.popLast() { return number }
        let number = Int32(counts.count)
        counts.append(0)
        for _ in 0..<Self.blockCapacity {
            keys.appendGrowingSlowly(0)
            slots.appendGrowingSlowly(0)
        }
        return number
    }

    /// Joins a block that became small with a neighbour when both fit in half a block, so that an index
    /// that shrinks does not stay as wide as it was.
    private mutating func merge(around position: Int) {
        if position + 1 < order.count, joins(position) { return }
        if position > 0 { _ = joins(position - 1) }
    }

    /// Moves the keys of the block after a position into the block at it; false when they are too many.
    private mutating func joins(_ position: Int) -> Bool {
        let (start, size) = block(at: position)
        let (source, added) = block(at: position + 1)
        guard size + added <= Self.blockCapacity / 2 else { return false }
        for offset in 0..<added {
            keys[start + size + offset] = keys[source + offset]
            slots[start + size + offset] = slots[source + offset]
        }
        counts[Int(order[position])] = Int32(size + added)
        let emptied = order.remove(at: position + 1)
        lowerBounds.remove(at: position + 1)
        counts[Int(emptied)] = 0
        freeBlocks.append(emptied)
        return true
    }
}
