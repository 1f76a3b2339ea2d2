import Glibc
import Platform
import Submission

/// A file of the offline directory on standard input, as the daemon hands it over. Can be read again and again.
struct OfflineFile: MessagePieces {
    let envelope: SubmissionEnvelope
    let messageLength: Int
    /// Found by reading all of it.
    private(set) var isEightBit = false
    /// The message lacks the end of its last line, which would hide the end of the data from the daemon.
    private var isOpenEnded = false
    private let messageOffset: Int
    private var position = 0
    private var hasEnded = false

    let beginning: [UInt8] = []

    /// - Throws: ``OfflineFileError/damaged(_:)`` for what is no message, now and for ever.
    init() throws(OfflineFileError) {
        let message: OfflineMessage
        do {
            var status = stat()
            _ = try checked("fstat") { fstat(STDIN_FILENO, &status) }
            guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError("standard input", code: EINVAL) }
            message = try OfflineMessage(
                beginning: Self.read(at: 0, OfflineMessage.longestPreamble), fileSize: Int64(status.st_size))
        } catch let error as OfflineMessageError {
            throw .damaged(error)
        } catch let error as SystemError {
            throw .unreadable(error)
        } catch {
            preconditionFailure("no other error is thrown above")
        }
        envelope = message.envelope
        messageOffset = message.messageOffset
        messageLength = message.messageLength
        do throws(MessageInputError) {
            var last: UInt8 = 0x0A
            while let piece = try nextPiece() {
                isEightBit = isEightBit || piece.contains { $0 >= 0x80 }
                last = piece.last ?? last
            }
            isOpenEnded = last != 0x0A
        } catch {
            throw .unreadable(SystemError("read the message", code: EIO))
        }
        rewind()
    }

    /// Back to the first piece.
    mutating func rewind() {
        position = 0
        hasEnded = false
    }

    mutating func nextPiece() throws(MessageInputError) -> [UInt8]? {
        do throws(SystemError) {
            let piece = try Self.read(at: messageOffset + position, min(256 << 10, messageLength - position))
            position += piece.count
            if !piece.isEmpty { return piece }
        } catch {
            throw .unreadable(error)
        }
        // Cut while it was read: what was sent so far must not become a message.
        guard position == messageLength else { throw .unreadable(SystemError("read the message", code: EIO)) }
        guard isOpenEnded, !hasEnded else { return nil }
        hasEnded = true
        return [0x0A]
    }

    /// So many bytes, fewer at the end of the file.
    private static func read(at offset: Int, _ count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = try checked("read the message") {
                bytes.withUnsafeMutableBytes { room in
                    let rest = UnsafeMutableRawBufferPointer(rebasing: room[filled...])
                    return pread(STDIN_FILENO, rest.baseAddress, rest.count, off_t(offset + filled))
                }
            }
            if got == 0 { break }
            filled += got
        }
        bytes.removeLast(count - filled)
        return bytes
    }
}

enum OfflineFileError: Error {
    case damaged(OfflineMessageError)
    case unreadable(SystemError)
}
