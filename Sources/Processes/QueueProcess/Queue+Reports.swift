import Envelopes
import EventLoop
import MailSyntax
import Platform
import ProcessMessages
import QueueStorage
import RoleProcess

/// Reports to senders. A failure first becomes a bounce envelope of the message it is about, as durable as
/// any other; when the scheduler finds it due, it becomes a message of its own and goes.
extension QueueProcess {
    /// Seconds a report to a sender is tried.
    private static let bounceTimeToLive: Int64 = 7 * 86_400

    /// Adds a bounce beside an envelope, if its sender is to hear of it.
    func addReport(_ kind: BounceKind, about queued: QueuedEnvelope, error: String) {
        guard ReportPolicy.shouldReport(kind, of: queued.envelope, in: queued.transaction) else { return }
        var bounce = Envelope(
            id: store.makeEnvelopeID(in: queued.envelope.id.message), recipient: queued.envelope.recipient,
            destination: queued.envelope.destination, action: queued.envelope.action, kind: .bounce(kind),
            created: Timestamp(seconds: wallClockSeconds()), timeToLive: Self.bounceTimeToLive)
        bounce.notify = queued.envelope.notify
        bounce.originalRecipient = queued.envelope.originalRecipient
        do throws(StoreError) {
            try store.addEnvelopes([bounce], to: bounce.id.message)
        } catch {
            context.log.error("no report about evpid=\(queued.envelope.id): \(error)")
            return
        }
        store.record(DeliveryHistory(lastError: error), of: bounce.id)
        reportCounts.envelopes += 1
        noteReport(bounce.id, to: queued.transaction.sender.address?.text ?? "")
        context.log.trace(TraceSubjects.bounce, "evpid=\(bounce.id) about evpid=\(queued.envelope.id): \(kind)")
        submit([bounce])
        planOutcomeFlush()
    }

    func notifyDelay(_ id: EnvelopeID, after: Int64) {
        guard let queued = load(id) else { return }
        var history = queued.history
        // The nominal moment, which no clock can move.
        history.lastNotice = queued.envelope.created + after
        store.record(history, of: id)
        addReport(.delayed(after: after), about: queued, error: queued.history.lastError)
        planOutcomeFlush()
    }

    /// Writes one report per message and kind for the bounces that are due.
    func report(_ bounces: [QueuedEnvelope]) {
        var rest = bounces
        while let first = rest.first {
            let together = rest.filter { $0.reportKey == first.reportKey }
            rest.removeAll { $0.reportKey == first.reportKey }
            spawn { [self] in await write(together) }
        }
    }

    private func write(_ bounces: [QueuedEnvelope]) async {
        guard let first = bounces.first, case .bounce(let kind) = first.envelope.kind,
            let sender = first.transaction.sender.address
        else { return }
        let transaction = Transaction(
            sender: .null, source: .local, reverseName: view.serverName, helo: view.serverName,
            serverName: view.serverName, isInternal: true, body: first.transaction.body,
            needsUTF8: first.transaction.needsUTF8)
        let request = expansions.next()
        lookup?.send(.expand(request: request, recipient: sender, transaction: transaction))
        guard let verdict = await expansions.answer(request) else { return }
        switch verdict {
        case .accepted(let drafts, _):
            guard let report = compose(kind, for: sender, about: bounces) else { return }
            reportCounts.messages += 1
            context.log.trace(TraceSubjects.bounce, "to=<\(sender.text)> about \(bounces.count) envelopes")
            var transaction = transaction
            transaction.body = report.body
            transaction.needsUTF8 = report.needsUTF8
            send(report.bytes, drafts, transaction, answering: bounces)
        case .refused(let reply, let trace) where reply.isTemporary:
            context.log.info("report to <\(sender.text)> waits: \(trace)")
            for bounce in bounces {
                recordFailure(of: bounce, DeliveryFailure(status: reply.status ?? "4.0.0", text: reply.lines[0]))
                scheduler?.send(.failedTemporarily(bounce.envelope.id))
            }
            planOutcomeFlush()
        case .refused(_, let trace):
            context.log.warning("report to <\(sender.text)> dropped: \(trace)")
            for bounce in bounces {
                store.recordGone(bounce.envelope.id)
                noteOutcome(of: bounce.envelope.id, .dropped, to: sender.text, trace)
                scheduler?.send(.failedPermanently(bounce.envelope.id))
            }
            planOutcomeFlush()
        }
    }

    private func compose(_ kind: BounceKind, for sender: MailAddress, about bounces: [QueuedEnvelope]) -> ReportMessage.Composed? {
        guard let first = bounces.first, let host = try? Domain(validating: Array(view.serverName.utf8)) else { return nil }
        let action: ReportedRecipient.Action =
            switch kind {
            case .failed: .failed
            case .delayed: .delayed
            case .delivered: .delivered
            case .relayed: .relayed
            }
        let (original, size) = beginning(of: first.envelope.id.message, limit: ReportMessage.maximumReturned)
        let report = ReportMessage(
            kind, from: host, about: first.transaction,
            recipients: bounces.map { ReportedRecipient($0.envelope, history: $0.history, action: action) },
            arrival: nil, date: Timestamp(seconds: wallClockSeconds()), original: original, originalSize: size)
        return report?.composed(token: String(UInt64.random(in: .min ... .max), radix: 16))
    }

    /// As much of a message as a report may return; a report without it is better than none.
    private func beginning(of message: MessageID, limit: Int) -> (bytes: [UInt8], size: Int) {
        do throws(StoreError) {
            switch try store.body(message) {
            case .bytes(let bytes): return (Array(bytes.prefix(limit)), bytes.count)
            case .file(let descriptor, let size):
                return (try readBeginning(of: descriptor, limit: limit), Int(size))
            case nil: return ([], 0)
            }
        } catch {
            context.log.warning("message \(message): \(error)")
            return ([], 0)
        }
    }

    private func readBeginning(of file: borrowing OwnedDescriptor, limit: Int) throws(StoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        do throws(SystemError) {
            while bytes.count < limit {
                let count = try Files.readSome(file, into: &chunk)
                if count == 0 { break }
                bytes += chunk[..<count]
            }
        } catch {
            throw .system(error)
        }
        return Array(bytes.prefix(limit))
    }

    private func send(
        _ report: [UInt8], _ drafts: [EnvelopeDraft], _ transaction: Transaction, answering bounces: [QueuedEnvelope]
    ) {
        let answers = bounces.map(\.envelope.id)
        do throws(StoreError) {
            let message = try store.beginMessage()
            try store.appendBody(report, to: message)
            let envelopes = makeEnvelopes(of: message, from: drafts)
            try store.prepareCommit(message, transaction, envelopes)
            var identity = MessageIdentity()
            identity.append(report)
            committing[message] = CommittingMessage(
                transfer: nil, answers: answers, transaction: transaction, identity: identity, envelopes: envelopes)
            planFlush()
        } catch {
            context.log.warning("report not stored: \(error)")
            for id in answers { scheduler?.send(.failedTemporarily(id)) }
        }
    }
}

extension QueuedEnvelope {
    /// What reports about this bounce can be put together by; nil for what is no bounce.
    fileprivate var reportKey: ReportKey? {
        guard case .bounce(let kind) = envelope.kind else { return nil }
        return ReportKey(envelope.id, kind)
    }
}

/// Numbers of reports since the start.
struct ReportCounts {
    /// Failures and successes that a sender is to hear of.
    var envelopes: Int64 = 0
    /// Messages that tell of them.
    var messages: Int64 = 0
}
