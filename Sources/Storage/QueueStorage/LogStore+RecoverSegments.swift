import Envelopes
import Platform

/// The start, segment by segment from the oldest: by its summary where there is one, else record by record.
extension LogStore {
    struct FoundSegment {
        var segment: Segment
        /// The segment before it and where that one ends; nil when the header is unreadable.
        var previous: (sequence: UInt32, end: Int)?
    }

    /// Opens what looks like a segment, changing nothing, so that a newer version's spool stays as it is.
    func findSegments() throws(StoreError) -> [FoundSegment] {
        guard let status = try Self.converting({ () throws(SystemError) in try device.status("segments") }),
            status.isDirectory
        else { return [] }
        var found: [FoundSegment] = []
        for name in try Self.converting({ () throws(SystemError) in try device.list("segments") }) {
            guard let sequence = Self.sequence(name) else { continue }
            nextSequence = max(nextSequence, sequence == .max ? .max : sequence + 1)
            if let segment = try open(sequence) { found.append(segment) }
        }
        return found
    }

    /// Eight hexadecimal digits as we write them; nil for any other name.
    private static func sequence(_ name: String) -> UInt32? {
        guard name.utf8.count == 8, let value = UInt32(name, radix: 16), value > 0, hexadecimal(value) == name else {
            return nil
        }
        return value
    }

    /// Nil for what is no segment.
    private func open(_ sequence: UInt32) throws(StoreError) -> FoundSegment? {
        let name = Self.segmentName(sequence)
        let opened = try Self.converting { () throws(SystemError) -> (FileHandle, Int)? in
            guard let status = try device.status(name), status.isRegular, status.size < Int(UInt32.max) / 2 else {
                return nil
            }
            return (try device.open(name), status.size)
        }
        guard let (file, size) = opened else { return nil }
        let start: [UInt8]
        do throws(SystemError) {
            start = try device.read(file, at: 0, count: SegmentHeader.size + RecordHeader.size)
        } catch {
            device.close(file)
            throw .system(error)
        }
        let header = SegmentHeader(page: Array(start.prefix(SegmentHeader.size)))
        if let header, header.version > SegmentHeader.currentVersion {
            device.close(file)
            throw .newerFormat(found: header.version, understood: SegmentHeader.currentVersion)
        }
        // With both copies of the header lost, the first record still tells the salt.
        let first = RecordHeader(start.dropFirst(SegmentHeader.size))
        let salt = header?.salt ?? (first?.offset == SegmentHeader.size ? first?.salt : nil)
        guard let salt, header == nil || header?.sequence == sequence else {
            device.close(file)
            return nil
        }
        let segment = Segment(
            sequence: sequence, file: file, salt: salt, end: SegmentHeader.size, size: size,
            wrapping: header?.wrapping ?? SegmentWrapping())
        return FoundSegment(segment: segment, previous: header.map { ($0.previousSequence, $0.previousEnd) })
    }

    /// The segments that count, each with its end where the next one tells it.
    ///
    /// A segment that the header of a later one passes over was begun by a flush that failed.
    func withoutVoidOnes(_ found: [FoundSegment]) -> [(segment: Segment, end: Int?)] {
        var valid: [(segment: Segment, end: Int?)] = []
        var next: (sequence: UInt32, end: Int)?
        for candidate in found.reversed() {
            var end: Int?
            if let next, next.sequence < candidate.segment.sequence {
                device.close(candidate.segment.file)
                if mayWrite { removeFile(candidate.segment.name) }
                continue
            }
            if let next, next.sequence == candidate.segment.sequence,
                next.end >= SegmentHeader.size, next.end <= candidate.segment.size,
                next.end % RecordHeader.alignment == 0
            {
                end = next.end
            }
            valid.append((candidate.segment, end))
            next = candidate.previous.flatMap { $0.sequence == 0 ? nil : $0 }
        }
        return valid.reversed()
    }

    /// Moves away what is no segment, and takes the spares.
    func setAsideForeignSegments(except found: [FoundSegment]) throws(StoreError) {
        let known = Set(found.map(\.segment.sequence))
        for base in try Self.converting({ () throws(SystemError) in try device.list("segments") }) {
            let name = "segments/" + base
            if let sequence = Self.sequence(base), known.contains(sequence) { continue }
            let status = try Self.converting { () throws(SystemError) in try device.status(name) }
            // What has a second name may be somebody's backup, and must not be written over.
            guard base.hasPrefix("spare-"), status?.isRegular == true, status?.links == 1 else {
                setAside(file: name, because: "not a segment of this queue")
                continue
            }
            if spares.count < 2, status?.size == options.segmentSize {
                let file = try Self.converting { () throws(SystemError) in try device.open(name) }
                spares.append(Spare(name: name, file: file, zeroed: options.segmentSize))
            } else {
                removeFile(name)
            }
        }
    }

