import Envelopes
import Platform

/// Envelopes and bodies back from the log, every byte checked.
extension LogStore {
    package func envelope(_ id: EnvelopeID) throws(StoreError) -> QueuedEnvelope? {
        try envelope(id, isListed: false)
    }

    package func listedEnvelope(_ id: EnvelopeID) throws(StoreError) -> QueuedEnvelope? {
        try envelope(id, isListed: true)
    }

    /// - Parameter isListed: It is looked at in passing, with all others, and kept in no cache.
    private func envelope(_ id: EnvelopeID, isListed: Bool) throws(StoreError) -> QueuedEnvelope? {
        guard let indexed = index.envelopes[id.rawValue] else { return nil }
        if var queued = added[id.rawValue] {
            if let newer = histories[id.rawValue] { queued.history = newer.history }
            return queued
        }
        let location = RecordLocation(segment: indexed.recordSegment, offset: indexed.recordOffset)
        let record = try messageRecord(at: location, of: id.message, isListed: isListed)
        // Element by element: a closure would copy each entry with all that it holds, for each of thousands of envelopes.
        guard let place = record.envelopes.indices.first(where: { record.envelopes[$0].envelope.id == id }) else {
            throw .damaged("\(name(of: location)): envelope \(id) is missing")
        }
        let entry = record.envelopes[place]
        return QueuedEnvelope(
            transaction: record.transaction, envelope: entry.envelope,
            history: try history(of: indexed, id) ?? entry.history)
    }

    /// The history that is newer than the envelope's record, nil for none.
    private func history(of indexed: IndexedEnvelope, _ id: EnvelopeID) throws(StoreError) -> DeliveryHistory? {
        if let newer = histories[id.rawValue] { return newer.history }
        guard indexed.historySegment != 0 else { return nil }
        let location = RecordLocation(segment: indexed.historySegment, offset: indexed.historyOffset)
        let payload = try payload(at: location, .history, of: id.message.rawValue, guess: 256)
        do throws(RecordError) {
            let record = try HistoryRecord(decoding: payload)
            if record.number == id.number { return record.history }
        } catch {
            throw .damaged("\(name(of: location)): \(error)")
        }
        throw .damaged("\(name(of: location)): history of another envelope")
    }

    private func messageRecord(
        at location: RecordLocation, of message: MessageID, isListed: Bool
    ) throws(StoreError) -> MessageRecord {
        if let cached = records[location] {
            counts.envelopeCacheHits += 1
            return cached
        }
        counts.envelopeCacheMisses += 1
        let payload = try payload(at: location, nil, of: message.rawValue, guess: isListed ? 256 : 1024)
        do throws(RecordError) {
            let record = try MessageRecord(decoding: payload, of: message)
            // The envelopes of one message are listed one behind the other.
            if !isListed || record.envelopes.count > 1 { records.insert(record, for: location, cost: record.envelopes.count) }
            return record
        } catch {
            throw .damaged("\(name(of: location)): \(error)")
        }
    }

    func cache(_ record: MessageRecord, at offset: UInt32?, in segment: UInt32) {
        guard let offset else { return }
        records.insert(record, for: RecordLocation(segment: segment, offset: offset), cost: record.envelopes.count)
    }

    package func body(_ message: MessageID) throws(StoreError) -> StoredBody? {
        guard let indexed = index.messages[message.rawValue] else { return nil }
        if indexed.hasFile { return try bodyFile(indexed, message) }
        if let cached = bodies[message] {
            counts.bodyCacheHits += 1
            return .bytes(cached)
        }
        counts.bodyCacheMisses += 1
        let bytes = try inlineBody(indexed)
        bodies.insert(bytes, for: message, cost: bytes.count)
        return .bytes(bytes)
    }

    func inlineBody(_ message: IndexedMessage) throws(StoreError) -> [UInt8] {
        let location = RecordLocation(segment: message.segment, offset: message.bodyOffset)
        return Array(try payload(at: location, .body, of: message.key, guess: Int(message.bodyLength)))
    }

