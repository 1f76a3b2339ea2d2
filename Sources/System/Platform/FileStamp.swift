/// What tells one state of a file from a later one.
package struct FileStamp: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let seconds: Int
    private let nanoseconds: Int

    package init(_ status: FileStatus) {
        device = status.device
        inode = status.inode
        size = status.size
        (seconds, nanoseconds) = status.modified
    }
}
