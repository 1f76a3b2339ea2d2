import Platform

/// The calls a store makes to the file system, one method each, so that tests can fail or lose any of them.
///
/// Paths are relative to the store's directory. Implementations may be called from two threads at once.
package protocol StorageDevice: AnyObject, Sendable {
    /// Takes the exclusive lock of the store until the returned handle is closed; nil when another has it.
    func lock(_ path: String) throws(SystemError) -> FileHandle?

    /// Mode 0700; no error when it is there.
    func makeDirectory(_ path: String) throws(SystemError)

    /// The names in a directory in byte order, without `.` and `..`.
    func list(_ directory: String) throws(SystemError) -> [String]

    /// Nil when there is none; a link is reported as itself.
    func status(_ path: String) throws(SystemError) -> DeviceStatus?

    /// Opens for reading and writing, never following a link, never waiting.
    func open(_ path: String) throws(SystemError) -> FileHandle

    /// Makes a new file of mode 0600, an error when the name is taken.
    func create(_ path: String) throws(SystemError) -> FileHandle

    /// A descriptor for reading that may be given away.
    func descriptor(_ path: String) throws(SystemError) -> OwnedDescriptor

    func close(_ file: FileHandle)

    /// Reserves room for the first `size` bytes, which read as zeros until they are written.
    func allocate(_ file: FileHandle, size: Int) throws(SystemError)

    /// Up to `count` bytes, fewer only at the end of the file.
    func read(_ file: FileHandle, at offset: Int, count: Int) throws(SystemError) -> [UInt8]

    /// All of the bytes or an error, after which any part of them may have been written.
    func write(_ bytes: [UInt8], to file: FileHandle, at offset: Int) throws(SystemError)

    /// Content and size, not the name.
    func sync(_ file: FileHandle) throws(SystemError)

    /// The names in a directory.
    func syncDirectory(_ path: String) throws(SystemError)

    func rename(_ old: String, to new: String) throws(SystemError)

    func remove(_ path: String) throws(SystemError)
}

/// An open file of a ``StorageDevice``. Owned by whoever opened it and closed by ``StorageDevice/close(_:)``.
package struct FileHandle: Hashable, Sendable {
    package let number: CInt
    package init(number: CInt) { self.number = number }
}

package struct DeviceStatus: Hashable, Sendable {
    package var size: Int
    package var isRegular: Bool
    package var isDirectory: Bool
    /// Names of the file; a second one may belong to somebody else.
    package var links: Int

    package init(size: Int, isRegular: Bool, isDirectory: Bool, links: Int) {
        self.size = size
        self.isRegular = isRegular
        self.isDirectory = isDirectory
        self.links = links
    }
}
