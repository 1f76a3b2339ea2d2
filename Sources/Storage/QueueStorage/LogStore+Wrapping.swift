import Envelopes
import Platform

/// What payloads that are wrapped need beyond the rest: whether they can be read, and a change of how they are made.
extension LogStore {
    /// From now on payloads are wrapped like this; the keys of before are still read.
    ///
    /// What is under another key than the new one moves to new segments in the background
    /// (``QueueStore/compactStep(budget:)``); big bodies in files of their own keep the key they were written with.
    package func use(_ new: PayloadWrapping) {
        var new = new
        new.keepKeys(of: wrapping)
        wrapping = new
        pending = pending.map { operation in
            switch operation {
            case .commit(let prepared): .commit(prepared.wrapped(by: new))
            case .add(let message, let record, payload: _):
                .add(
                    message, record,
                    payload: new.wrap(record.encoded, as: PayloadContext(.envelopes, of: message.rawValue)))
            case .move, .history, .gone: operation
            }
        }
        if let last = segments.last, last.wrapping != new.segment { head?.isClosed = true }
    }

    /// Messages that need another key than the present one, or are under none though there is one.
    package var messagesUnderOtherKeys: Int {
        let key = wrapping.segment.key
        var count = otherFileKeys.count { message in
            // Those in the segments below are counted there.
            let place = index.messages[message.rawValue]?.segment ?? 0
            return segment(place)?.wrapping.key == key
        }
        for segment in segments where segment.wrapping.key != key { count += index.segments[segment.sequence]?.messages ?? 0 }
        return count
    }

    /// Finds whatever waits and cannot be read for want of a key or of a library, before anything is done to it.
    func checkReadable() throws(StoreError) {
        for segment in segments {
            guard let obstacle = wrapping.obstacle(to: segment.wrapping) else { continue }
            // A summary has told what is in it: nothing of it is needed any more, or it is.
            guard !holdsSomething(segment.sequence) else { throw StoreError(obstacle, segment.name) }
        }
        var failure: StoreError?
        index.messages.forEach(after: 0) { message in
            guard message.fileIsWrapped, let id = MessageID(rawValue: message.key) else { return true }
            // A file that is not there or no such file is damage, which shows when it is read.
            guard let found = fileWrapping(of: id) else { return true }
            if let obstacle = wrapping.obstacle(to: found) { failure = StoreError(obstacle, Self.largeName(id)) }
            if found.key != wrapping.segment.key { otherFileKeys.insert(id) }
            return failure == nil
        }
        if let failure { throw failure }
    }

    /// Whether anything that is queued has a record in a segment.
    private func holdsSomething(_ sequence: UInt32) -> Bool {
        if index.segments[sequence] != nil { return true }
        var isNeeded = false
        index.envelopes.forEach(after: 0) { envelope in
            isNeeded = envelope.recordSegment == sequence || envelope.historySegment == sequence
            return !isNeeded
        }
        return isNeeded
    }
}

extension PreparedMessage {
    /// The message of a reception that is complete.
    init(
        _ message: MessageID, _ reception: LogStore.Reception, _ transaction: Transaction, _ envelopes: [Envelope],
        _ wrapping: PayloadWrapping
    ) {
        let file: MessageRecord.Body =
            reception.pieces == nil
            ? .file(size: Int64(reception.fileSize), checksum: reception.checksum)
            : .wrappedFile(size: Int64(reception.fileSize), checksum: reception.checksum)
        id = message
        record = MessageRecord(
            body: file, transaction: transaction, envelopes: envelopes.map { MessageRecord.Entry(envelope: $0) })
        bytes = reception.bytes
        self.file = reception.file
        bodyIsDurable = reception.file == nil
        body = StoredPayload(bytes: [])
        payload = StoredPayload(bytes: [])
        wrap(wrapping)
    }

    /// The same, wrapped in another way.
    func wrapped(by wrapping: PayloadWrapping) -> PreparedMessage {
        var message = self
        message.wrap(wrapping)
        return message
    }

    private mutating func wrap(_ wrapping: PayloadWrapping) {
        if file == nil {
            body = wrapping.wrap(bytes, as: PayloadContext(.body, of: id.rawValue))
            record.body = .inline(
                distance: RecordHeader.recordSize(payload: body.bytes.count), length: body.bytes.count)
        }
        payload = wrapping.wrap(record.encoded, as: PayloadContext(.message, of: id.rawValue))
    }
}
