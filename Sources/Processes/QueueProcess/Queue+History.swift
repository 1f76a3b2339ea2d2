import Envelopes
import EventLoop
import JSON
import Platform
import ProcessMessages
import QueueStorage
import RoleProcess

/// What becomes of messages, noted for `smtpctl history`. Nobody waits for it, and mail goes on without it.
extension QueueProcess {
    /// How long an event may wait for company. A crash may cost those that wait.
    private static let delay = Duration.seconds(1)

    /// Opens the history, or removes it, as the view wants; after a reload too.
    func openHistory() {
        let limit = Int(clamping: view.settings.history)
        attemptHistory { () throws(StoreError) in
            let device = try historyDevice()
            guard limit > 0 else {
                history = nil
                return try HistoryLog.remove(from: device)
            }
            if let history, history.limit == limit { return try history.use(wrapping) }
            try history?.write()
            let opened = HistoryLog(device: device, limit: limit, wrapping: wrapping, random: { .random(in: .min ... .max) })
            history = opened
            try opened.rewrap()
        }
    }

    private func historyDevice() throws(StoreError) -> UnixStorageDevice {
        do throws(SystemError) {
            return try UnixStorageDevice(context.queueDirectory + "/history")
        } catch {
            throw .system(error)
        }
    }

    /// The first failure of a row is told.
    private func attemptHistory(_ body: () throws(StoreError) -> Void) {
        do throws(StoreError) {
            try body()
            historyFails = false
        } catch {
            if !historyFails { context.log.warning("history: \(error)") }
            historyFails = true
        }
    }

    func writeHistory() {
        historyTimer.cancel()
        guard let history else { return }
        attemptHistory { () throws(StoreError) in try history.write() }
    }

    // MARK: Events

    private func note(_ event: @autoclosure () -> HistoryEvent) {
        guard let history else { return }
        if history.note(event()) { return writeHistory() }
        if !historyTimer.isScheduled { historyTimer.schedule(after: Self.delay) }
    }

    private var now: Timestamp { Timestamp(seconds: wallClockSeconds()) }

    /// A message is on stable storage.
    func noteAcceptance(of id: MessageID, _ message: CommittingMessage) {
        guard history != nil else { return }
        let now = now
        let transaction = message.transaction
        note(
            HistoryEvent(
                time: now, message: id,
                .accepted(
                    .init(
                        sender: transaction.sender.address?.text ?? "", messageID: message.identity.text,
                        source: transaction.source.text, user: transaction.user ?? "", size: message.identity.size))))
        for envelope in message.envelopes { noteQueued(envelope, at: now) }
    }

    private func noteQueued(_ envelope: Envelope, at time: Timestamp) {
        note(
            HistoryEvent(
                time: time, message: envelope.id.message,
                .queued(
                    number: envelope.id.number,
                    .init(destination: envelope.destination.text, given: envelope.recipient.text, action: envelope.action))))
    }

    func noteOutcome(of queued: QueuedEnvelope, _ outcome: HistoryEvent.Outcome, _ text: String) {
        note(HistoryEvent(time: now, queued.envelope.id, outcome, to: queued.envelope.destination.text, text))
    }

    /// Of an envelope of which no more is known.
    func noteOutcome(of id: EnvelopeID, _ outcome: HistoryEvent.Outcome, to destination: String = "", _ text: String) {
        note(HistoryEvent(time: now, id, outcome, to: destination, text))
    }

    /// A report about an envelope is to be written.
    func noteReport(_ bounce: EnvelopeID, to sender: String) {
        note(
            HistoryEvent(
                time: now, message: bounce.message,
                .queued(number: bounce.number, .init(destination: sender, given: "", action: "report"))))
    }

    // MARK: Reading

    func readHistory(_ filter: HistoryFilter, asJSON: Bool, answering request: UInt64) {
        guard let history else { return send(nil, answering: request) }
        // Clients that are slow hold files open; one that was forgotten hears that it is at the end.
        if readings.count >= HistoryReading.maximumReadings, let oldest = readings.keys.min() { readings[oldest] = nil }
        var reader: HistoryReader?
        attemptHistory { () throws(StoreError) in reader = try history.reader() }
        guard let reader else { return send(ListingText(lines: []), answering: request) }
        readings[request] = HistoryReading(
            reader: reader, search: HistorySearch(filter, now: wallClockSeconds()), asJSON: asJSON)
        goOn(request, answering: request)
    }

    func goOn(_ reading: UInt64, answering request: UInt64) {
        guard var open = readings[reading] else { return send(ListingText(lines: []), answering: request) }
        var lines: [String]?
        attemptHistory { () throws(StoreError) in lines = try open.page() }
        readings[reading] = lines == nil || open.isFinished ? nil : open
        if open.isFinished, open.reader.damaged > 0 {
            context.log.warning("history: \(open.reader.damaged) places of it cannot be read")
        }
        send(ListingText(lines: lines ?? []), isLast: readings[reading] == nil, answering: request)
    }

    private func send(_ text: ListingText?, isLast: Bool = true, answering request: UInt64) {
        control?.send(.history(request: request, text, isLast: isLast))
    }
}

/// A client's way through the history.
struct HistoryReading {
    let reader: HistoryReader
    var search: HistorySearch
    let asJSON: Bool
    /// Events of a block that were not looked at.
    private var rest: ArraySlice<HistoryEvent> = []
    private(set) var isFinished = false

    static let maximumReadings = 16
    /// Events looked at for one answer: others wait meanwhile.
    private static let maximumLook = 2_000
    /// Bytes of one answer and little more.
    private static let maximumText = 64 << 10

    init(reader: HistoryReader, search: HistorySearch, asJSON: Bool) {
        self.reader = reader
        self.search = search
        self.asJSON = asJSON
    }

    /// The next lines, perhaps none.
    mutating func page() throws(StoreError) -> [String] {
        var lines: [String] = []
        var size = 0
        var looked = 0
        while looked < Self.maximumLook, size < Self.maximumText {
            guard let event = rest.popFirst() else {
                guard let block = try reader.next() else {
                    isFinished = true
                    return lines
                }
                rest = block[...]
                continue
            }
            looked += 1
            for event in search.take(event) {
                let line = asJSON ? event.value.line : event.line
                size += line.utf8.count
                lines.append(line)
            }
        }
        return lines
    }
}
