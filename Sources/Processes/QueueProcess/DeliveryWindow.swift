import Envelopes

/// How much the dispatcher holds of the bodies it was handed, and what waits until it holds less.
///
/// The scheduler lets thousands of envelopes be under way at once; with their bodies they would be more than
/// memory may be given away for, and bodies in files would be more than there are descriptors.
struct DeliveryWindow {
    /// Bytes of bodies above which nothing more is handed out.
    static let capacity = 32 << 20
    /// Bodies in files that may be open at once.
    static let maximumFiles = 64

    enum Body {
        /// Bytes that travel with the envelopes.
        case inline(Int)
        /// A descriptor travels.
        case file
    }

    /// One body, handed out for some envelopes of its message.
    private struct Handout {
        let cost: Int
        var envelopes: Int
    }

    private var cost = 0
    private var handouts: [UInt64: Handout] = [:]
    private var nextHandout: UInt64 = 0
    private var handoutOf: [EnvelopeID: UInt64] = [:]
    /// In the order in which they came, from `first` on.
    private var waiting: [EnvelopeID] = []
    private var first = 0
    /// Of those that wait because an operator said so, the number of his order.
    private var orders: [EnvelopeID: UInt64] = [:]

    /// Whether something more may be handed out.
    var isOpen: Bool { cost < Self.capacity }
    /// Envelopes that the dispatcher has.
    var outstanding: Int { handoutOf.count }

    /// Takes envelopes that are to be handed out, with the number of an operator's order if one is behind it.
    mutating func add(_ ids: [EnvelopeID], order: UInt64? = nil) {
        waiting += ids
        if let order { for id in ids { orders[id] = order } }
    }

    /// The number of the order behind an envelope that ``next(_:)`` gave out; to be asked once for each.
    mutating func takeOrder(of id: EnvelopeID) -> UInt64? { orders.isEmpty ? nil : orders.removeValue(forKey: id) }

    /// Takes out what may be handed out next, at most `count`; nothing while the window is closed.
    mutating func next(_ count: Int) -> [EnvelopeID] {
        guard isOpen else { return [] }
        let end = min(first + count, waiting.count)
        let ids = Array(waiting[first..<end])
        first = end
        if first == waiting.count {
            waiting.removeAll(keepingCapacity: waiting.capacity <= 1_024)
            first = 0
        }
        return ids
    }

    /// A body was handed out for these envelopes.
    mutating func handedOut(_ ids: [EnvelopeID], _ body: Body) {
        let cost =
            switch body {
            case .inline(let bytes): bytes
            case .file: Self.capacity / Self.maximumFiles
            }
        self.cost += cost
        handouts[nextHandout] = Handout(cost: cost, envelopes: ids.count)
        for id in ids { handoutOf[id] = nextHandout }
        nextHandout += 1
    }

    /// The dispatcher is done with an envelope; one that it did not have changes nothing.
    mutating func returned(_ id: EnvelopeID) {
        guard let number = handoutOf.removeValue(forKey: id), var handout = handouts[number] else { return }
        handout.envelopes -= 1
        handouts[number] = handout.envelopes > 0 ? handout : nil
        if handout.envelopes == 0 { cost -= handout.cost }
    }
}
