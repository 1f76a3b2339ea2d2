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
enum StoredQueue {
    /// Answers a request from the spool and ends; returns when only a daemon can answer it.
    static func answer(_ request: ClientToControl, in installation: InstallationPaths) {
        switch request {
        case .showQueue(let message): showQueue(of: message, in: installation)
        case .showEnvelope(let id): finish(in: installation) { store throws(StoreError) in try show(id, store) }
        case .showMessage(let id): finish(in: installation) { store throws(StoreError) in try show(id, store) }
        default: return
        }
    }

    private static func showQueue(of message: MessageID?, in installation: InstallationPaths) -> Never {
        var problem: String?
        do throws(StoreError) {
            try list(try open(in: installation), message)
        } catch {
            problem = text(of: error)
        }
        let waiting = message == nil ? OfflineListing.lines(in: installation.offline) : []
        for lines in waiting { write(Array(lines.utf8)) }
        // Where no daemon has ever run, an empty list would say too much.
        if waiting.isEmpty, !isThere(in: installation) { Diagnostics.fail("smtpctl: smtpd doesn't seem to be running") }
        if let problem { fail(problem) }
        exit(0)
    }

    private static func finish(in installation: InstallationPaths, _ body: (LogStore) throws(StoreError) -> Void) -> Never {
        guard isThere(in: installation) else { Diagnostics.fail("smtpctl: smtpd doesn't seem to be running") }
        do throws(StoreError) {
            try body(try open(in: installation))
        } catch {
            fail(text(of: error))
        }
        exit(0)
    }

    private static func isThere(in installation: InstallationPaths) -> Bool {
        // What cannot be looked at is not there for whoever asks.
        (try? Files.status(installation.spool + "/queue")) ?? nil != nil
    }

    private static func text(of error: StoreError) -> String {
        switch error {
        case .system(let error) where error.code == EACCES || error.code == EPERM: "need root privileges"
        case .unknownKey: "it is encrypted, and its key was not given"
        default: "spool: \(error)"
        }
    }

    private static func fail(_ problem: String) -> Never {
        Diagnostics.fail("smtpctl: smtpd doesn't seem to be running, and its queue cannot be read: \(problem)")
    }

    // MARK: Reading

    /// How often a key is asked for.
    private static let attempts = 3

    /// Reads the queue, asking for the keys that it takes.
    private static func open(in installation: InstallationPaths) throws(StoreError) -> LogStore {
        let device = ReadOnlyDevice(installation.spool + "/queue")
        var wrapping = PayloadWrapping(compressor: QueueCompression.compressor())
        var asked = 0
        while true {
            do throws(StoreError) {
                return try LogStore.inspect(device: device, wrapping: wrapping)
            } catch {
                guard case .unknownKey = error, asked < attempts else { throw error }
                asked += 1
                switch askForKey() {
                case .key(let cipher): wrapping.formerCiphers.append(cipher)
                case .none: Diagnostics.say("smtpctl: that is no key: it has 32 bytes or 64 hexadecimal digits")
                case .end: throw error
                }
            }
        }
    }

    private enum Answer {
        case key(QueueCipher)
        /// What was typed cannot be one.
        case none
        /// Nobody says anything more.
        case end
    }

    /// A key from the terminal, or from standard input where there is none.
    private static func askForKey() -> Answer {
        do throws(SystemError) {
            var answer = try Terminal.askSecret("key> ")
            if answer == nil { answer = try SecretBytes.line(of: STDIN_FILENO, room: QueueKey.longestText) }
            guard let answer, !answer.bytes.isEmpty else { return .end }
            do throws(QueueKey.Problem) { return .key(QueueCipher(try QueueKey.read(answer))) } catch { return .none }
        } catch {
            Diagnostics.fail("smtpctl: key: \(error)")
        }
    }

    /// Envelopes that cannot be read are told of and left out.
    private static func list(_ store: LogStore, _ message: MessageID?) throws(StoreError) {
        var after = message.flatMap { EnvelopeID(rawValue: (UInt64($0.rawValue) << 32) - 1) }
        while true {
            let page = store.page(after: after, limit: 256)
            guard let last = page.last else { return }
            after = last.id
            var output: [UInt8] = []
            for facts in page {
                if let message, facts.id.message != message {
                    write(output)
                    return
                }
                do throws(StoreError) {
                    guard let queued = try store.listedEnvelope(facts.id) else { continue }
                    output += QueueListing.line(queued.envelope, queued.transaction, queued.history, state: .offline).utf8
                    output.append(0x0A)
                } catch {
                    Diagnostics.say("smtpctl: envelope \(facts.id): \(error)")
                }
            }
            write(output)
        }
    }

    private static func show(_ id: EnvelopeID, _ store: LogStore) throws(StoreError) {
        guard let queued = try store.envelope(id) else { Diagnostics.fail("command failed: no such envelope") }
        write(Array(QueueListing.text(queued.envelope, queued.transaction, queued.history).utf8))
    }

    private static func show(_ id: MessageID, _ store: LogStore) throws(StoreError) {
        switch try store.body(id) {
        case .bytes(let bytes): write(bytes)
        case .file(let file, size: _):
            do throws(SystemError) {
                var piece = [UInt8](repeating: 0, count: 65_536)
                while true {
                    let count = try Files.readSome(file, into: &piece)
                    if count == 0 { return }
                    write(Array(piece[..<count]))
                }
            } catch {
                throw .system(error)
            }
        case nil: Diagnostics.fail("command failed: no such message")
        }
    }

    private static func write(_ bytes: [UInt8]) {
        // Whoever reads it has seen enough.
        if (try? Files.writeAll(raw: STDOUT_FILENO, bytes)) == nil { exit(1) }
    }
}
