import Envelopes

/// Reads the records of a segment one by one, for a start that has no summary to go by.
///
/// A bad record costs itself only: the scan goes on at the next place where everything fits. What follows a bad
/// record within the same flush was perhaps never synced; whole messages of it are harmless, but a `gone` record
/// may have stood behind the bounce that replaces what is gone, so it is not believed.
struct SegmentScan {
    private(set) var entries: [LogEntry] = []
    /// Behind the last sound record.
    private(set) var end = SegmentHeader.size
    /// Bytes between sound records that are none.
    private(set) var gaps: [Range<Int>] = []
    /// Where something of this segment begins behind ``end`` that is not whole.
    private(set) var tornAt: Int?
    private(set) var nextBatch: UInt32 = 1
    /// Where the records of the last flush begin: the only ones that may not have reached the disk.
    private(set) var lastBatchStart = SegmentHeader.size

    /// Why sound records could not be understood: not by damage.
    private(set) var obstacle: WrappingFailure?

    private let bytes: [UInt8]
    private let salt: UInt64
    private let wrapping: PayloadWrapping
    private let key: UInt64
    private var doubtfulBatch: UInt32?
    /// The body that was just passed: message, offset, length.
    private var body: (message: UInt32, offset: Int, length: Int)?

    /// - Parameters:
    ///   - bytes: The segment from its beginning.
    ///   - end: Where its records end, nil when that is not known.
    ///   - wrapping: What reads its payloads.
    ///   - key: The identifier of the key that they are under; zero when that is not known.
    init(_ bytes: [UInt8], salt: UInt64, end: Int?, wrapping: PayloadWrapping = PayloadWrapping(), key: UInt64 = 0) {
        self.bytes = bytes
        self.salt = salt
        self.wrapping = wrapping
        self.key = key
        let limit = min(end ?? bytes.count, bytes.count)
        var position = SegmentHeader.size
        var gapStart: Int?
        var lastBatch: UInt32 = 0
        while position + RecordHeader.size <= limit {
            if let header = header(at: position, limit: limit) {
                if header.batch < .max { nextBatch = max(nextBatch, header.batch + 1) }
                if header.batch >= lastBatch, header.kind != .summary, isSound(header) {
                    if gapStart != nil { doubtfulBatch = header.batch }
                    if accept(header) {
                        if let start = gapStart { gaps.append(start..<position) }
                        gapStart = nil
                        if header.batch != lastBatch { lastBatchStart = position }
                        lastBatch = header.batch
                        position += header.recordSize
                        self.end = position
                        continue
                    }
                } else if header.kind == .summary, gapStart == nil, isSound(header), header.batch >= lastBatch {
                    return
                }
            }
            gapStart = gapStart ?? position
            body = nil
            position = nextMarker(after: position, limit: limit) ?? limit
        }
        if let end, self.end < end {
            gaps.append(self.end..<end)
        } else if end == nil, let gapStart, belongsHere(gapStart) {
            tornAt = gapStart
        }
        self.end = end ?? self.end
    }

    private func header(at position: Int, limit: Int) -> RecordHeader? {
        guard let header = RecordHeader(bytes[position..<(position + RecordHeader.size)]), header.salt == salt,
            header.offset == position, position + header.recordSize <= limit
        else { return nil }
        return header
    }

    private func isSound(_ header: RecordHeader) -> Bool {
        Checksum.crc32c(payload(header)) == header.payloadChecksum
    }

    private func payload(_ header: RecordHeader) -> ArraySlice<UInt8> {
        let start = header.offset + RecordHeader.size
        return bytes[start..<(start + header.length)]
    }

