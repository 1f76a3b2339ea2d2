import Envelopes
import Platform

/// What comes in: messages from their first byte to the flush, and outcomes.
extension LogStore {
    package func beginMessage() throws(StoreError) -> MessageID {
        try ensureSpare()
        while true {
            guard let id = MessageID(rawValue: UInt32(truncatingIfNeeded: random())),
                receiving[id] == nil, !reserved.contains(id), !contains(id)
            else { continue }
            receiving[id] = Reception()
            return id
        }
    }

    package func makeEnvelopeID(in message: MessageID) -> EnvelopeID {
        while true {
            let number = UInt32(truncatingIfNeeded: random())
            guard let id = EnvelopeID(message, number), index.envelopes[id.rawValue] == nil else { continue }
            if receiving[message] != nil, receiving[message]?.numbers.insert(number).inserted != true { continue }
            return id
        }
    }

    package func appendBody(_ bytes: [UInt8], to message: MessageID) throws(StoreError) {
        guard var reception = receiving[message] else { throw .unknownMessage }
        // Taken out while it changes, so that its bytes are not copied.
        receiving[message] = nil
        defer { receiving[message] = reception }
        do throws(SystemError) {
            if reception.file == nil,
                reception.size + bytes.count > options.largestInlineBody
                    || bufferedBytes + bytes.count > options.bufferedBodies
            {
                try beginBodyFile(&reception, of: message)
            }
            if reception.file != nil {
                try extendBodyFile(&reception, bytes)
            } else {
                reception.bytes += bytes
                bufferedBytes += bytes.count
            }
            reception.size += bytes.count
        } catch {
            throw StoreError(error)
        }
    }

    package func abandon(_ message: MessageID) {
        guard let reception = receiving.removeValue(forKey: message) else { return }
        discard(reception, of: message)
    }

    private func discard(_ reception: Reception, of message: MessageID) {
        bufferedBytes -= reception.bytes.count
        guard let file = reception.file else { return }
        device.close(file)
        removeFile(Self.incomingName(message))
    }

    /// Removes a file that nothing refers to; one that stays is removed by the next start.
    func removeFile(_ name: String) {
        do throws(SystemError) {
            try device.remove(name)
        } catch {
            if !error.isMissing { warnings.append(StoreWarning(name: name, problem: error.description)) }
        }
    }

    package func prepareCommit(
        _ message: MessageID, _ transaction: Transaction, _ envelopes: [Envelope]
    ) throws(StoreError) {
        precondition(!envelopes.isEmpty, "a message without envelopes cannot be committed")
        precondition(envelopes.allSatisfy { $0.id.message == message }, "an envelope of another message")
        guard var reception = receiving.removeValue(forKey: message) else { throw .unknownMessage }
        do throws(SystemError) {
            try endBodyFile(&reception)
        } catch {
            discard(reception, of: message)
            throw StoreError(error)
        }
        let prepared = PreparedMessage(message, reception, transaction, envelopes, wrapping)
        guard fitsInEmptySegment(prepared.layout) else {
            discard(reception, of: message)
            throw .tooLarge
        }
        bufferedBytes -= reception.bytes.count
        reserved.insert(message)
        pending.append(.commit(prepared))
    }

    package func addEnvelopes(_ envelopes: [Envelope], to message: MessageID) throws(StoreError) {
        precondition(envelopes.allSatisfy { $0.id.message == message }, "an envelope of another message")
        guard let first = index.keys(of: message.rawValue).first.flatMap(EnvelopeID.init(rawValue:)),
            let transaction = try envelope(first)?.transaction
        else { throw .unknownMessage }
        guard !envelopes.isEmpty else { return }
        let record = MessageRecord(
            body: .none, transaction: transaction, envelopes: envelopes.map { MessageRecord.Entry(envelope: $0) })
        let operation = PendingOperation.add(
            message, record, payload: wrapping.wrap(record.encoded, as: PayloadContext(.envelopes, of: message.rawValue)))
        guard let layout = try layout(of: operation), fitsInEmptySegment(layout) else { throw .tooLarge }
        for entry in record.envelopes {
            index.add(IndexedEnvelope(entry), in: 0)
            added[entry.envelope.id.rawValue] = QueuedEnvelope(
                transaction: transaction, envelope: entry.envelope, history: entry.history)
        }
        pending.append(operation)
    }

    package func record(_ history: DeliveryHistory, of envelope: EnvelopeID) {
        let history = history.bounded
        guard index.setHistory(history, of: envelope) else { return }
        stamp += 1
        histories[envelope.rawValue] = (history, stamp)
        // It was tried, and will not be read for a while.
        if history.attempts > 0 { bodies.remove(envelope.message) }
        pending.append(.history(envelope, history, stamp: stamp))
    }

    package func recordGone(_ envelope: EnvelopeID) {
        switch index.remove(envelope.rawValue) {
        case nil:
            return
        case .message(let message):
            pending.append(.gone(envelope.message, numbers: [], hasFile: message.hasFile))
            bodies.remove(envelope.message)
            verified.remove(envelope.message)
            otherFileKeys.remove(envelope.message)
            if message.hasFile { reserved.insert(envelope.message) }
        case .envelope:
            if case .gone(envelope.message, let numbers, hasFile: false) = pending.last, !numbers.isEmpty,
                numbers.count < 1000
            {
                pending[pending.count - 1] = .gone(
                    envelope.message, numbers: numbers + [envelope.number], hasFile: false)
            } else {
                pending.append(.gone(envelope.message, numbers: [envelope.number], hasFile: false))
            }
        }
        histories[envelope.rawValue] = nil
        added[envelope.rawValue] = nil
    }
}
