import ControlMessages
import Envelopes
import Glibc
import Platform
import QueueCompression
import QueueEncryption
import QueueStorage

/// The spool of a daemon that does not run: opened for looking, with the keys it takes. Nothing is changed.
enum StoredSpool {
    /// Answers a request for one envelope or message and ends; returns for any other.
    static func answer(_ request: ClientToControl, in installation: InstallationPaths) {
        switch request {
        case .showEnvelope(let id): finish(in: installation) { store throws(StoreError) in try show(id, store) }
        case .showMessage(let id): finish(in: installation) { store throws(StoreError) in try show(id, store) }
        default: return
        }
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

    /// Why it cannot be read, in words.
    static func text(of error: StoreError) -> String {
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
    static func open(in installation: InstallationPaths) throws(StoreError) -> LogStore {
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
