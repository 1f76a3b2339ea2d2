import Envelopes
import Platform

/// One flush: what waits is laid out behind the head's end, written, synced, and only then believed.
extension LogStore {
    /// What a job that is out was about.
    struct Flight {
        var operations: [(operation: PendingOperation, entry: LogEntry)] = []
        var bodies: [MessageID] = []
        var removals: [MessageID] = []
        var recycled: (segment: UInt32, spare: String?)?
        /// The segment the batch begins.
        var roll: Segment?
        var writesLog = false
        var end = 0
        /// Commits that were refused before anything was written.
        var refused: [(message: MessageID, error: StoreError)] = []
    }

    package var needsFlush: Bool {
        inFlight != nil || !pending.isEmpty || !removals.isEmpty || recyclableTail != nil
    }

    package func beginFlush() -> FlushJob? {
        guard inFlight == nil, needsFlush else { return nil }
        var flight = Flight()
        var plan = FlushPlan()
        takeBodies(&flight, &plan)
        takeRemovals(&flight, &plan)
        takeTail(&flight, &plan)
        takeOperations(&flight, &plan)
        inFlight = flight
        let device = device
        return FlushJob { [plan] in plan.perform(on: device) }
    }

    private func takeBodies(_ flight: inout Flight, _ plan: inout FlushPlan) {
        for case .commit(let prepared) in pending where !prepared.bodyIsDurable {
            guard let file = prepared.file else { continue }
            plan.bodies.append((file, Self.incomingName(prepared.id), Self.largeName(prepared.id)))
            flight.bodies.append(prepared.id)
        }
    }

    private func takeRemovals(_ flight: inout Flight, _ plan: inout FlushPlan) {
        flight.removals = removals
        plan.removals = removals.map(Self.largeName)
        removals = []
    }

    /// The oldest segment when nothing in it is queued.
    var recyclableTail: Segment? {
        guard segments.count > 1, let tail = segments.first, index.segments[tail.sequence] == nil else { return nil }
        return tail
    }

    private func takeTail(_ flight: inout Flight, _ plan: inout FlushPlan) {
        guard let tail = recyclableTail else { return }
        let spare = spares.count < 2 && tail.size == options.segmentSize ? newSpareName() : nil
        plan.recycling = (tail.name, spare)
        flight.recycled = (tail.sequence, spare)
    }

    private func takeOperations(_ flight: inout Flight, _ plan: inout FlushPlan) {
        guard !pending.isEmpty else { return }
        var target = WriteTarget(self)
        var refusal: StoreError?
        do throws(StoreError) { try ensureSpare() } catch { refusal = error }
        var waiting: [PendingOperation] = []
        var isFull = false
        for operation in pending {
            if isFull {
                waiting.append(operation)
                continue
            }
            if case .commit(let prepared) = operation {
                if let refusal {
                    flight.refused.append((prepared.id, refusal))
                    discard(prepared)
                    continue
                }
                guard prepared.bodyIsDurable else {
                    waiting.append(operation)
                    continue
                }
            }
            guard let layout = layoutOrSetAside(operation) else { continue }
            if !target.fits(layout) {
                guard target.isUntouched, flight.roll == nil else {
                    isFull = true
                    waiting.append(operation)
                    continue
                }
                // A commit must leave a spare for outcomes behind it.
                let isCommit = if case .commit = operation { true } else { false }
                guard let spare = takeSpare(leavingOne: isCommit) else {
                    if case .commit(let prepared) = operation {
                        flight.refused.append((prepared.id, .outOfSpace))
                        discard(prepared)
                    } else {
                        waiting.append(operation)
                        isFull = true
                    }
                    continue
                }
                if spares.isEmpty { refusal = .outOfSpace }
                flight.roll = beginSegment(in: spare, &plan)
                target = WriteTarget(options, salt: flight.roll?.salt ?? 0)
            }
            flight.operations.append((operation, target.append(layout)))
        }
        pending = waiting
        guard !flight.operations.isEmpty else { return }
        flight.writesLog = true
        flight.end = target.end
        plan.batch = target.buffer
        plan.offset = target.start
        plan.file = flight.roll?.file ?? segments.last?.file
        if flight.roll == nil, head?.isSealed == true { plan.staleTrailer = options.segmentSize - SegmentTrailer.size }
    }

