/// Envelopes by the moment they come due: a binary heap whose elements know their place, so that any
/// of them is taken out in logarithmic time.
///
/// Those that come due in the same second follow in the order of their ids, so that the recipients of one
/// message are handed out together and can share a transaction.
struct DueHeap {
    private struct Element {
        var due: Int32
        var slot: SlotNumber
        var id: UInt64

        func precedes(_ other: Element) -> Bool {
            due != other.due ? due < other.due : id < other.id
        }
    }

    private var elements: [Element] = []

    var count: Int { elements.count }

    /// The envelope that comes due first.
    var first: (due: Int32, slot: SlotNumber)? {
        elements.first.map { ($0.due, $0.slot) }
    }

    /// Adds an envelope by its ``EnvelopeSlot/due``.
    mutating func insert(_ slot: SlotNumber, in slots: inout EnvelopeSlots) {
        elements.appendGrowingSlowly(Element(due: slots[slot].due, slot: slot, id: slots[slot].id))
        rise(from: elements.count - 1, in: &slots)
    }

    mutating func remove(_ slot: SlotNumber, in slots: inout EnvelopeSlots) {
        let position = Int(slots[slot].heapPosition)
        precondition(
            elements.indices.contains(position) && elements[position].slot == slot,
            "an envelope in a heap knows its place")
        slots[slot].heapPosition = -1
        let moved = elements.removeLast()
        guard position < elements.count else {
            if elements.isEmpty { elements = [] }
            return
        }
        elements[position] = moved
        slots[moved.slot].heapPosition = Int32(position)
        if position > 0, moved.precedes(elements[(position - 1) / 2]) {
            rise(from: position, in: &slots)
        } else {
            sink(from: position, in: &slots)
        }
    }

    private mutating func rise(from start: Int, in slots: inout EnvelopeSlots) {
        let element = elements[start]
        var position = start
        while position > 0 {
            let parent = (position - 1) / 2
            guard element.precedes(elements[parent]) else { break }
            elements[position] = elements[parent]
            slots[elements[position].slot].heapPosition = Int32(position)
            position = parent
        }
        elements[position] = element
        slots[element.slot].heapPosition = Int32(position)
    }

    private mutating func sink(from start: Int, in slots: inout EnvelopeSlots) {
        let element = elements[start]
        var position = start
        while true {
            var child = 2 * position + 1
            guard child < elements.count else { break }
            if child + 1 < elements.count, elements[child + 1].precedes(elements[child]) { child += 1 }
            guard elements[child].precedes(element) else { break }
            elements[position] = elements[child]
            slots[elements[position].slot].heapPosition = Int32(position)
            position = child
        }
        elements[position] = element
        slots[element.slot].heapPosition = Int32(position)
    }

    /// Bytes held, unused capacity included.
    var footprint: Int { elements.capacity * MemoryLayout<Element>.stride }
}
