import Platform

/// Segment files: prepared ahead, begun, ended.
extension LogStore {
    /// Makes sure that a whole prepared segment is there besides the head: the room for outcomes on a full disk.
    func ensureSpare() throws(StoreError) {
        guard spares.isEmpty else { return }
        let name = newSpareName()
        do throws(SystemError) {
            let file = try device.create(name)
            do throws(SystemError) {
                try device.allocate(file, size: options.segmentSize)
            } catch {
                device.close(file)
                removeFile(name)
                throw error
            }
            spares.append(Spare(name: name, file: file, zeroed: 0))
        } catch {
            throw StoreError(error)
        }
    }

    /// A spare for a new segment.
    ///
    /// - Parameter leavingOne: Only when another one remains behind it.
    func takeSpare(leavingOne: Bool) -> Spare? {
        guard let spare = spares.first else { return nil }
        spares.removeFirst()
        do throws(StoreError) {
            try ensureSpare()
        } catch {
            // The caller refuses commits then; for outcomes this spare was kept.
            guard !leavingOne else {
                spares.insert(spare, at: 0)
                return nil
            }
        }
        return spare
    }

    func newSpareName() -> String {
        "segments/spare-" + Self.hexadecimal(UInt32(truncatingIfNeeded: random()))
            + Self.hexadecimal(UInt32(truncatingIfNeeded: random()))
    }

    /// Plans a new segment behind the last one.
    func beginSegment(in spare: Spare, _ plan: inout FlushPlan) -> Segment {
        let segment = Segment(sequence: nextSequence, file: spare.file, salt: random(), end: SegmentHeader.size,
            size: options.segmentSize, wrapping: wrapping.segment, zeroed: spare.zeroed)
        // Not used again even when this one fails: its name may come back after a power cut.
        nextSequence += 1
        let header = SegmentHeader(
            sequence: segment.sequence, salt: segment.salt, previousSequence: segments.last?.sequence ?? 0,
            previousEnd: segments.last?.end ?? 0, wrapping: segment.wrapping)
        plan.roll = (spare.name, segment.name, header.encoded)
        plan.seal = seal
        return segment
    }

    /// What ends the head, nil when it has ended.
    private var seal: FlushPlan.Seal? {
        guard let segment = segments.last, let head, !head.isSealed else { return nil }
        return Self.seal(segment, summary: head.summary, nextBatch: head.nextBatch)
    }

    static func seal(_ segment: Segment, summary: [UInt8], nextBatch: UInt32) -> FlushPlan.Seal? {
        let record = NewRecord(kind: .summary, message: 0, payload: summary)
        let trailerOffset = segment.size - SegmentTrailer.size
        guard segment.end + record.size <= trailerOffset else { return nil }
        var bytes: [UInt8] = []
        record.append(to: &bytes, start: segment.end, batch: nextBatch, salt: segment.salt)
        let trailer = SegmentTrailer(salt: segment.salt, end: segment.end, nextBatch: nextBatch &+ 1)
        return FlushPlan.Seal(
            file: segment.file, summary: bytes, summaryOffset: segment.end, trailer: trailer.encoded,
            trailerOffset: trailerOffset)
    }

    /// Writes the summary of the head, so that the next start need not read it.
    func sealHead() {
        seal?.perform(on: device)
        head?.isSealed = true
    }

    func segment(_ sequence: UInt32) -> Segment? {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low < segments.count && segments[low].sequence == sequence ? segments[low] : nil
    }
}
