/// Where the scheduler keeps its envelopes: one flat array of fixed-size slots, reused by a free list.

/// A place in ``EnvelopeSlots``. 32 bits: two billion envelopes do not fit in memory anyway.
typealias SlotNumber = Int32

/// What the scheduler remembers of one envelope, in 48 bytes. Times are seconds since the scheduler's start.
struct EnvelopeSlot {
    var id: UInt64
    var created: Int32
    var expiry: Int32
    /// When it is tried next; while it is inflight, when it was handed out.
    var next: Int32
    /// Its place in the heap of its lane, -1 for none.
    var heapPosition: Int32 = -1
    /// Its neighbours in the one list it can be in (a hold queue, the removals, the free list), -1 for none.
    var following: SlotNumber = -1
    var preceding: SlotNumber = -1
    /// The hold queue it is on, -1 for none.
    var holdQueue: Int32 = -1
    var attempts: UInt32
    var kind: DeliveryKind
    var state = State.pending
    var flags: Flags = []
    /// One bit for each warn interval whose notice was sent.
    var noticed: UInt8 = 0
    /// While it is held, when its sender is told next that it still waits; the far future for never.
    var notice: Int32 = .max

    enum State: UInt8 {
        /// In a heap, unless it is suspended.
        case pending
        case inflight
        /// On a hold queue and, to expire and to be reported as late in time, in a heap.
        case held
        /// In the list of removals.
        case removing
    }

    struct Flags: OptionSet {
        let rawValue: UInt8
        /// Pending but in no heap; or inflight, and to be so when it comes back.
        static let suspended = Flags(rawValue: 1)
        /// Inflight, and to be removed when it comes back.
        static let removalRequested = Flags(rawValue: 2)
        /// It was tried or held before, so it waits behind in the lane of the deferred.
        static let deferred = Flags(rawValue: 4)
        /// It found its hold queue full and has not been handed out since.
        static let overflowed = Flags(rawValue: 8)
        /// An operator made it due, and it has not been handed out since.
        static let ordered = Flags(rawValue: 16)
    }

    /// The moment the heap sorts it by.
    var due: Int32 { min(expiry, state == .held ? notice : next) }

    /// True when what comes due is its end, and not a try or a notice.
    ///
    /// A try that came due before the end is made even when it is late, after a long pause or after a
    /// start with a clock that went wrong: nothing expires without having had the chance it was due.
    var expiresWhenDue: Bool { (state == .held ? notice : next) >= expiry }
}

/// The slots and their free list.
struct EnvelopeSlots {
    private var slots: [EnvelopeSlot] = []
    private var free: SlotNumber = -1
    private(set) var count = 0

    subscript(number: SlotNumber) -> EnvelopeSlot {
        get { slots[Int(number)] }
        _modify { yield &slots[Int(number)] }
    }

    mutating func insert(_ slot: EnvelopeSlot) -> SlotNumber {
        count += 1
        if free >= 0 {
            let number = free
            free = slots[Int(number)].following
            slots[Int(number)] = slot
            return number
        }
        slots.appendGrowingSlowly(slot)
        return SlotNumber(slots.count - 1)
    }

    mutating func remove(_ number: SlotNumber) {
        count -= 1
        guard count > 0 else {
            // An empty queue gives its memory back.
            slots = []
            free = -1
            return
        }
        slots[Int(number)].following = free
        free = number
    }

    /// Bytes held, unused capacity included.
    var footprint: Int { slots.capacity * MemoryLayout<EnvelopeSlot>.stride }
}

extension Array {
    /// Appends, growing the storage by an eighth where the standard library doubles it: with a million
    /// envelopes the unused half would be the larger part of what the queue costs in memory.
    mutating func appendGrowingSlowly(_ element: Element) {
        if count == capacity { reserveCapacity(count + count / 8 + 16) }
        append(element)
    }
}

/// A doubly linked list through the slots, first in first out.
struct SlotList {
    private(set) var first: SlotNumber = -1
    private var last: SlotNumber = -1
    private(set) var count = 0

    mutating func append(_ number: SlotNumber, in slots: inout EnvelopeSlots) {
        slots[number].preceding = last
        slots[number].following = -1
        if last >= 0 { slots[last].following = number } else { first = number }
        last = number
        count += 1
    }

    mutating func remove(_ number: SlotNumber, in slots: inout EnvelopeSlots) {
        let preceding = slots[number].preceding
        let following = slots[number].following
        if preceding >= 0 { slots[preceding].following = following } else { first = following }
        if following >= 0 { slots[following].preceding = preceding } else { last = preceding }
        slots[number].preceding = -1
        slots[number].following = -1
        count -= 1
    }
}
