import Glibc
import Platform

/// A directory of the real file system.
package final class UnixStorageDevice: StorageDevice {
    private let directory: String

    /// - Parameter directory: The store's own directory, made when it is missing; its parent must exist.
    package init(_ directory: String) throws(SystemError) {
        self.directory = directory
        if try Files.status(directory) == nil {
            try Files.makeDirectory(directory, mode: 0o700)
            try Self.syncDirectory(at: directory + "/..")
        }
    }

    private func path(_ name: String) -> String { directory + "/" + name }

    package func lock(_ name: String) throws(SystemError) -> FileHandle? {
        let file = try Files.open(path(name), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
        let raw = file.raw
        do {
            _ = try checked("flock \(name)") { flock(raw, LOCK_EX | LOCK_NB) }
        } catch {
            if error.code == EWOULDBLOCK { return nil }
            throw error
        }
        return FileHandle(number: file.release())
    }

    package func makeDirectory(_ name: String) throws(SystemError) {
        do {
            try Files.makeDirectory(path(name), mode: 0o700)
        } catch {
            guard error.code == EEXIST else { throw error }
        }
    }

    package func list(_ name: String) throws(SystemError) -> [String] {
        try Files.list(path(name))
    }

    package func status(_ name: String) throws(SystemError) -> DeviceStatus? {
        guard let status = try Files.status(path(name)) else { return nil }
        return DeviceStatus(
            size: Int(status.size), isRegular: status.isRegular, isDirectory: status.isDirectory,
            links: Int(status.links))
    }

    package func open(_ name: String) throws(SystemError) -> FileHandle {
        FileHandle(number: try Files.open(path(name), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY).release())
    }

    package func create(_ name: String) throws(SystemError) -> FileHandle {
        FileHandle(
            number: try Files.open(path(name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600).release())
    }

    package func descriptor(_ name: String) throws(SystemError) -> OwnedDescriptor {
        try Files.open(path(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    }

    package func close(_ file: FileHandle) {
        // Everything that matters was synced before; a close has nothing to add.
        _ = Glibc.close(file.number)
    }

    package func allocate(_ file: FileHandle, size: Int) throws(SystemError) {
        var code: CInt
        repeat { code = posix_fallocate(file.number, 0, off_t(size)) } while code == EINTR
        if code != 0 { throw SystemError("fallocate", code: code) }
    }

    package func read(_ file: FileHandle, at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        try Self.readBytes(file, at: offset, count: count)
    }

    static func readBytes(_ file: FileHandle, at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            while filled < count {
                // The buffer has a base address: count is above zero here.
                let result = pread(file.number, room.baseAddress! + filled, count - filled, off_t(offset + filled))
                if result == -1 {
                    if errno == EINTR { continue }
                    failure = SystemError("read")
                    return
                }
                if result == 0 { return }
                filled += result
            }
        }
        if let failure { throw failure }
        return bytes
    }

    package func write(_ bytes: [UInt8], to file: FileHandle, at offset: Int) throws(SystemError) {
        let failure: SystemError? = bytes.withUnsafeBytes { all in
            var done = 0
            while done < all.count {
                // The buffer has a base address: it is not empty here.
                let result = pwrite(file.number, all.baseAddress! + done, all.count - done, off_t(offset + done))
                if result == -1 {
                    if errno == EINTR { continue }
                    return SystemError("write")
                }
                done += result
            }
            return nil
        }
        if let failure { throw failure }
    }

    package func sync(_ file: FileHandle) throws(SystemError) {
        _ = try checked("fdatasync") { fdatasync(file.number) }
    }

    package func syncDirectory(_ name: String) throws(SystemError) {
        try Self.syncDirectory(at: path(name))
    }

    private static func syncDirectory(at path: String) throws(SystemError) {
        try Files.sync(try Files.open(path, O_RDONLY | O_DIRECTORY))
    }

    package func rename(_ old: String, to new: String) throws(SystemError) {
        try Files.rename(path(old), to: path(new))
    }

    package func remove(_ name: String) throws(SystemError) {
        try Files.remove(path(name))
    }
}