    /// Nil when there is nothing to write: a history that was replaced before it was written, a move of a message
    /// that went meanwhile or cannot be read.
    private func layoutOrSetAside(_ operation: PendingOperation) -> RecordLayout? {
        do throws(StoreError) {
            return try layout(of: operation)
        } catch {
            // Only a move reads, and only it can fail.
            if case .move(let message) = operation, let warning = setAside(message) { warnings.append(warning) }
            return nil
        }
    }

    func layout(of operation: PendingOperation) throws(StoreError) -> RecordLayout? {
        switch operation {
        case .commit(let prepared):
            return prepared.layout
        case .move(let message):
            return try layoutOfMove(message)
        case .add(let message, let record, let payload):
            return RecordLayout(NewRecord(kind: .envelopes, message: message.rawValue, payload)) { offset in
                .envelopes(message: message.rawValue, record.indexed(at: offset))
            }
        case .history(let envelope, let history, let stamp):
            guard histories[envelope.rawValue]?.stamp == stamp else { return nil }
            let number = envelope.message.rawValue
            let stored = wrapping.wrap(
                HistoryRecord(number: envelope.number, history: history).encoded, as: PayloadContext(.history, of: number))
            return RecordLayout(NewRecord(kind: .history, message: number, stored)) { .history(HistoryFacts(history, of: envelope), offset: UInt32($0)) }
        case .gone(let message, let numbers, hasFile: _):
            let record = NewRecord(
                kind: .gone, message: message.rawValue, payload: GoneRecord(numbers: numbers).encoded)
            return RecordLayout(record) { _ in .gone(message: message.rawValue, numbers: numbers) }
        }
    }

    func fitsInEmptySegment(_ layout: RecordLayout) -> Bool {
        WriteTarget(options, salt: 0).fits(layout)
    }

    /// Forgets a message that was prepared.
    private func discard(_ prepared: PreparedMessage) {
        reserved.remove(prepared.id)
        guard let file = prepared.file else { return }
        device.close(file)
        removeFile(prepared.bodyIsDurable ? Self.largeName(prepared.id) : Self.incomingName(prepared.id))
    }

    package func finishFlush(_ outcome: FlushOutcome) -> FlushResult {
        var result = FlushResult()
        guard let flight = inFlight else { return result }
        inFlight = nil
        result.failed = flight.refused
        finishBodies(flight, outcome, &result)
        for (name, error) in outcome.removals {
            warnings.append(StoreWarning(name: name, problem: error.description))
        }
        for message in flight.removals { reserved.remove(message) }
        finishTail(flight, outcome, &result)
        if flight.writesLog {
            if let error = outcome.log {
                logFailed(flight, StoreError(error), &result)
            } else {
                logSucceeded(flight, &result)
            }
        } else if flight.refused.isEmpty, flight.bodies.isEmpty, flight.recycled == nil, !pending.isEmpty {
            // Outcomes wait for room, and nothing else was left to do.
            dropReplacedHistories()
            result.failure = result.failure ?? .outOfSpace
        }
        counts.failedCommits += result.failed.count
        result.warnings = warnings
        warnings = []
        return result
    }

