/// The hold queues: for each user or relay that has too much to do already, the envelopes that wait for it.
struct HoldQueues {
    private struct Queue {
        /// Who is waited for, as the dispatcher names it.
        var holder: UInt64
        var list = SlotList()
    }

    private var numbers: [UInt64: Int32] = [:]
    private var queues: [Queue] = []
    private var free: [Int32] = []
    /// Envelopes on all of them.
    private(set) var heldCount = 0

    /// How many hold queues there are.
    var count: Int { numbers.count }

    /// How many envelopes wait for a holder.
    func count(for holder: UInt64) -> Int {
        numbers[holder].map { queues[Int($0)].list.count } ?? 0
    }

    /// The envelope that has waited longest for a holder.
    func first(for holder: UInt64) -> SlotNumber? {
        // A hold queue exists only as long as an envelope is on it.
        numbers[holder].map { queues[Int($0)].list.first }
    }

    mutating func append(_ slot: SlotNumber, holder: UInt64, in slots: inout EnvelopeSlots) {
        let number = number(for: holder)
        queues[Int(number)].list.append(slot, in: &slots)
        slots[slot].holdQueue = number
        heldCount += 1
    }

    mutating func remove(_ slot: SlotNumber, in slots: inout EnvelopeSlots) {
        let number = slots[slot].holdQueue
        precondition(queues.indices.contains(Int(number)), "a held envelope knows its hold queue")
        queues[Int(number)].list.remove(slot, in: &slots)
        slots[slot].holdQueue = -1
        heldCount -= 1
        if queues[Int(number)].list.count == 0 {
            numbers[queues[Int(number)].holder] = nil
            free.append(number)
        }
    }

    private mutating func number(for holder: UInt64) -> Int32 {
        if let number = numbers[holder] { return number }
        let number: Int32
        if let reused = free.popLast() {
            number = reused
            queues[Int(number)] = Queue(holder: holder)
        } else {
            number = Int32(queues.count)
            queues.append(Queue(holder: holder))
        }
        numbers[holder] = number
        return number
    }
}