    /// False for a record whose content makes no sense.
    private mutating func accept(_ header: RecordHeader) -> Bool {
        defer { if header.kind != .body { body = nil } }
        guard header.kind == .body || MessageID(rawValue: header.message) != nil else { return false }
        guard let payload = unwrapped(header) else { return false }
        do throws(RecordError) {
            switch header.kind {
            case .body:
                body = (header.message, header.offset, header.length)
            case .message:
                return try acceptMessage(header, payload)
            case .envelopes:
                guard let id = MessageID(rawValue: header.message) else { return false }
                let record = try MessageRecord(decoding: payload, of: id)
                entries.append(.envelopes(message: header.message, record.indexed(at: header.offset)))
            case .history:
                let record = try HistoryRecord(decoding: payload)
                guard let message = MessageID(rawValue: header.message), let id = EnvelopeID(message, record.number)
                else { return false }
                entries.append(
                    .history(HistoryFacts(record.history, of: id), offset: UInt32(header.offset)))
            case .gone:
                let record = try GoneRecord(decoding: payload)
                if doubtfulBatch != header.batch {
                    entries.append(.gone(message: header.message, numbers: record.numbers))
                }
            case .summary:
                return false
            }
            return true
        } catch {
            return false
        }
    }

    /// The payload as it was before it was wrapped, bodies as they stand; nil when it cannot be had.
    private mutating func unwrapped(_ header: RecordHeader) -> ArraySlice<UInt8>? {
        let stored = payload(header)
        guard header.kind != .body, !header.wrapping.isEmpty else { return stored }
        do throws(WrappingFailure) {
            return try wrapping.unwrap(
                stored, header.wrapping, as: PayloadContext(header.kind, of: header.message), key: key, limit: bytes.count)[...]
        } catch {
            if error != .damaged { obstacle = error }
            return nil
        }
    }

    private mutating func acceptMessage(_ header: RecordHeader, _ payload: ArraySlice<UInt8>) throws(RecordError) -> Bool {
        guard let id = MessageID(rawValue: header.message) else { return false }
        let record = try MessageRecord(decoding: payload, of: id)
        var message = IndexedMessage(
            key: header.message, bodyOffset: 0, bodyLength: IndexedMessage.fileBody, size: UInt32(header.recordSize))
        switch record.body {
        case .inline(let distance, let length):
            guard let body, body.message == header.message, body.offset == header.offset - distance,
                body.length == length
            else { return false }
            message.bodyOffset = UInt32(body.offset)
            message.bodyLength = UInt32(length)
            message.size = UInt32(distance + header.recordSize)
        case .file(let size, let checksum):
            message.bodyOffset = checksum
            message.bodySize = UInt32(clamping: size)
        case .wrappedFile(let size, let checksum):
            message.bodyLength = IndexedMessage.wrappedFileBody
            message.bodyOffset = checksum
            message.bodySize = UInt32(clamping: size)
        case .none:
            return false
        }
        entries.append(.message(message, record.indexed(at: header.offset)))
        return true
    }

    /// Whether a header of this segment was begun here: marker and salt are there.
    private func belongsHere(_ position: Int) -> Bool {
        guard position + RecordHeader.size <= bytes.count else { return false }
        var reader = RecordReader(bytes[(position + RecordHeader.size - 12)..<(position + RecordHeader.size - 4)])
        // Eight bytes are there.
        return isMarker(position) && (try? reader.readUInt64()) == salt
    }

    private func isMarker(_ position: Int) -> Bool {
        var reader = RecordReader(bytes[position..<(position + 4)])
        // Four bytes are there.
        return (try? reader.readUInt32()) == RecordHeader.marker
    }

    /// The next aligned place that a record might begin at.
    private func nextMarker(after position: Int, limit: Int) -> Int? {
        let marker = RecordHeader.marker.bigEndian
        return bytes.withUnsafeBytes { all in
            var next = position + RecordHeader.alignment
            while next + RecordHeader.size <= limit {
                if all.loadUnaligned(fromByteOffset: next, as: UInt32.self) == marker { return next }
                next += RecordHeader.alignment
            }
            return nil
        }
    }
}
