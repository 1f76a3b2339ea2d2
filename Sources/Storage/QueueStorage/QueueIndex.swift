import Envelopes

/// Where every queued message and envelope is on disk, in flat memory.
///
/// Also counts what each segment still holds. A message lives in the segment of its `message` record;
/// later `envelopes` and `history` records hold nothing up, since moving a message writes them anew.
struct QueueIndex {
    private(set) var messages = SortedBlocks<IndexedMessage>()
    private(set) var envelopes = SortedBlocks<IndexedEnvelope>()
    private(set) var segments: [UInt32: SegmentUse] = [:]

    struct SegmentUse {
        var messages = 0
        var bytes = 0

        mutating func add(_ message: IndexedMessage) {
            messages += 1
            bytes += Int(message.size)
        }
    }

    /// Bytes held, containers included.
    var memory: Int { messages.memory + envelopes.memory }

    /// Bytes of all queued messages in segments.
    var liveBytes: Int { segments.values.reduce(0) { $0 + $1.bytes } }

    /// What a record of a segment says, as a start reads it.
    mutating func replay(_ entry: LogEntry, in segment: UInt32) {
        switch entry {
        case .message(let message, let envelopes):
            if messages[message.key] != nil { removeAll(of: message.key) }
            insert(message, envelopes, in: segment)
        case .envelopes(let message, let envelopes):
            for envelope in envelopes where envelope.key >> 32 == UInt64(message) {
                add(envelope, in: segment)
            }
        case .history(let facts, let offset):
            self.envelopes.update(facts.key) { $0.take(facts, segment: segment, offset: offset) }
        case .gone(let message, let numbers):
            if numbers.isEmpty { removeAll(of: message) }
            for number in numbers { _ = remove(UInt64(message) << 32 | UInt64(number)) }
        }
    }

    /// A message that became durable.
    mutating func insert(_ message: IndexedMessage, _ list: [IndexedEnvelope], in segment: UInt32) {
        var message = message
        message.segment = segment
        message.envelopes = 0
        for var envelope in list where envelope.key >> 32 == UInt64(message.key) {
            envelope.recordSegment = segment
            if envelopes.insert(envelope) { message.envelopes += 1 }
        }
        guard message.envelopes > 0, messages.insert(message) else { return }
        segments[segment, default: SegmentUse()].add(message)
    }

    /// A further envelope of a queued message; without effect when the message is not there.
    mutating func add(_ envelope: IndexedEnvelope, in segment: UInt32) {
        guard messages[UInt32(envelope.key >> 32)] != nil else { return }
        var envelope = envelope
        envelope.recordSegment = segment
        if envelopes.insert(envelope) {
            messages.update(UInt32(envelope.key >> 32)) { $0.envelopes += 1 }
        } else {
            envelopes.update(envelope.key) { $0 = envelope }
        }
    }

    /// The record of an envelope became durable; without effect when the envelope is gone meanwhile.
    mutating func locate(_ key: UInt64, record offset: UInt32, in segment: UInt32) {
        envelopes.update(key) {
            $0.recordSegment = segment
            $0.recordOffset = offset
        }
    }

    /// The history record of an envelope became durable; without effect when the envelope is gone meanwhile.
    mutating func locate(_ key: UInt64, history offset: UInt32, in segment: UInt32) {
        envelopes.update(key) {
            $0.historySegment = segment
            $0.historyOffset = offset
        }
    }

    /// A moved message became durable in its new place; envelopes that are gone meanwhile stay gone.
    mutating func move(_ message: IndexedMessage, _ list: [IndexedEnvelope], to segment: UInt32) {
        guard let old = messages[message.key] else { return }
        release(old)
        messages.update(message.key) {
            $0 = message
            $0.segment = segment
            $0.envelopes = old.envelopes
        }
        segments[segment, default: SegmentUse()].add(message)
        for moved in list {
            envelopes.update(moved.key) {
                $0.recordSegment = segment
                $0.recordOffset = moved.recordOffset
                $0.historySegment = 0
                $0.historyOffset = 0
            }
        }
    }

    /// Facts of a new history, visible before they are durable.
    mutating func setHistory(_ history: DeliveryHistory, of id: EnvelopeID) -> Bool {
        envelopes.update(id.rawValue) { $0.take(history) }
    }

    /// Removes an envelope and, with its last one, the message; returns the message when it went.
    mutating func remove(_ key: UInt64) -> Removal? {
        guard envelopes.remove(key) != nil, let message = messages[UInt32(key >> 32)] else { return nil }
        if message.envelopes > 1 {
            messages.update(message.key) { $0.envelopes -= 1 }
            return .envelope
        }
        _ = messages.remove(message.key)
        release(message)
        return .message(message)
    }

