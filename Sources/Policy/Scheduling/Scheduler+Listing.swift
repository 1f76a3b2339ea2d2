import Envelopes

/// What `smtpctl` shows, in pages: the queue may change between two of them, and the order of the ids
/// makes sure that what stays is listed exactly once.
extension Scheduler {
    /// The ids of the messages after one, at most ``SchedulerSettings/maximumMessageBatch``; from the
    /// first for nil. Empty at the end.
    package func messages(after previous: MessageID?) -> [MessageID] {
        var result: [MessageID] = []
        var next = previous.map { Self.firstIDs(after: $0.rawValue) } ?? 0
        // Each step jumps over the envelopes of one message, however many they are.
        while let first = next, result.count < max(1, settings.maximumMessageBatch) {
            var found: MessageID?
            index.forEach(from: first, through: .max) { id, _ in
                found = envelopeID(id).message
                return false
            }
            guard let found else { break }
            result.append(found)
            next = Self.firstIDs(after: found.rawValue)
        }
        return result
    }

    /// The envelopes of a message, or of all for nil, after one, at most
    /// ``SchedulerSettings/maximumEnvelopeBatch``; from the first for nil. Empty at the end.
    package func envelopes(of message: MessageID?, after previous: EnvelopeID?, now: Int64) -> [EnvelopeStatus] {
        let range = message.map { UInt64($0.rawValue) << 32 ... UInt64($0.rawValue) << 32 | 0xFFFF_FFFF } ?? 0 ... .max
        var first = range.lowerBound
        if let previous {
            guard previous.rawValue < range.upperBound else { return [] }
            first = max(first, previous.rawValue + 1)
        }
        var result: [EnvelopeStatus] = []
        let limit = max(1, settings.maximumEnvelopeBatch)
        index.forEach(from: first, through: range.upperBound) { _, number in
            result.append(status(of: slots[number], now: now))
            return result.count < limit
        }
        return result
    }

    /// The state of one envelope, nil when it is not there.
    package func status(of id: EnvelopeID, now: Int64) -> EnvelopeStatus? {
        index[id.rawValue].map { status(of: slots[$0], now: now) }
    }

    private func status(of slot: EnvelopeSlot, now: Int64) -> EnvelopeStatus {
        let moment = Int64(moment(now))
        let state: EnvelopeStatus.State = switch slot.state {
        case .pending: .pending(in: Int64(slot.next) - moment)
        case .inflight: .inflight(since: moment - Int64(slot.next))
        case .held: .held
        case .removing: .removing
        }
        return EnvelopeStatus(
            id: envelopeID(slot.id), kind: slot.kind, state: state, attempts: slot.attempts,
            isSuspended: slot.flags.contains(.suspended))
    }

    /// The lower end of the ids that follow a message's, nil when there can be none.
    private static func firstIDs(after message: UInt32) -> UInt64? {
        message == .max ? nil : UInt64(message + 1) << 32
    }
}
