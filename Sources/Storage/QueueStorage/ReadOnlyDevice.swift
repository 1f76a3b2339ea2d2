import Glibc
import Platform

/// The store's directory as it is, for looking at it: whatever would change it is refused.
///
/// Works on a file system that is mounted read-only, and without being the owner of what is read.
package final class ReadOnlyDevice: StorageDevice {
    private let directory: String

    /// - Parameter directory: The store's own directory, which need not be there.
    package init(_ directory: String) { self.directory = directory }

    private func path(_ name: String) -> String { directory + "/" + name }

    private func refusal(_ call: String) -> SystemError { SystemError(call, code: EROFS) }

    package func list(_ name: String) throws(SystemError) -> [String] { try Files.list(path(name)) }

    package func status(_ name: String) throws(SystemError) -> DeviceStatus? {
        guard let status = try Files.status(path(name)) else { return nil }
        return DeviceStatus(
            size: Int(status.size), isRegular: status.isRegular, isDirectory: status.isDirectory, links: Int(status.links))
    }

    package func open(_ name: String) throws(SystemError) -> FileHandle {
        FileHandle(number: try descriptor(name).release())
    }

    package func descriptor(_ name: String) throws(SystemError) -> OwnedDescriptor {
        try Files.open(path(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    }

    package func close(_ file: FileHandle) {
        // Nothing was written that a close could lose.
        _ = Glibc.close(file.number)
    }

    package func read(_ file: FileHandle, at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        try UnixStorageDevice.readBytes(file, at: offset, count: count)
    }

    package func lock(_ path: String) throws(SystemError) -> FileHandle? { throw refusal("lock") }
    package func makeDirectory(_ path: String) throws(SystemError) { throw refusal("mkdir") }
    package func create(_ path: String) throws(SystemError) -> FileHandle { throw refusal("create") }
    package func allocate(_ file: FileHandle, size: Int) throws(SystemError) { throw refusal("fallocate") }
    package func write(_ bytes: [UInt8], to file: FileHandle, at offset: Int) throws(SystemError) { throw refusal("write") }
    package func sync(_ file: FileHandle) throws(SystemError) { throw refusal("fdatasync") }
    package func syncDirectory(_ path: String) throws(SystemError) { throw refusal("fsync") }
    package func rename(_ old: String, to new: String) throws(SystemError) { throw refusal("rename") }
    package func remove(_ path: String) throws(SystemError) { throw refusal("remove") }
}
