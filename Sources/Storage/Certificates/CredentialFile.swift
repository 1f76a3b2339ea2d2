import Configuration
import Glibc
import Platform
import TLS

/// A file that `pki` or `ca` names, opened once and looked at through that descriptor alone, so that what was
/// checked is what is used.
package struct CredentialFile: ~Copyable {
    /// What a file holds decides who may read and change it.
    package enum Kind: Hashable, Sendable {
        case certificate
        case privateKey(Generation)

        /// Permission bits it must not have.
        fileprivate var forbidden: mode_t {
            switch self {
            case .certificate: 0o022
            // 7.x lets a group read keys, 5.4 does not.
            case .privateKey(.match): 0o037
            case .privateKey(.accept): 0o077
            }
        }

        fileprivate var most: String {
            switch self {
            case .certificate: "0755"
            case .privateKey(.match): "0740"
            case .privateKey(.accept): "0700"
            }
        }
    }

    /// A bundle above this is taken for a mistake.
    private static let largestBundle = 16 << 20

    package let path: String
    package let stamp: FileStamp
    private let descriptor: OwnedDescriptor

    /// Opens a file and looks at its owner and its mode. Links are followed: tools that renew certificates use them.
    package init(_ path: String, _ kind: Kind) throws(CredentialFailure) {
        let descriptor = try Self.attempt(path) { () throws(SystemError) in
            try Files.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        }
        let status = try Self.status(of: descriptor, path)
        guard status.isRegular else { throw CredentialFailure(path, .notRegular) }
        // Rootless, the files are the user's own.
        guard status.user == 0 || status.user == geteuid() else { throw CredentialFailure(path, .owner(status.user)) }
        guard status.permissions & kind.forbidden == 0 else {
            throw CredentialFailure(path, .mode(status.permissions, most: kind.most))
        }
        self.path = path
        self.descriptor = descriptor
        stamp = FileStamp(status)
    }

    private static func status(of file: borrowing OwnedDescriptor, _ path: String) throws(CredentialFailure) -> FileStatus {
        do throws(SystemError) {
            return try Files.status(file)
        } catch {
            throw CredentialFailure(path, .system(error))
        }
    }

    private static func attempt<Result: ~Copyable>(
        _ path: String, _ body: () throws(SystemError) -> Result
    ) throws(CredentialFailure) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw CredentialFailure(path, .system(error))
        }
    }

    /// The whole content: of public files only.
    package func contents() throws(CredentialFailure) -> [UInt8] {
        do throws(SystemError) {
            return try Files.readToEnd(descriptor, limit: Self.largestBundle, name: path)
        } catch {
            throw CredentialFailure(path, .system(error))
        }
    }

    /// The whole content of a private key.
    package func secret() throws(CredentialFailure) -> SecretBytes {
        do throws(SystemError) {
            return try SecretBytes(contentsOf: descriptor, limit: PrivateKey.maximumFileSize)
        } catch {
            throw CredentialFailure(path, .system(error))
        }
    }

    /// Gives up the descriptor, unread: to the process that may look into the file.
    package consuming func intoDescriptor() -> OwnedDescriptor { descriptor }

    /// The state of a file now; nil when it cannot be opened.
    package static func stamp(of path: String) -> FileStamp? {
        // Whoever asks wants to know whether something has changed; a file that is gone has.
        guard let descriptor = try? Files.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY),
            let status = try? Files.status(descriptor)
        else { return nil }
        return FileStamp(status)
    }
}

/// Why a file of `pki` or `ca` cannot be used.
package struct CredentialFailure: Error, Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        case system(SystemError)
        case notRegular
        /// It belongs to this user, who is not root.
        case owner(uid_t)
        case mode(mode_t, most: String)
        case tls(TLSSetupFailure)
        case key(PrivateKeyFailure)
        /// What the process that holds the keys says of one.
        case unusable(String)
        /// The key is not the one of the certificate in this file.
        case stranger(certificate: String)
        /// Encrypted, and nobody is there to ask.
        case noTerminal
        /// Encrypted, and not the key whose passphrase was asked for at the start.
        case changedEncrypted
    }

    package let path: String
    package let reason: Reason

    package init(_ path: String, _ reason: Reason) {
        self.path = path
        self.reason = reason
    }

    /// In words, with the name of the file.
    package var text: String {
        switch reason {
        case .system(let error): "\(path): \(error.reason)"
        case .notRegular: "\(path): not a regular file"
        case .owner(let user): "\(path): it belongs to uid \(user), not to root"
        case .mode(let mode, let most): "\(path): its mode is 0\(String(mode, radix: 8)), and may be at most \(most)"
        case .tls(let failure): "\(path): \(failure.text)"
        case .key(let failure): "\(path): \(failure.text)"
        case .unusable(let reason): "\(path): \(reason)"
        case .stranger(let certificate): "\(path): it is not the key of the certificate in \(certificate)"
        case .noTerminal:
            "\(path): the key is encrypted, and there is no terminal to ask for its passphrase; start smtpd from one, "
                + "or store the key without (openssl pkey)"
        case .changedEncrypted: "\(path): the key is encrypted and has changed; its passphrase is asked for at the start alone"
        }
    }
}
