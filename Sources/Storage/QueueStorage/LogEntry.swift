import Envelopes

/// What the index needs to know of one record; the summary of a segment is a list of these.
enum LogEntry: Equatable, Sendable {
    case message(IndexedMessage, [IndexedEnvelope])
    case envelopes(message: UInt32, [IndexedEnvelope])
    case history(HistoryFacts, offset: UInt32)
    /// No numbers for the whole message.
    case gone(message: UInt32, numbers: [UInt32])

    /// The message it is about.
    var message: UInt32 {
        switch self {
        case .message(let message, _): message.key
        case .envelopes(let message, _), .gone(let message, _): message
        case .history(let facts, _): UInt32(facts.key >> 32)
        }
    }

    func encode(into writer: inout RecordWriter) {
        switch self {
        case .message(let message, let envelopes):
            writer.write(UInt8(1))
            writer.write(message.key)
            writer.write(message.bodyOffset)
            writer.write(message.bodyLength)
            writer.write(message.size)
            if message.hasFile { writer.write(message.bodySize) }
            Self.encode(envelopes, into: &writer)
        case .envelopes(let message, let envelopes):
            writer.write(UInt8(2))
            writer.write(message)
            Self.encode(envelopes, into: &writer)
        case .history(let facts, let offset):
            writer.write(UInt8(3))
            writer.write(facts.key)
            writer.write(offset)
            facts.encode(into: &writer)
        case .gone(let message, let numbers):
            writer.write(UInt8(4))
            writer.write(message)
            writer.write(varint: numbers.count)
            for number in numbers { writer.write(number) }
        }
    }

    init(from reader: inout RecordReader) throws(RecordError) {
        switch try reader.readUInt8() {
        case 1:
            var message = IndexedMessage(
                key: try reader.readUInt32(), bodyOffset: try reader.readUInt32(),
                bodyLength: try reader.readUInt32(), size: try reader.readUInt32())
            if message.hasFile { message.bodySize = try reader.readUInt32() }
            self = .message(message, try Self.decodeEnvelopes(of: message.key, &reader))
        case 2:
            let message = try reader.readUInt32()
            self = .envelopes(message: message, try Self.decodeEnvelopes(of: message, &reader))
        case 3:
            let key = try reader.readUInt64()
            let offset = try reader.readUInt32()
            self = .history(try HistoryFacts(key: key, from: &reader), offset: offset)
        case 4:
            let message = try reader.readUInt32()
            var numbers: [UInt32] = []
            for _ in 0..<(try reader.readCount()) { numbers.append(try reader.readUInt32()) }
            self = .gone(message: message, numbers: numbers)
        case let other:
            throw .unknownValue(UInt64(other), for: "summary entry")
        }
    }

    /// Passes over an entry, having found in it what ``init(from:)`` would: afterwards that cannot fail.
    ///
    /// - Returns: The message it is about.
    /// - Throws: What ``init(from:)`` throws.
    static func check(_ reader: inout RecordReader) throws(RecordError) -> UInt32 {
        switch try reader.readUInt8() {
        case 1:
            let message = try reader.readUInt32()
            try reader.skip(4)
            let length = try reader.readUInt32()
            try reader.skip(length >= IndexedMessage.wrappedFileBody ? 8 : 4)
            try checkEnvelopes(of: message, &reader)
            return message
        case 2:
            let message = try reader.readUInt32()
            try checkEnvelopes(of: message, &reader)
            return message
        case 3:
            let key = try reader.readUInt64()
            try reader.skip(4 + HistoryFacts.numbersSize)
            _ = try reader.readBool()
            return UInt32(truncatingIfNeeded: key >> 32)
        case 4:
            let message = try reader.readUInt32()
            try reader.skip(4 * (try reader.readCount()))
            return message
        case let other:
            throw .unknownValue(UInt64(other), for: "summary entry")
        }
    }