    private func finishBodies(_ flight: Flight, _ outcome: FlushOutcome, _ result: inout FlushResult) {
        var errors: [MessageID: SystemError] = [:]
        var done: Set<MessageID> = []
        for (message, error) in zip(flight.bodies, outcome.bodies) {
            if let error { errors[message] = error } else { done.insert(message) }
        }
        guard !flight.bodies.isEmpty else { return }
        var remaining: [PendingOperation] = []
        for operation in pending {
            guard case .commit(var prepared) = operation else {
                remaining.append(operation)
                continue
            }
            if let error = errors[prepared.id] {
                discard(prepared)
                // It may have had its final name already.
                removeFile(Self.largeName(prepared.id))
                result.failed.append((prepared.id, StoreError(error)))
                continue
            }
            if done.contains(prepared.id) { prepared.bodyIsDurable = true }
            remaining.append(.commit(prepared))
        }
        pending = remaining
    }

    private func finishTail(_ flight: Flight, _ outcome: FlushOutcome, _ result: inout FlushResult) {
        guard let recycled = flight.recycled, let tail = segments.first, tail.sequence == recycled.segment else { return }
        if let error = outcome.recycling {
            result.failure = StoreError(error)
            return
        }
        segments.removeFirst()
        if let name = recycled.spare {
            spares.append(Spare(name: name, file: tail.file, zeroed: options.segmentSize))
        } else {
            device.close(tail.file)
        }
    }

    private func logSucceeded(_ flight: Flight, _ result: inout FlushResult) {
        if let roll = flight.roll {
            segments.append(roll)
            head = Head(isClosed: roll.wrapping != wrapping.segment)
        }
        guard let segment = segments.last?.sequence else { return }
        segments[segments.count - 1].end = flight.end
        head?.nextBatch += 1
        head?.isSealed = false
        head?.summary += encodedEntries(flight.operations.map(\.entry))
        counts.flushes += 1
        for (operation, entry) in flight.operations {
            switch (operation, entry) {
            case (.commit(let prepared), .message(let message, let envelopes)):
                reserved.remove(prepared.id)
                if let file = prepared.file {
                    device.close(file)
                    verified.insert(prepared.id)
                } else {
                    bodies.insert(prepared.bytes, for: prepared.id, cost: prepared.bytes.count)
                }
                index.insert(message, envelopes, in: segment)
                cache(prepared.record, at: envelopes.first?.recordOffset, in: segment)
                counts.commits += 1
                result.committed.append(prepared.id)
            case (.move, .message(let message, let envelopes)):
                index.move(message, envelopes, to: segment)
                counts.compactedMessages += 1
            case (.add(_, let record, payload: _), .envelopes(_, let envelopes)):
                for envelope in envelopes {
                    index.locate(envelope.key, record: envelope.recordOffset, in: segment)
                    added[envelope.key] = nil
                }
                cache(record, at: envelopes.first?.recordOffset, in: segment)
                result.added += record.envelopes.map(\.envelope.id)
            case (.history(let envelope, _, let stamp), .history(_, let offset)):
                index.locate(envelope.rawValue, history: offset, in: segment)
                if histories[envelope.rawValue]?.stamp == stamp { histories[envelope.rawValue] = nil }
            case (.gone(let message, _, let hasFile), .gone):
                if hasFile { removals.append(message) }
            default:
                preconditionFailure("an operation was laid out as another one")
            }
        }
    }

    private func logFailed(_ flight: Flight, _ error: StoreError, _ result: inout FlushResult) {
        // Whatever the kernel kept of this batch, nothing of it counts: the segment ends before it.
        head?.isClosed = true
        if let roll = flight.roll { device.close(roll.file) }
        var waiting: [PendingOperation] = []
        for (operation, _) in flight.operations {
            switch operation {
            case .commit(let prepared):
                discard(prepared)
                result.failed.append((prepared.id, error))
            case .move:
                compaction = nil
            case .add, .history, .gone:
                waiting.append(operation)
            }
        }
        pending = waiting + pending
        dropReplacedHistories()
        result.failure = error
    }
    /// However long the disk is full, an envelope has one history waiting.
    private func dropReplacedHistories() {
        pending.removeAll { operation in
            guard case .history(let envelope, _, let stamp) = operation else { return false }
            return histories[envelope.rawValue]?.stamp != stamp
        }
    }
}
