import Envelopes

/// What the scheduler asks of the queue.
package enum SchedulerOutput: Hashable, Sendable {
    /// Try these now. They count as inflight until their result comes back. With the number of the last
    /// ``Scheduler/scheduleRequested(_:now:)`` when an operator made them due: what keeps them from being tried at all
    /// is to be lifted, once for each number.
    case deliver([EnvelopeID], order: UInt64? = nil)
    /// Its time is up: report it to the sender and remove it. The scheduler has forgotten it.
    case expire(EnvelopeID)
    /// An operator wants it gone, without a report. The scheduler has forgotten it.
    case remove(EnvelopeID)
    /// Tell the sender that it still waits, and store as time of the notice the envelope's creation
    /// plus this interval of seconds: the nominal moment, which no clock can move.
    case notifyDelay(EnvelopeID, after: Int64)
}

/// Which kind of delivery an envelope waits for; each has its own base of the retry curve and its turn.
package enum DeliveryKind: UInt8, Hashable, Sendable, CaseIterable {
    case local
    case relay
    case bounce

    package init(_ kind: Envelope.Kind) {
        switch kind {
        case .local: self = .local
        case .relay: self = .relay
        case .bounce: self = .bounce
        }
    }
}

/// Which envelopes an operator's request is about.
package enum EnvelopeSelection: Hashable, Sendable {
    case envelope(EnvelopeID)
    case message(MessageID)
    /// These, those that are not there aside.
    case envelopes([EnvelopeID])
    case all
}

/// How many envelopes a hold queue lets go.
package enum HoldRelease: Hashable, Sendable {
    /// The first ones, to be tried at once.
    case first(Int)
    /// All, to be tried at once.
    case all
    /// All, because what they waited for failed: their next try is that of a temporary failure.
    case allAsFailed
}

/// What a listing shows about one envelope.
package struct EnvelopeStatus: Hashable, Sendable {
    package var id: EnvelopeID
    package var kind: DeliveryKind
    package var state: State
    package var attempts: UInt32
    package var isSuspended: Bool

    package enum State: Hashable, Sendable {
        /// Waits for its next try, in this many seconds; negative when that is overdue.
        case pending(in: Int64)
        /// Handed out this many seconds ago.
        case inflight(since: Int64)
        /// Waits on a hold queue.
        case held
        /// About to be removed.
        case removing
    }
}
