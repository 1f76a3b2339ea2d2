import Certificates
import Configuration
import Glibc
import Platform
import ProcessMessages
import QueueEncryption
import Synchronization

/// The keys of the queue on their way from where the operator keeps them to the process that alone holds them.
///
/// Each is checked and put into a file in memory, which the queue process is given; here it is forgotten then.
package final class QueueKeys: Sendable {
    private final class Box: Sendable {
        let use: QueueKeyUse
        private let file: Mutex<OwnedDescriptor?>

        init(_ use: QueueKeyUse, _ file: consuming OwnedDescriptor) {
            self.use = use
            self.file = Mutex(file)
        }

        func take() -> OwnedDescriptor? { file.withLock { $0.take() } }
    }

    /// Why a key cannot be had.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        init(_ use: QueueKeyUse, _ reason: String) { description = "\(use.statement): \(reason)" }
    }

    private let boxes: [Box]

    private init(_ boxes: [Box]) { self.boxes = boxes }

    /// Gets the keys of a configuration, asking on the terminal or reading from standard input where that is told.
    package static func obtain(for configuration: Configuration) throws(Failure) -> QueueKeys {
        try gather(configuration) { use, source throws(Failure) in
            switch source {
            case .prompt: try ask(use)
            case .standardInput: try readLine(use)
            case .key, .file, .credential: try read(use, source)
            }
        }
    }

    /// Gets those that can be had again while the daemon runs; the queue has the others since the start.
    ///
    /// - Parameter previous: The configuration in force.
    static func obtainAgain(for new: Configuration, previous: Configuration) throws(Failure) -> QueueKeys {
        try gather(new) { use, source throws(Failure) in
            switch source {
            case .key, .file, .credential: return try read(use, source)
            case .prompt, .standardInput:
                guard use.source(in: previous) == source else {
                    throw Failure(use, "the key is asked for at the start alone; restart smtpd, or name a file")
                }
                return nil
            }
        }
    }

    private static func gather(
        _ configuration: Configuration,
        _ get: (QueueKeyUse, QueueSettings.Encryption) throws(Failure) -> SecretBytes?
    ) throws(Failure) -> QueueKeys {
        var boxes: [Box] = []
        for use in QueueKeyUse.allCases {
            guard let source = use.source(in: configuration), let text = try get(use, source) else { continue }
            do throws(QueueKey.Problem) {
                _ = try QueueKey.read(text)
            } catch {
                throw Failure(use, error.description)
            }
            do throws(SystemError) {
                let memory = try Files.inMemory(named: "queue key")
                try text.write(to: memory)
                boxes.append(Box(use, memory))
            } catch {
                throw Failure(use, error.description)
            }
        }
        return QueueKeys(boxes)
    }

    /// Hands each key out once.
    func give(_ send: (QueueKeyUse, consuming OwnedDescriptor) -> Void) {
        for box in boxes {
            guard let file = box.take() else { continue }
            send(box.use, file)
        }
    }

    // MARK: Where keys come from

    private static func ask(_ use: QueueKeyUse) throws(Failure) -> SecretBytes {
        do throws(SystemError) {
            if let answer = try Terminal.askSecret("\(use.question)> ") { return answer }
        } catch {
            throw Failure(use, error.description)
        }
        throw Failure(
            use, "there is no terminal to ask for the key; start smtpd from one, or name a file or a credential")
    }

    private static func readLine(_ use: QueueKeyUse) throws(Failure) -> SecretBytes {
        do throws(SystemError) {
            return try SecretBytes.line(of: STDIN_FILENO, room: QueueKey.longestText)
        } catch {
            throw Failure(use, "standard input: \(error)")
        }
    }

    private static func read(_ use: QueueKeyUse, _ source: QueueSettings.Encryption) throws(Failure) -> SecretBytes? {
        switch source {
        case .key(let text):
            let octets = Array(text.utf8)
            // Nothing in it fails.
            return try? SecretBytes(room: octets.count) { room in
                room.copyBytes(from: octets)
                return octets.count
            }
        case .file(let path): return try contents(of: path, use)
        case .credential(let name):
            guard let directory = getenv("CREDENTIALS_DIRECTORY").map({ String(cString: $0) }) else {
                throw Failure(use, "credential \(name): the service manager has given none (LoadCredential=)")
            }
            return try contents(ofCredential: "\(directory)/\(name)", use)
        case .prompt, .standardInput: return nil
        }
    }

    /// A file that root alone may read, as private keys are.
    private static func contents(of path: String, _ use: QueueKeyUse) throws(Failure) -> SecretBytes {
        do throws(CredentialFailure) {
            return try CredentialFile(path, .privateKey(.accept)).secret()
        } catch {
            throw Failure(use, error.text)
        }
    }

    /// The service manager has seen to who may read it.
    private static func contents(ofCredential path: String, _ use: QueueKeyUse) throws(Failure) -> SecretBytes {
        do throws(SystemError) {
            let file = try Files.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            return try SecretBytes(contentsOf: file, limit: QueueKey.longestText)
        } catch {
            throw Failure(use, error.description)
        }
    }
}

extension QueueKeyUse {
    /// Where a configuration has the key from.
    fileprivate func source(in configuration: Configuration) -> QueueSettings.Encryption? {
        switch self {
        case .current: configuration.queue.encryption
        case .backup: configuration.queue.backupEncryption
        }
    }

    /// The statement that asks for it.
    fileprivate var statement: String {
        switch self {
        case .current: "queue encryption"
        case .backup: "queue encryption backup"
        }
    }

    /// What the terminal shows.
    fileprivate var question: String {
        switch self {
        case .current: "key"
        case .backup: "backup key"
        }
    }
}
