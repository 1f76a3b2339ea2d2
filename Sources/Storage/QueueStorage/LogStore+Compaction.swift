import Envelopes
import Platform

/// Background work in bounded steps: what is queued in the oldest segment moves to the end, so that it can be
/// given back; and new files are filled with zeros before they are needed.
extension LogStore {
    package func prepareStep(budget: Int) -> Bool { zeroHeadStep(budget: budget) || zeroStep(budget: budget) }

    package func compactStep(budget: Int) -> Bool {
        guard let tail = segments.first, shouldCompact(tail) else { return false }
        if compaction?.segment != tail.sequence {
            compaction = (tail.sequence, index.messages(in: tail.sequence))
        }
        var bytes = 0
        while bytes < budget, let key = compaction?.messages.popLast() {
            guard let message = index.messages[key], message.segment == tail.sequence,
                let id = MessageID(rawValue: key)
            else { continue }
            pending.append(.move(id))
            bytes += Int(message.size)
        }
        return bytes > 0
    }

    /// Whether the log is so much longer than what it holds that its oldest segment is worth moving.
    ///
    /// Twice the queued bytes and a few segments: moving then costs at most as much as was written meanwhile.
    private func shouldCompact(_ tail: Segment) -> Bool {
        // The head can be left for another segment where there is one.
        guard segments.count > 1 || needsNewKey(tail) && !spares.isEmpty else { return false }
        // What was moved once from this segment and is still there waits for a flush, or cannot be moved.
        guard compaction?.segment != tail.sequence || compaction?.messages.isEmpty == false else { return false }
        let tailBytes = index.segments[tail.sequence]?.bytes ?? 0
        if spares.isEmpty {
            // A full disk: only what the head surely takes, with room left for outcomes.
            let room = options.segmentSize - (segments.last?.end ?? 0)
            return tailBytes < room / 2
        }
        if needsNewKey(tail) { return tailBytes > 0 }
        return segments.count * options.segmentSize > 2 * index.liveBytes + 4 * options.segmentSize
    }

    /// Whether what is in a segment is under another key than what is written now, or one of both is under none.
    private func needsNewKey(_ segment: Segment) -> Bool { segment.wrapping.key != wrapping.segment.key }

    /// The whole message as it is now; nil when it is gone or too long for one record.
    func layoutOfMove(_ message: MessageID) throws(StoreError) -> RecordLayout? {
        guard let indexed = index.messages[message.rawValue] else { return nil }
        var entries: [MessageRecord.Entry] = []
        var transaction: Transaction?
        var body: MessageRecord.Body?
        for key in index.keys(of: message.rawValue) {
            guard let id = EnvelopeID(rawValue: key), let queued = try envelope(id) else { continue }
            transaction = queued.transaction
            entries.append(MessageRecord.Entry(envelope: queued.envelope, history: queued.history))
        }
        guard let transaction else { return nil }
        var stored: StoredPayload?
        if indexed.fileIsWrapped {
            body = .wrappedFile(size: Int64(indexed.bodySize), checksum: indexed.bodyChecksum)
        } else if indexed.hasFile {
            body = .file(size: Int64(indexed.bodySize), checksum: indexed.bodyChecksum)
        } else {
            let content = try movedBody(indexed)
            body = .inline(distance: RecordHeader.recordSize(payload: content.bytes.count), length: content.bytes.count)
            stored = content
        }
        let record = MessageRecord(body: body ?? .none, transaction: transaction, envelopes: entries)
        let payload = wrapping.wrap(record.encoded, as: PayloadContext(.message, of: message.rawValue))
        let layout = RecordLayout(message: message.rawValue, record: record, payload: payload, body: stored)
        return fitsInEmptySegment(layout) ? layout : nil
    }

    /// A body for its new place: as it stands where it was wrapped as it would be now.
    private func movedBody(_ message: IndexedMessage) throws(StoreError) -> StoredPayload {
        if segment(message.segment)?.wrapping == wrapping.segment { return try storedBody(message) }
        return wrapping.wrap(try inlineBody(message), as: PayloadContext(.body, of: message.key))
    }

    /// Zeros ahead of the log's end: a sync of bytes in blocks that were written before has no block map to
    /// commit, and takes half as long.
    private func zeroHeadStep(budget: Int) -> Bool {
        // A summary stands behind the end of a sealed head, and a flush that is out may write there.
        guard inFlight == nil, let head, !head.isSealed, !head.isClosed, let place = segments.indices.last else { return false }
        let start = max(segments[place].zeroed, segments[place].end)
        let count = min(zeroCount(budget), segments[place].size - SegmentTrailer.size - start)
        guard count > 0 else { return false }
        do throws(SystemError) {
            try device.write([UInt8](repeating: 0, count: count), to: segments[place].file, at: start)
            segments[place].zeroed = start + count
        } catch {
            // It only saves time later; a file that cannot be written shows when it is used.
            segments[place].zeroed = segments[place].size
        }
        return true
    }

    private func zeroCount(_ budget: Int) -> Int { min(max(budget, 4096), 1 << 20) }

    /// Fresh files only: a recycled one has its blocks mapped.
    private func zeroStep(budget: Int) -> Bool {
        guard let place = spares.firstIndex(where: { $0.zeroed < options.segmentSize }) else { return false }
        let spare = spares[place]
        let count = min(zeroCount(budget), options.segmentSize - spare.zeroed)
        do throws(SystemError) {
            try device.write([UInt8](repeating: 0, count: count), to: spare.file, at: spare.zeroed)
            spares[place].zeroed += count
        } catch {
            // It only saves time later; a file that cannot be written shows when it is used.
            spares[place].zeroed = options.segmentSize
        }
        return true
    }
}
