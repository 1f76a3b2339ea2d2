import Glibc
import Platform
import Submission

/// One message on its way into the offline directory.
///
/// The file has a name beginning with a dot, and is locked (`flock`), until the message is on stable storage:
/// readers skip such names, and the daemon may remove those that nobody holds a lock on. Given up without
/// ``commit()``, it is removed.
package struct OfflineWriter: ~Copyable {
    private let directory: OwnedDescriptor
    private let file: OwnedDescriptor
    private let name: String
    private var messageLength = 0

    /// Creates the file, readable for its owner only, whatever the umask.
    ///
    /// - Parameters:
    ///   - directory: The offline directory; a link in its place is refused.
    ///   - seconds: The time, for the name.
    /// - Throws: ``OfflineWriterError``.
    package init(
        directory path: String, envelope: SubmissionEnvelope, seconds: Int
    ) throws(OfflineWriterError) {
        let preamble: [UInt8]
        do throws(OfflineMessageError) {
            preamble = try OfflineMessage.preamble(envelope, messageLength: 0)
        } catch {
            throw .tooLarge
        }
        do throws(SystemError) {
            let directory = try Files.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            let random = try ThisProcess.randomBytes(8)
            let name = "\(seconds)." + random.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            let file = try Files.open(".\(name)", in: directory, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            do throws(SystemError) {
                let raw = file.raw
                _ = try checked("fchmod") { fchmod(raw, 0o600) }
                guard try FileLock.flock.acquire(file) else { throw SystemError("lock", code: EWOULDBLOCK) }
                try Files.writeAll(file, preamble)
            } catch {
                Self.remove(".\(name)", in: directory)
                throw error
            }
            self.directory = directory
            self.file = file
            self.name = name
        } catch {
            throw .failed(error)
        }
    }

    /// Adds a piece of the message.
    package mutating func append(_ bytes: [UInt8]) throws(OfflineWriterError) {
        guard bytes.count <= OfflineMessage.longestMessage - messageLength else { throw .tooLarge }
        do throws(SystemError) {
            try Files.writeAll(file, bytes)
        } catch {
            throw .failed(error)
        }
        messageLength += bytes.count
    }

    /// Makes the message durable and then visible. Nothing thrown, and it survives whatever happens next.
    package consuming func commit() throws(OfflineWriterError) {
        do throws(SystemError) {
            let length = OfflineMessage.lengthBytes(messageLength)
            let raw = file.raw
            let written = try checked("write") {
                length.withUnsafeBytes { pwrite(raw, $0.baseAddress, $0.count, off_t(OfflineMessage.lengthOffset)) }
            }
            guard written == length.count else { throw SystemError("write", code: ENOSPC) }
            try Files.sync(file)
            let place = directory.raw
            _ = try checked("rename") { renameat(place, ".\(name)", place, name) }
            do throws(SystemError) {
                try Files.sync(directory)
            } catch {
                // What is not known to be there must not be delivered either: the caller will try again.
                _ = unlinkat(place, name, 0)
                throw error
            }
        } catch {
            Self.remove(".\(name)", in: directory)
            throw .failed(error)
        }
    }

    /// Gives the message up.
    package consuming func abandon() { Self.remove(".\(name)", in: directory) }

    /// A file that cannot be removed has no reader: its name says that it is unfinished.
    private static func remove(_ name: String, in directory: borrowing OwnedDescriptor) {
        _ = unlinkat(directory.raw, name, 0)
    }
}

package enum OfflineWriterError: Error, Hashable, Sendable {
    /// Above the limits of ``OfflineMessage``.
    case tooLarge
    case failed(SystemError)
}

extension OfflineWriterError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge: "the message is too large to wait for the daemon"
        case .failed(let error): error.description
        }
    }

    package var code: ExitCode {
        switch self {
        case .tooLarge: .badData
        case .failed: .temporaryFailure
        }
    }
}
