import CPlatform
import Glibc

/// Files and directories as calls that own their descriptors and name what failed.
package enum Files {
    /// Opens with O_CLOEXEC added.
    package static func open(_ path: String, _ flags: CInt, mode: mode_t = 0o600) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try checked("open \(path)") { Glibc.open(path, flags | O_CLOEXEC, mode) })
    }

    /// Opens relative to a directory.
    package static func open(
        _ path: String, in directory: borrowing OwnedDescriptor, _ flags: CInt, mode: mode_t = 0o600
    ) throws(SystemError) -> OwnedDescriptor {
        let raw = directory.raw
        return OwnedDescriptor(adopting: try checked("open \(path)") { openat(raw, path, flags | O_CLOEXEC, mode) })
    }

    /// An empty file in memory, gone with its last descriptor.
    package static func inMemory(named name: String) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try checked("memfd_create") { martlet_memory_file(name) })
    }

    /// An empty file on the disk of a directory, to be read and written, gone with its last descriptor.
    package static func nameless(in directory: String) throws(SystemError) -> OwnedDescriptor {
        do throws(SystemError) {
            // O_TMPFILE, a combination that is no constant to Swift.
            return try open(directory, 0o20_000_000 | O_DIRECTORY | O_RDWR)
        } catch {
            // File systems that do not know it.
            guard error.code == EOPNOTSUPP || error.code == EISDIR else { throw error }
        }
        let path = "\(directory)/.scratch-\(UInt64.random(in: .min ... .max))"
        let file = try open(path, O_RDWR | O_CREAT | O_EXCL)
        try remove(path)
        return file
    }

    /// The whole content, refused above `limit` bytes with EFBIG.
    package static func read(_ path: String, limit: Int = 64 << 20) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        return try readToEnd(file, limit: limit, name: path)
    }

    /// Everything from the current position to the end.
    package static func readToEnd(
        _ file: borrowing OwnedDescriptor, limit: Int, name: String = "file"
    ) throws(SystemError) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = try readSome(file, into: &chunk)
            if count == 0 { return content }
            guard content.count + count <= limit else { throw SystemError("read \(name)", code: EFBIG) }
            content += chunk[..<count]
        }
    }

    /// One read from a place of a file, which does not move its position; empty at the end.
    package static func readSome(_ file: borrowing OwnedDescriptor, at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        try readSome(raw: file.raw, at: offset, count: count)
    }

    /// The same for a descriptor that the caller keeps open, since a closure cannot borrow its owner.
    package static func readSome(raw: CInt, at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            var result: Int
            repeat { result = pread(raw, room.baseAddress, count, off_t(offset)) } while result == -1 && errno == EINTR
            if result == -1 { failure = SystemError("read") } else { filled = result }
        }
        if let failure { throw failure }
        return bytes
    }

    /// One read; 0 at the end.
    package static func readSome(_ file: borrowing OwnedDescriptor, into buffer: inout [UInt8]) throws(SystemError) -> Int {
        let raw = file.raw
        let result = buffer.withUnsafeMutableBytes { room in
            var count: Int
            repeat { count = Glibc.read(raw, room.baseAddress, room.count) } while count == -1 && errno == EINTR
            return count
        }
        guard result >= 0 else { throw SystemError("read") }
        return result
    }

    /// Writes all of it, however many calls that takes.
    package static func writeAll(_ file: borrowing OwnedDescriptor, _ bytes: some Collection<UInt8>) throws(SystemError) {
        try writeAll(raw: file.raw, bytes)
    }

    /// The same for a descriptor that nobody here owns, such as standard error.
    package static func writeAll(raw: CInt, _ bytes: some Collection<UInt8>) throws(SystemError) {
        let array = Array(bytes)
        let failure: CInt? = array.withUnsafeBytes { all in
            var offset = 0
            while offset < all.count {
                let count = Glibc.write(raw, all.baseAddress! + offset, all.count - offset)
                if count == -1 {
                    if errno == EINTR { continue }
                    return errno
                }
                offset += count
            }
            return nil
        }
        if let failure { throw SystemError("write", code: failure) }
    }

    package static func sync(_ file: borrowing OwnedDescriptor) throws(SystemError) {
        let raw = file.raw
        _ = try checked("fsync") { fsync(raw) }
    }

    package static func syncData(_ file: borrowing OwnedDescriptor) throws(SystemError) {
        let raw = file.raw
        _ = try checked("fdatasync") { fdatasync(raw) }
    }

    package static func status(_ file: borrowing OwnedDescriptor) throws(SystemError) -> FileStatus {
        var status = stat()
        let raw = file.raw
        _ = try checked("fstat") { fstat(raw, &status) }
        return FileStatus(status)
    }

    /// Nil when there is nothing of that name; a symbolic link is reported as itself.
    package static func status(_ path: String) throws(SystemError) -> FileStatus? {
        var status = stat()
        do {
            _ = try checked("stat \(path)") { lstat(path, &status) }
        } catch {
            if error.isMissing { return nil }
            throw error
        }
        return FileStatus(status)
    }

    package static func makeDirectory(_ path: String, mode: mode_t) throws(SystemError) {
        _ = try checked("mkdir \(path)") { mkdir(path, mode) }
    }

    package static func rename(_ old: String, to new: String) throws(SystemError) {
        _ = try checked("rename \(old)") { Glibc.rename(old, new) }
    }

    package static func remove(_ path: String) throws(SystemError) {
        _ = try checked("unlink \(path)") { unlink(path) }
    }

    /// The names in a directory without `.` and `..`, in byte order.
    package static func list(_ path: String) throws(SystemError) -> [String] {
        guard let directory = opendir(path) else { throw SystemError("opendir \(path)") }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                if errno != 0 { throw SystemError("readdir \(path)") }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// What the kernel says of a file.
package struct FileStatus: Sendable {
    package let size: Int64
    package let user: uid_t
    package let group: gid_t
    package let links: UInt64
    package let device: UInt64
    package let inode: UInt64
    /// Whole seconds and nanoseconds of the last change of content.
    package let modified: (seconds: Int, nanoseconds: Int)
    /// Type and permission bits together.
    package let mode: mode_t

    init(_ status: stat) {
        size = Int64(status.st_size)
        user = status.st_uid
        group = status.st_gid
        links = UInt64(status.st_nlink)
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        modified = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        mode = status.st_mode
    }

    package var permissions: mode_t { mode & 0o7777 }
    package var isRegular: Bool { mode & S_IFMT == S_IFREG }
    package var isDirectory: Bool { mode & S_IFMT == S_IFDIR }
    package var isSymbolicLink: Bool { mode & S_IFMT == S_IFLNK }
    package var isSocket: Bool { mode & S_IFMT == S_IFSOCK }
}