    private static func checkEnvelopes(of message: UInt32, _ reader: inout RecordReader) throws(RecordError) {
        try reader.skip(4)
        let count = try reader.readVarint()
        guard count <= reader.remaining else { throw .truncated }
        for _ in 0..<count {
            let number = try reader.readUInt32()
            let kindByte = try reader.readUInt8()
            guard message != 0, number != 0, EnvelopeFacts.Kind(rawValue: kindByte & 0x7F) != nil else {
                throw .unknownValue(UInt64(kindByte), for: "envelope kind")
            }
            try reader.skip(8)
            if kindByte & 0x80 != 0 {
                try reader.skip(HistoryFacts.numbersSize)
                _ = try reader.readBool()
            }
        }
    }

    private static func encode(_ envelopes: [IndexedEnvelope], into writer: inout RecordWriter) {
        writer.write(envelopes.first?.recordOffset ?? 0)
        writer.write(varint: envelopes.count)
        for envelope in envelopes {
            let hasHistory = envelope.attempts != 0 || envelope.lastAttempt != 0 || envelope.lastNotice != 0
                || envelope.isSuspended
            writer.write(UInt32(truncatingIfNeeded: envelope.key))
            writer.write(envelope.kind.rawValue | (hasHistory ? 0x80 : 0))
            writer.write(envelope.created)
            writer.write(envelope.timeToLive)
            if hasHistory { HistoryFacts(envelope).encode(into: &writer) }
        }
    }

    private static func decodeEnvelopes(
        of message: UInt32, _ reader: inout RecordReader
    ) throws(RecordError) -> [IndexedEnvelope] {
        let offset = try reader.readUInt32()
        let count = try reader.readVarint()
        guard count <= reader.remaining else { throw .truncated }
        var envelopes: [IndexedEnvelope] = []
        envelopes.reserveCapacity(count)
        for _ in 0..<count {
            let number = try reader.readUInt32()
            let kindByte = try reader.readUInt8()
            guard message != 0, number != 0, let kind = EnvelopeFacts.Kind(rawValue: kindByte & 0x7F) else {
                throw .unknownValue(UInt64(kindByte), for: "envelope kind")
            }
            var envelope = IndexedEnvelope(
                key: UInt64(message) << 32 | UInt64(number), recordOffset: offset,
                created: try reader.readUInt32(), timeToLive: try reader.readUInt32(), kind: kind)
            if kindByte & 0x80 != 0 {
                let facts = try HistoryFacts(key: envelope.key, from: &reader)
                envelope.take(facts, segment: 0, offset: 0)
            }
            envelopes.append(envelope)
        }
        return envelopes
    }
}

/// A history without its text.
struct HistoryFacts: Equatable, Sendable {
    /// The envelope id.
    var key: UInt64
    var attempts: UInt32
    var lastAttempt: UInt32
    var lastNotice: UInt32
    var isSuspended: Bool

    init(_ envelope: IndexedEnvelope) {
        key = envelope.key
        attempts = envelope.attempts
        lastAttempt = envelope.lastAttempt
        lastNotice = envelope.lastNotice
        isSuspended = envelope.isSuspended
    }

    init(_ history: DeliveryHistory, of id: EnvelopeID) {
        key = id.rawValue
        attempts = history.attempts
        lastAttempt = UInt32(clamping: history.lastAttempt?.seconds ?? 0)
        lastNotice = UInt32(clamping: history.lastNotice?.seconds ?? 0)
        isSuspended = history.isSuspended
    }

    /// Bytes of what is written before the flag.
    fileprivate static var numbersSize: Int { 12 }

    fileprivate func encode(into writer: inout RecordWriter) {
        writer.write(attempts)
        writer.write(lastAttempt)
        writer.write(lastNotice)
        writer.write(isSuspended)
    }

    fileprivate init(key: UInt64, from reader: inout RecordReader) throws(RecordError) {
        self.key = key
        attempts = try reader.readUInt32()
        lastAttempt = try reader.readUInt32()
        lastNotice = try reader.readUInt32()
        isSuspended = try reader.readBool()
    }
}

extension IndexedEnvelope {
    fileprivate init(key: UInt64, recordOffset: UInt32, created: UInt32, timeToLive: UInt32, kind: EnvelopeFacts.Kind) {
        self.key = key
        self.recordOffset = recordOffset
        self.created = created
        self.timeToLive = timeToLive
        self.kind = kind
    }
}
