import Envelopes

/// What stands before the payload of every record in a segment.
///
/// A record is believed when all of it fits: the marker, the salt of its segment (random, so neither an older use
/// of the file nor bytes inside a message can pass for a record), its own offset, and both checksums.
struct RecordHeader: Equatable {
    enum Kind: UInt8 {
        /// The bytes of a message; nothing refers to them until the `message` record behind them.
        case body = 1
        /// A whole message: makes it queued, and replaces everything known of it.
        case message = 2
        /// Further envelopes of a queued message.
        case envelopes = 3
        /// The present history of one envelope.
        case history = 4
        /// Envelopes that need no delivery any more, or the whole message.
        case gone = 5
        /// The ``LogEntry`` values of a segment, so that a start need not read it.
        case summary = 6

        /// Not what a start must understand without a key: that something is gone, and what the index holds.
        var mayBeWrapped: Bool { self != .gone && self != .summary }
    }

    var kind: Kind
    /// How the payload is wrapped.
    var wrapping: WrappingFlags = []
    /// Of the payload as it stands here.
    var length: Int
    /// Zero in a summary.
    var message: UInt32
    /// Where the record begins in its segment.
    var offset: Int
    /// Records of one flush share a number; it only grows within a segment.
    var batch: UInt32
    var payloadChecksum: UInt32
    var salt: UInt64

    static let size = 40
    static let marker: UInt32 = 0x4D51_5243  // MQRC
    /// Records begin at multiples of this.
    static let alignment = 8

    /// Bytes a record takes in its segment.
    static func recordSize(payload: Int) -> Int { (size + payload + alignment - 1) & ~(alignment - 1) }

    var recordSize: Int { Self.recordSize(payload: length) }

    var encoded: [UInt8] {
        var writer = RecordWriter()
        writer.write(Self.marker)
        writer.write(kind.rawValue)
        writer.write(wrapping.rawValue)
        writer.write(UInt16(0))
        writer.write(UInt32(length))
        writer.write(message)
        writer.write(UInt32(offset))
        writer.write(batch)
        writer.write(payloadChecksum)
        writer.write(salt)
        writer.write(Checksum.crc32c(writer.bytes))
        return writer.bytes
    }

    /// Nil when the bytes are no header.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= Self.size else { return nil }
        let own = bytes.prefix(Self.size)
        var reader = RecordReader(own)
        do {
            guard try reader.readUInt32() == Self.marker else { return nil }
            let kind = Kind(rawValue: try reader.readUInt8())
            wrapping = WrappingFlags(rawValue: try reader.readUInt8())
            guard wrapping.isSubset(of: .all), try reader.readUInt16() == 0, let kind else { return nil }
            self.kind = kind
            guard wrapping.isEmpty || kind.mayBeWrapped else { return nil }
            length = Int(try reader.readUInt32())
            message = try reader.readUInt32()
            offset = Int(try reader.readUInt32())
            batch = try reader.readUInt32()
            payloadChecksum = try reader.readUInt32()
            salt = try reader.readUInt64()
            guard try reader.readUInt32() == Checksum.crc32c(own.dropLast(4)) else { return nil }
        } catch {
            return nil
        }
    }

    init(
        kind: Kind, message: UInt32, offset: Int, batch: UInt32, salt: UInt64, payload: [UInt8], wrapping: WrappingFlags = []
    ) {
        self.kind = kind
        self.wrapping = wrapping
        self.message = message
        self.offset = offset
        self.batch = batch
        self.salt = salt
        length = payload.count
        payloadChecksum = Checksum.crc32c(payload)
    }
}

/// A record on its way into a segment; where is decided when it is written.
struct NewRecord: Sendable {
    var kind: RecordHeader.Kind
    var message: UInt32
    var payload: [UInt8]
    var wrapping: WrappingFlags = []

    init(kind: RecordHeader.Kind, message: UInt32, payload: [UInt8]) {
        self.kind = kind
        self.message = message
        self.payload = payload
    }

    /// One whose payload is wrapped already.
    init(kind: RecordHeader.Kind, message: UInt32, _ stored: StoredPayload) {
        self.kind = kind
        self.message = message
        payload = stored.bytes
        wrapping = stored.flags
    }

    var size: Int { RecordHeader.recordSize(payload: payload.count) }

    /// Appends the record, padded, to a buffer that will be written to `start` in the segment.
    func append(to buffer: inout [UInt8], start: Int, batch: UInt32, salt: UInt64) {
        let header = RecordHeader(
            kind: kind, message: message, offset: start + buffer.count, batch: batch, salt: salt, payload: payload,
            wrapping: wrapping)
        buffer += header.encoded
        buffer += payload
        let padding = size - RecordHeader.size - payload.count
        for _ in 0..<padding { buffer.append(0) }
    }
}
