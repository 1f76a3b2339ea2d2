import Configuration
import Glibc
import Platform
import Synchronization
import TLS

/// Private keys that were encrypted, opened with a passphrase while somebody was there to say it.
///
/// The keys lie in files in memory, which the process that keeps them is given; this one has forgotten them by then.
package final class UnlockedKeys: Sendable {
    private final class Box: Sendable {
        let path: String
        let stamp: FileStamp
        private let file: Mutex<OwnedDescriptor?>

        init(path: String, stamp: FileStamp, file: consuming OwnedDescriptor) {
            self.path = path
            self.stamp = stamp
            self.file = Mutex(file)
        }

        func take() -> OwnedDescriptor? { file.withLock { $0.take() } }
    }

    private let boxes: [Box]

    private init(_ boxes: [Box]) { self.boxes = boxes }

    /// Asks on the terminal for the passphrase of each encrypted key of a configuration.
    ///
    /// - Throws: For a key that cannot be read, or not without a terminal; wrong passphrases may be given thrice.
    package static func ask(for configuration: Configuration) throws(CredentialFailure) -> UnlockedKeys {
        var boxes: [Box] = []
        for path in Set(configuration.keyPairs.values.compactMap(\.key)).sorted() {
            if let box = try ask(path, configuration.generation) { boxes.append(box) }
        }
        return UnlockedKeys(boxes)
    }

    /// Nil for a key that is not encrypted.
    private static func ask(_ path: String, _ generation: Generation) throws(CredentialFailure) -> Box? {
        let file = try CredentialFile(path, .privateKey(generation))
        let pem = try file.secret()
        guard isEncrypted(pem) else { return nil }
        let key = try unlock(pem, path)
        let plain: SecretBytes
        do throws(PrivateKeyFailure) {
            plain = try key.decryptedPEM()
        } catch {
            throw CredentialFailure(path, .key(error))
        }
        do throws(SystemError) {
            let memory = try Files.inMemory(named: "key")
            try plain.write(to: memory)
            return Box(path: path, stamp: file.stamp, file: memory)
        } catch {
            throw CredentialFailure(path, .system(error))
        }
    }

    private static func unlock(_ pem: borrowing SecretBytes, _ path: String) throws(CredentialFailure) -> PrivateKey {
        var last = PrivateKeyFailure.wrongPassphrase
        for _ in 0..<3 {
            let answer: SecretBytes?
            do throws(SystemError) {
                answer = try Terminal.askSecret("passphrase for \(path): ")
            } catch {
                throw CredentialFailure(path, .system(error))
            }
            guard let answer else { throw CredentialFailure(path, .noTerminal) }
            do throws(PrivateKeyFailure) {
                return try PrivateKey(pem: pem, passphrase: answer.bytes)
            } catch {
                last = error
            }
        }
        throw CredentialFailure(path, .key(last))
    }

    /// Both forms of encrypted keys say so in their first lines.
    private static func isEncrypted(_ pem: borrowing SecretBytes) -> Bool {
        let word = Array("ENCRYPTED".utf8)
        let bytes = pem.bytes
        guard bytes.count >= word.count else { return false }
        return (0...(bytes.count - word.count)).contains { start in bytes[start..<(start + word.count)].elementsEqual(word) }
    }

    /// The key of a file in a state, for the first who asks; nil when it was not encrypted, or is another now.
    package func take(_ path: String, _ stamp: FileStamp) -> OwnedDescriptor? {
        boxes.first { $0.path == path && $0.stamp == stamp }?.take()
    }
}
