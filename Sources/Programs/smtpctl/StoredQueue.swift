import ControlMessages
import Envelopes
import Glibc
import OfflineStore
import Platform
import QueueCompression
import QueueEncryption
import QueueStorage

/// What smtpctl shows of the queue while no daemon runs: what the spool holds, and what waits beside it for a start.
/// Nothing is changed.
struct StoredQueue {
    let installation: InstallationPaths
    let output: Output

    /// Answers a request from the spool and ends; returns when only a daemon can answer it.
    func answer(_ request: ClientToControl, _ answer: Answer) {
        switch request {
        case .showQueue(let selection): showQueue(of: selection.filter)
        case .showEnvelope(let id): finish { store throws(StoreError) in try show(id, store, answer) }
        case .showMessage(let id): finish { store throws(StoreError) in try show(id, store, answer) }
        case .history(let filter, let asJSON): finish { () throws(StoreError) in try showHistory(filter, asJSON) }
        case .explain: output.fail("smtpctl: smtpd doesn't seem to be running; with -f FILE a configuration is explained without it")
        default: return
        }
    }

    private func showQueue(of filter: QueueFilter) -> Never {
        var problem: String?
        do throws(StoreError) {
            try list(try open(), filter)
        } catch {
            problem = text(of: error)
        }
        let waiting = filter.words.isEmpty ? OfflineListing.lines(in: installation.offline) : []
        for lines in waiting { show(Array(lines.utf8), .queue) }
        // Where no daemon has ever run, an empty list would say too much.
        if waiting.isEmpty, !isThere { output.fail("smtpctl: smtpd doesn't seem to be running") }
        if let problem { fail(problem) }
        exit(0)
    }

    private func finish(_ body: (LogStore) throws(StoreError) -> Void) -> Never {
        finish { () throws(StoreError) in try body(try open()) }
    }

    private func finish(_ body: () throws(StoreError) -> Void) -> Never {
        guard isThere else { output.fail("smtpctl: smtpd doesn't seem to be running") }
        do throws(StoreError) {
            try body()
        } catch {
            fail(text(of: error))
        }
        exit(0)
    }

    private var isThere: Bool {
        // What cannot be looked at is not there for whoever asks.
        (try? Files.status(installation.spool + "/queue")) ?? nil != nil
    }

    private func text(of error: StoreError) -> String {
        switch error {
        case .system(let error) where error.code == EACCES || error.code == EPERM: "need root privileges"
        case .unknownKey: "it is encrypted, and its key was not given"
        default: "spool: \(error)"
        }
    }

    private func fail(_ problem: String) -> Never {
        output.fail("smtpctl: smtpd doesn't seem to be running, and its queue cannot be read: \(problem)")
    }

    // MARK: Reading

    /// How often a key is asked for.
    private static let attempts = 3

    /// Reads the queue, asking for the keys that it takes.
    private func open() throws(StoreError) -> LogStore {
        let device = ReadOnlyDevice(installation.spool + "/queue")
        return try unlocked { wrapping throws(StoreError) in try LogStore.inspect(device: device, wrapping: wrapping) }
    }

    /// Opens something with the keys that it takes, asking for them.
    private func unlocked<Opened>(_ open: (PayloadWrapping) throws(StoreError) -> Opened) throws(StoreError) -> Opened {
        var wrapping = PayloadWrapping(compressor: QueueCompression.compressor())
        var asked = 0
        while true {
            do throws(StoreError) {
                return try open(wrapping)
            } catch {
                guard case .unknownKey = error, asked < Self.attempts else { throw error }
                asked += 1
                switch askForKey() {
                case .key(let cipher): wrapping.formerCiphers.append(cipher)
                case .none: Diagnostics.say("smtpctl: that is no key: it has 32 bytes or 64 hexadecimal digits")
                case .end: throw error
                }
            }
        }
    }