    /// Reads one segment.
    ///
    /// - Parameters:
    ///   - end: Where its records end; nil for the last one, where only reading tells.
    ///   - replay: Gets what is in it.
    /// - Returns: False when something in it was damaged.
    func recover(
        _ segment: Segment, end: Int?, isLast: Bool, _ replay: inout SummaryReplay
    ) throws(StoreError) -> Bool {
        var segment = segment
        if let (summary, trailer) = try readSummary(of: segment, end: end), replay.add(summary, of: segment.sequence) {
            segment.end = trailer.end
            segments.append(segment)
            if isLast {
                head = Head(
                    nextBatch: trailer.nextBatch, summary: summary, isSealed: true, isClosed: !takesMore(segment))
            }
            return true
        }
        if let obstacle = wrapping.obstacle(to: segment.wrapping) { throw StoreError(obstacle, segment.name) }
        let bytes = try Self.converting { () throws(SystemError) in
            try device.read(segment.file, at: 0, count: end ?? segment.size)
        }
        let scan = SegmentScan(
            bytes, salt: segment.salt, end: end, wrapping: wrapping, key: segment.wrapping.key)
        // Its header was lost, and with it the word which key it needs.
        if let obstacle = scan.obstacle { throw StoreError(obstacle, segment.name) }
        if mayWrite, end == nil { try secure(segment, scan, bytes) }
        segment.end = scan.end
        segments.append(segment)
        if mayWrite { report(scan, of: segment, bytes) }
        let summary = encodedEntries(scan.entries)
        guard replay.add(summary, of: segment.sequence) else { preconditionFailure("a summary is written as it is read") }
        if isLast {
            head = Head(
                nextBatch: scan.nextBatch, summary: summary, isClosed: !takesMore(segment))
        } else if mayWrite {
            Self.seal(segment, summary: summary, nextBatch: scan.nextBatch)?.perform(on: device)
        }
        return scan.gaps.isEmpty
    }

    /// Whether records may be appended to a segment of before.
    private func takesMore(_ segment: Segment) -> Bool {
        segment.size == options.segmentSize && segment.wrapping == wrapping.segment
    }

    /// Makes durable what the last flush wrote, for all that follows rests on it.
    ///
    /// It may be in the kernel's memory only, marked clean by a sync that failed before the last process died; a
    /// sync alone would then report success for nothing. So it is written again.
    private func secure(_ segment: Segment, _ scan: SegmentScan, _ bytes: [UInt8]) throws(StoreError) {
        do throws(SystemError) {
            try device.write(Array(bytes.prefix(SegmentHeader.size)), to: segment.file, at: 0)
            if scan.lastBatchStart < scan.end {
                try device.write(
                    Array(bytes[scan.lastBatchStart..<scan.end]), to: segment.file, at: scan.lastBatchStart)
            }
            try device.sync(segment.file)
        } catch {
            // Some file systems need room to write in place; a full disk must not stop the start.
            guard error.isOutOfSpace else { throw .system(error) }
            warnings.append(StoreWarning(name: segment.name, problem: "the last write was not made durable: \(error)"))
        }
    }

    /// Nil when there is none that can be believed.
    private func readSummary(
        of segment: Segment, end: Int?
    ) throws(StoreError) -> (bytes: [UInt8], trailer: SegmentTrailer)? {
        guard segment.size > SegmentHeader.size + SegmentTrailer.size else { return nil }
        let trailerOffset = segment.size - SegmentTrailer.size
        return try Self.converting { () throws(SystemError) -> ([UInt8], SegmentTrailer)? in
            let bytes = try device.read(segment.file, at: trailerOffset, count: SegmentTrailer.size)
            guard let trailer = SegmentTrailer(bytes), trailer.salt == segment.salt,
                trailer.end >= SegmentHeader.size, trailer.end + RecordHeader.size <= trailerOffset,
                end == nil || end == trailer.end
            else { return nil }
            let start = try device.read(segment.file, at: trailer.end, count: RecordHeader.size)
            guard let header = RecordHeader(start[...]), header.kind == .summary, header.salt == segment.salt,
                header.offset == trailer.end, trailer.end + header.recordSize <= trailerOffset
            else { return nil }
            let payload = try device.read(
                segment.file, at: trailer.end + RecordHeader.size, count: header.length)
            guard Checksum.crc32c(payload) == header.payloadChecksum else { return nil }
            return (payload, trailer)
        }
    }

    /// Keeps copies of what could not be read and says so, once: a copy that is there was reported before.
    private func report(_ scan: SegmentScan, of segment: Segment, _ bytes: [UInt8]) {
        for gap in scan.gaps {
            keepCopy(of: gap, in: segment, bytes, "\(gap.count) bytes at \(gap.lowerBound) are no records")
        }
        if let torn = scan.tornAt {
            let range = torn..<min(torn + 65_536, bytes.count)
            keepCopy(of: range, in: segment, bytes, "an unfinished write at \(torn) was cut off")
        }
    }

    private func keepCopy(of range: Range<Int>, in segment: Segment, _ bytes: [UInt8], _ problem: String) {
        let present = range.clamped(to: 0..<bytes.count)
        let copy = "corrupt/\(Self.hexadecimal(segment.sequence))-\(range.lowerBound)"
        do throws(SystemError) {
            if try keep(Array(bytes[present]), as: copy) {
                warnings.append(StoreWarning(name: segment.name, problem: "\(problem), copy in \(copy)"))
            }
        } catch {
            warnings.append(StoreWarning(name: segment.name, problem: "\(problem), no copy could be kept: \(error)"))
        }
    }

    // MARK: Other files

    /// Removes bodies that no message has; keeps them when the message may have been among what was damaged.
    func recoverLarge(isDamaged: Bool) throws(SystemError) {
        for base in try device.list("large") {
            let name = "large/" + base
            guard let message = MessageID(base), message.description == base, try device.status(name)?.isRegular == true
            else {
                setAside(file: name, because: "not a message of this queue")
                continue
            }
            if index.messages[message.rawValue]?.hasFile == true { continue }
            if isDamaged {
                setAside(file: name, because: "a body without its message")
            } else {
                removeFile(name)
            }
        }
    }

    /// Removes what was being received when the machine stopped.
    func emptyIncoming() throws(SystemError) {
        for base in try device.list("incoming") {
            let name = "incoming/" + base
            if MessageID(base) != nil, try device.status(name)?.isRegular == true {
                removeFile(name)
            } else {
                setAside(file: name, because: "not a message being received")
            }
        }
    }
}