    enum Removal {
        case envelope
        case message(IndexedMessage)
    }

    mutating func removeAll(of message: UInt32) {
        guard let found = messages.remove(message) else { return }
        release(found)
        for key in keys(of: message) { _ = envelopes.remove(key) }
    }

    /// The keys of a message's envelopes in order.
    func keys(of message: UInt32) -> [UInt64] {
        var keys: [UInt64] = []
        let first = UInt64(message) << 32
        envelopes.forEach(after: first) { envelope in
            guard envelope.key >> 32 == UInt64(message) else { return false }
            keys.append(envelope.key)
            return true
        }
        return keys
    }

    /// The messages of a segment, one pass over all messages.
    func messages(in segment: UInt32) -> [UInt32] {
        var found: [UInt32] = []
        messages.forEach(after: 0) { message in
            if message.segment == segment { found.append(message.key) }
            return true
        }
        return found
    }

    private mutating func release(_ message: IndexedMessage) {
        guard var use = segments[message.segment] else { return }
        use.messages -= 1
        use.bytes -= Int(message.size)
        segments[message.segment] = use.messages == 0 ? nil : use
    }
}

/// A queued message in 28 bytes.
struct IndexedMessage: SortedElement, Equatable, Sendable {
    /// The message id.
    var key: UInt32
    var segment: UInt32 = 0
    /// Of the body record; for a body in a file its checksum.
    var bodyOffset: UInt32
    /// Of the body record; ``fileBody`` or ``wrappedFileBody`` for a body in a file of its own.
    var bodyLength: UInt32
    /// Bytes in the segment.
    var size: UInt32
    var envelopes: UInt32 = 0
    /// Of a body in a file, at most 4 GiB - 1 whatever it is.
    var bodySize: UInt32 = 0

    static let fileBody = UInt32.max
    static let wrappedFileBody = UInt32.max - 1
    var hasFile: Bool { bodyLength >= Self.wrappedFileBody }
    var fileIsWrapped: Bool { bodyLength == Self.wrappedFileBody }
    var bodyChecksum: UInt32 { bodyOffset }
}

/// A queued envelope in 48 bytes.
struct IndexedEnvelope: SortedElement, Equatable, Sendable {
    /// The envelope id.
    var key: UInt64
    /// Zero while its record is not durable yet.
    var recordSegment: UInt32 = 0
    var recordOffset: UInt32 = 0
    /// Zero when the history is that in the envelope's record.
    var historySegment: UInt32 = 0
    var historyOffset: UInt32 = 0
    /// Seconds since 1970; zero stands for none in the two below.
    var created: UInt32
    var timeToLive: UInt32
    var lastAttempt: UInt32 = 0
    var lastNotice: UInt32 = 0
    var attempts: UInt32 = 0
    var kind: EnvelopeFacts.Kind
    var isSuspended = false

    init(_ entry: MessageRecord.Entry) {
        key = entry.envelope.id.rawValue
        created = UInt32(clamping: entry.envelope.created.seconds)
        timeToLive = UInt32(clamping: entry.envelope.timeToLive)
        kind = EnvelopeFacts.Kind(entry.envelope.kind)
        take(entry.history)
    }

    mutating func take(_ history: DeliveryHistory) {
        attempts = history.attempts
        lastAttempt = UInt32(clamping: history.lastAttempt?.seconds ?? 0)
        lastNotice = UInt32(clamping: history.lastNotice?.seconds ?? 0)
        isSuspended = history.isSuspended
    }

    mutating func take(_ facts: HistoryFacts, segment: UInt32, offset: UInt32) {
        attempts = facts.attempts
        lastAttempt = facts.lastAttempt
        lastNotice = facts.lastNotice
        isSuspended = facts.isSuspended
        historySegment = segment
        historyOffset = offset
    }

    /// Nil never: keys come from ids.
    var facts: EnvelopeFacts? {
        guard let id = EnvelopeID(rawValue: key) else { return nil }
        return EnvelopeFacts(
            id: id, kind: kind, created: Timestamp(seconds: Int64(created)), timeToLive: Int64(timeToLive),
            attempts: attempts, lastAttempt: lastAttempt == 0 ? nil : Timestamp(seconds: Int64(lastAttempt)),
            lastNotice: lastNotice == 0 ? nil : Timestamp(seconds: Int64(lastNotice)), isSuspended: isSuspended)
    }
}
