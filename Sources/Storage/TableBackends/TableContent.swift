import Glibc
import Platform
import Tables

/// A text file of a table, read as a whole.
struct TableContent {
    let bytes: [UInt8]
    /// The state of the file it was read from.
    let stamp: FileStamp

    /// Bytes of a file; far beyond it a database serves better.
    static let maximumSize = 64 << 20

    /// - Throws: ``TableUpdateError/unreadable(_:)``, also with EFBIG above ``maximumSize``,
    ///   ``TableUpdateError/notRegularFile(_:)``.
    init(_ path: String) throws(TableUpdateError) {
        let status: FileStatus
        let content: [UInt8]?
        do throws(SystemError) {
            let file = try Self.open(path)
            status = try Files.status(file)
            content = status.isRegular ? try Files.readToEnd(file, limit: Self.maximumSize, name: path) : nil
        } catch {
            throw .unreadable(error)
        }
        guard let content else { throw .notRegularFile(path) }
        bytes = content
        stamp = FileStamp(status)
    }

    /// The state that a file is in now; nil when it cannot be looked at.
    static func stamp(_ path: String) -> FileStamp? {
        // Why it cannot be is said by whoever reads it.
        (try? Files.status(try open(path))).map { FileStamp($0) }
    }

    /// Never waits for the writer of a FIFO.
    static func open(_ path: String) throws(SystemError) -> OwnedDescriptor {
        try Files.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    }
}