    /// The same as it stands on disk.
    func storedBody(_ message: IndexedMessage) throws(StoreError) -> StoredPayload {
        let location = RecordLocation(segment: message.segment, offset: message.bodyOffset)
        let (header, stored) = try record(at: location, .body, of: message.key, guess: Int(message.bodyLength))
        return StoredPayload(bytes: Array(stored), flags: header.wrapping)
    }

    private func bodyFile(_ indexed: IndexedMessage, _ message: MessageID) throws(StoreError) -> StoredBody {
        if indexed.fileIsWrapped { return try wrappedBodyFile(indexed, message) }
        let name = Self.largeName(message)
        do throws(SystemError) {
            if let status = try device.status(name), status.isRegular, UInt32(clamping: status.size) == indexed.bodySize {
                if !verified.contains(message), try checksum(of: name, size: status.size) == indexed.bodyChecksum {
                    verified.insert(message)
                }
                if verified.contains(message) {
                    return .file(try device.descriptor(name), size: Int64(status.size))
                }
            }
        } catch {
            throw .system(error)
        }
        throw .damaged("\(name): not what was written")
    }

    private func checksum(of name: String, size: Int) throws(SystemError) -> UInt32 {
        let file = try device.open(name)
        defer { device.close(file) }
        var checksum: UInt32 = 0
        var offset = 0
        while offset < size {
            let bytes = try device.read(file, at: offset, count: min(1 << 20, size - offset))
            if bytes.isEmpty { break }
            checksum = Checksum.crc32c(bytes, continuing: checksum)
            offset += bytes.count
        }
        return checksum
    }

    /// The payload of a record as it was before it was wrapped.
    private func payload(
        at location: RecordLocation, _ kind: RecordHeader.Kind?, of message: UInt32, guess: Int
    ) throws(StoreError) -> ArraySlice<UInt8> {
        let (header, stored) = try record(at: location, kind, of: message, guess: guess)
        if header.wrapping.isEmpty { return stored }
        do throws(WrappingFailure) {
            return try wrapping.unwrap(
                stored, header.wrapping, as: PayloadContext(header.kind, of: message),
                key: segment(location.segment)?.wrapping.key ?? 0, limit: options.segmentSize)[...]
        } catch {
            throw StoreError(error, name(of: location))
        }
    }

    /// A record, checked.
    ///
    /// - Parameters:
    ///   - kind: Nil for one that describes envelopes.
    ///   - guess: How many bytes to read at first.
    private func record(
        at location: RecordLocation, _ kind: RecordHeader.Kind?, of message: UInt32, guess: Int
    ) throws(StoreError) -> (header: RecordHeader, stored: ArraySlice<UInt8>) {
        func bad() -> StoreError { .damaged("\(name(of: location)): bad record") }
        guard let segment = segment(location.segment) else { throw bad() }
        let offset = Int(location.offset)
        var bytes = try read(segment, at: offset, count: RecordHeader.size + guess)
        guard let header = RecordHeader(bytes[...]), header.salt == segment.salt, header.offset == offset,
            header.message == message, offset + header.recordSize <= segment.size,
            kind.map({ $0 == header.kind }) ?? (header.kind == .message || header.kind == .envelopes)
        else { throw bad() }
        let end = RecordHeader.size + header.length
        if bytes.count < end { bytes += try read(segment, at: offset + bytes.count, count: end - bytes.count) }
        guard bytes.count >= end else { throw bad() }
        let payload = bytes[RecordHeader.size..<end]
        guard Checksum.crc32c(payload) == header.payloadChecksum else { throw bad() }
        return (header, payload)
    }

    private func read(_ segment: Segment, at offset: Int, count: Int) throws(StoreError) -> [UInt8] {
        do throws(SystemError) { return try device.read(segment.file, at: offset, count: count) } catch {
            throw .system(error)
        }
    }

    private func name(of location: RecordLocation) -> String {
        "\(Self.segmentName(location.segment)) at \(location.offset)"
    }
}