    private enum GivenKey {
        case key(QueueCipher)
        /// What was typed cannot be one.
        case none
        /// Nobody says anything more.
        case end
    }

    /// A key from the terminal, or from standard input where there is none.
    private func askForKey() -> GivenKey {
        do throws(SystemError) {
            var answer = try Terminal.askSecret("key> ")
            if answer == nil { answer = try SecretBytes.line(of: STDIN_FILENO, room: QueueKey.longestText) }
            guard let answer, !answer.bytes.isEmpty else { return .end }
            do throws(QueueKey.Problem) { return .key(QueueCipher(try QueueKey.read(answer))) } catch { return .none }
        } catch {
            output.fail("smtpctl: key: \(error)")
        }
    }

    /// What cannot be read of the history is told of and left out.
    private func showHistory(_ filter: HistoryFilter, _ asJSON: Bool) throws(StoreError) {
        let device = ReadOnlyDevice(installation.spool + "/queue/history")
        let reader = try unlocked { wrapping throws(StoreError) in try HistoryReader(device: device, wrapping: wrapping) }
        var search = HistorySearch(filter, now: Int64(time(nil)))
        while let events = try reader.next() {
            var lines: [UInt8] = []
            for event in events {
                for shown in search.take(event) { lines += Array(((asJSON ? shown.value.line : shown.line) + "\n").utf8) }
            }
            if !lines.isEmpty { output.write(lines) }
        }
        if reader.damaged > 0 { Diagnostics.say("smtpctl: \(reader.damaged) places of the history cannot be read") }
    }

    /// Envelopes that cannot be read are told of and left out.
    private func list(_ store: LogStore, _ filter: QueueFilter) throws(StoreError) {
        let now = Int64(time(nil))
        var after: EnvelopeID?
        while true {
            let page = store.page(after: after, limit: 256)
            guard let last = page.last else { return }
            after = last.id
            var lines: [UInt8] = []
            for facts in page where filter.ids.contains(facts.id.rawValue) {
                do throws(StoreError) {
                    guard let queued = try store.listedEnvelope(facts.id) else { continue }
                    guard filter.matches(queued.envelope, queued.transaction, queued.history, now: now),
                        filter.matches(QueueFilter.State(queued.history))
                    else { continue }
                    lines += QueueListing.line(queued.envelope, queued.transaction, queued.history, state: .offline).utf8
                    lines.append(0x0A)
                } catch {
                    Diagnostics.say("smtpctl: envelope \(facts.id): \(error)")
                }
            }
            show(lines, .queue)
        }
    }

    private func show(_ id: EnvelopeID, _ store: LogStore, _ answer: Answer) throws(StoreError) {
        guard let queued = try store.envelope(id) else { output.fail("command failed: no such envelope") }
        show(Array(QueueListing.text(queued.envelope, queued.transaction, queued.history).utf8), answer)
    }

    private func show(_ id: MessageID, _ store: LogStore, _ answer: Answer) throws(StoreError) {
        switch try store.body(id) {
        case .bytes(let bytes): show(bytes, answer)
        case .file(let file, size: _):
            do throws(SystemError) {
                // Whole where it is shown as one value.
                if !output.passes(answer) { return show(try Files.readToEnd(file, limit: .max), answer) }
                var piece = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = try Files.readSome(file, into: &piece)
                    if count == 0 { return }
                    output.write(Array(piece[..<count]))
                }
            } catch {
                throw .system(error)
            }
        case nil: output.fail("command failed: no such message")
        }
    }

    private func show(_ bytes: [UInt8], _ answer: Answer) {
        if output.passes(answer) { output.write(bytes) } else { output.convert(bytes, answer) }
    }
}

extension QueueFilter.State {
    /// Where an envelope will stand when a daemon runs.
    init(_ history: DeliveryHistory) {
        self = history.isSuspended ? .paused : history.attempts > 0 ? .deferred : .pending
    }
}
