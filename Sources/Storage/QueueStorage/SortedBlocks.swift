/// A sorted collection of small values in flat blocks: the queue's index of a million envelopes.
///
/// Lookup is two binary searches; insertion and removal move at most one block. A full block gives
/// to a neighbour with room before it splits, so that random insertion keeps blocks about four fifths full.
/// Costs no allocation per element, and iterates in order of key from any key on.
struct SortedBlocks<Element: SortedElement> {
    /// Elements per block.
    static var capacity: Int { 256 }

    private var blocks: [[Element]] = []
    /// The lowest key of each block, apart from them so that a search stays within one array.
    private var lowest: [Element.Key] = []
    private(set) var count = 0
    /// The block of the last change: changes often come in order.
    private var recent = 0

    /// Bytes held, containers included.
    var memory: Int {
        blocks.capacity * MemoryLayout<[Element]>.stride + lowest.capacity * MemoryLayout<Element.Key>.stride
            + blocks.reduce(0) { $0 + $1.capacity * MemoryLayout<Element>.stride + 32 }
    }

    subscript(key: Element.Key) -> Element? {
        guard let block = block(for: key) else { return nil }
        let position = blocks[block].position(of: key)
        guard position < blocks[block].count, blocks[block][position].key == key else { return nil }
        return blocks[block][position]
    }

    /// False, and nothing changed, when the key is there already.
    mutating func insert(_ element: Element) -> Bool {
        guard var block = block(for: element.key) else {
            blocks.append(Self.emptyBlock())
            blocks[0].append(element)
            lowest.append(element.key)
            count = 1
            return true
        }
        var position = blocks[block].position(of: element.key)
        if position < blocks[block].count, blocks[block][position].key == element.key { return false }
        if blocks[block].count == Self.capacity {
            makeRoom(in: block)
            // Every key has a block once there is one.
            block = self.block(for: element.key) ?? 0
            position = blocks[block].position(of: element.key)
        }
        blocks[block].insert(element, at: position)
        if position == 0 { lowest[block] = element.key }
        recent = block
        count += 1
        return true
    }

    mutating func remove(_ key: Element.Key) -> Element? {
        guard let block = block(for: key) else { return nil }
        let position = blocks[block].position(of: key)
        guard position < blocks[block].count, blocks[block][position].key == key else { return nil }
        let element = blocks[block].remove(at: position)
        count -= 1
        if blocks[block].isEmpty {
            blocks.remove(at: block)
            lowest.remove(at: block)
        } else {
            if position == 0 { lowest[block] = blocks[block][0].key }
            mergeIfSmall(block)
        }
        return element
    }

    /// Changes an element in place; the key must stay. False when there is none.
    @discardableResult
    mutating func update(_ key: Element.Key, _ change: (inout Element) -> Void) -> Bool {
        guard let block = block(for: key) else { return false }
        let position = blocks[block].position(of: key)
        guard position < blocks[block].count, blocks[block][position].key == key else { return false }
        recent = block
        change(&blocks[block][position])
        return true
    }

    /// Visits elements above `key` in order until `body` returns false.
    func forEach(after key: Element.Key, _ body: (Element) -> Bool) {
        guard var block = block(for: key) else { return }
        var position = blocks[block].position(of: key)
        if position < blocks[block].count, blocks[block][position].key == key { position += 1 }
        while block < blocks.count {
            while position < blocks[block].count {
                guard body(blocks[block][position]) else { return }
                position += 1
            }
            block += 1
            position = 0
        }
    }

    /// The last block whose lowest key is not above `key`, else the first; nil when empty.
    private func block(for key: Element.Key) -> Int? {
        guard !lowest.isEmpty else { return nil }
        if recent < lowest.count, lowest[recent] <= key, recent + 1 == lowest.count || key < lowest[recent + 1] {
            return recent
        }
        var low = 0
        var high = lowest.count
        while low < high {
            let middle = (low + high) / 2
            if lowest[middle] <= key { low = middle + 1 } else { high = middle }
        }
        return max(0, low - 1)
    }

    private mutating func makeRoom(in block: Int) {
        if block + 1 < blocks.count, blocks[block + 1].count < Self.capacity * 3 / 4 {
            let moved = (Self.capacity - blocks[block + 1].count) / 2
            blocks[block + 1].insert(contentsOf: blocks[block].suffix(moved), at: 0)
            blocks[block].removeLast(moved)
            lowest[block + 1] = blocks[block + 1][0].key
        } else if block > 0, blocks[block - 1].count < Self.capacity * 3 / 4 {
            let moved = (Self.capacity - blocks[block - 1].count) / 2
            blocks[block - 1].append(contentsOf: blocks[block].prefix(moved))
            blocks[block].removeFirst(moved)
            lowest[block] = blocks[block][0].key
        } else {
            var upper = Self.emptyBlock()
            // Keys that only grow, as in a queue read back in order, leave full blocks behind.
            let moved = block + 1 == blocks.count ? Self.capacity / 8 : Self.capacity / 2
            upper.append(contentsOf: blocks[block].suffix(moved))
            blocks[block].removeLast(moved)
            lowest.insert(upper[0].key, at: block + 1)
            blocks.insert(upper, at: block + 1)
        }
    }

    private mutating func mergeIfSmall(_ block: Int) {
        guard blocks[block].count < Self.capacity / 4 else { return }
        let lower = block > 0 ? block - 1 : block
        guard lower + 1 < blocks.count, blocks[lower].count + blocks[lower + 1].count <= Self.capacity * 3 / 4 else {
            return
        }
        blocks[lower].append(contentsOf: blocks[lower + 1])
        blocks.remove(at: lower + 1)
        lowest.remove(at: lower + 1)
    }

    private static func emptyBlock() -> [Element] {
        var block: [Element] = []
        block.reserveCapacity(capacity)
        return block
    }
}

/// A value with the key it is sorted by.
protocol SortedElement {
    associatedtype Key: Comparable
    var key: Key { get }
}

extension Array where Element: SortedElement {
    /// Where the key is, or would be inserted.
    fileprivate func position(of key: Element.Key) -> Int {
        // A start reads everything in order.
        if let last, last.key < key { return count }
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
