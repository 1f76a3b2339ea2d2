import Envelopes
import Platform

/// What waits for a flush, in the order in which it goes to the log.
enum PendingOperation {
    case commit(PreparedMessage)
    /// Written anew from the state at the time of the flush.
    case move(MessageID)
    case add(MessageID, MessageRecord, payload: StoredPayload)
    case history(EnvelopeID, DeliveryHistory, stamp: UInt64)
    /// No numbers for the whole message.
    case gone(MessageID, numbers: [UInt32], hasFile: Bool)
}

/// A message that is complete and waits for its flush.
struct PreparedMessage {
    var id: MessageID
    var record: MessageRecord
    /// `record` encoded.
    var payload: StoredPayload
    /// The body, unless it is in a file.
    var bytes: [UInt8]
    /// The same as it will stand on disk.
    var body: StoredPayload
    var file: FileHandle?
    /// False until the file is synced and has its final name.
    var bodyIsDurable: Bool

    var layout: RecordLayout {
        RecordLayout(message: id.rawValue, record: record, payload: payload, body: file == nil ? body : nil)
    }
}

/// Records that are written next to each other, and what the index is told of them once it is known where.
struct RecordLayout {
    var records: [NewRecord]
    /// Takes the offset of the first record.
    var entry: (Int) -> LogEntry

    var size: Int { records.reduce(0) { $0 + $1.size } }

    /// A whole message.
    init(message: UInt32, record: MessageRecord, payload: StoredPayload, body: StoredPayload?) {
        var records: [NewRecord] = []
        if let body { records.append(NewRecord(kind: .body, message: message, body)) }
        let distance = records.first?.size ?? 0
        records.append(NewRecord(kind: .message, message: message, payload))
        self.records = records
        let size = records.reduce(0) { $0 + $1.size }
        entry = { offset in
            var indexed = IndexedMessage(
                key: message, bodyOffset: UInt32(offset),
                bodyLength: body.map { UInt32($0.bytes.count) } ?? IndexedMessage.fileBody, size: UInt32(size))
            switch record.body {
            case .file(let size, let checksum):
                indexed.bodyOffset = checksum
                indexed.bodySize = UInt32(clamping: size)
            case .wrappedFile(let size, let checksum):
                indexed.bodyLength = IndexedMessage.wrappedFileBody
                indexed.bodyOffset = checksum
                indexed.bodySize = UInt32(clamping: size)
            case .inline, .none: break
            }
            return .message(indexed, record.indexed(at: offset + distance))
        }
    }

    /// One record that stands alone.
    init(_ record: NewRecord, entry: @escaping (Int) -> LogEntry) {
        records = [record]
        self.entry = entry
    }
}

extension MessageRecord {
    /// What the index holds of its envelopes.
    func indexed(at offset: Int) -> [IndexedEnvelope] {
        envelopes.map { entry in
            var envelope = IndexedEnvelope(entry)
            envelope.recordOffset = UInt32(offset)
            return envelope
        }
    }
}
