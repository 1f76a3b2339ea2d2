import Glibc
import Platform

/// The calls that change a mailbox, as a protocol so that a test can make the n-th of them fail or stop
/// everything there, as a crash would.
///
/// Directories are given by a borrowed descriptor, or `AT_FDCWD` for an absolute path. Every open is
/// close-on-exec.
package protocol MailboxFiles: Sendable {
    func open(_ name: String, in directory: CInt, _ flags: CInt, mode: mode_t) throws(SystemError) -> OwnedDescriptor
    func makeDirectory(_ name: String, in directory: CInt, mode: mode_t) throws(SystemError)
    func write(_ bytes: [UInt8], to file: borrowing OwnedDescriptor) throws(SystemError)
    /// Starts writing dirty pages to the disk without waiting; promises nothing.
    func startWriteback(_ file: borrowing OwnedDescriptor) throws(SystemError)
    /// After this what was written is on stable storage; for a directory, its entries.
    func sync(_ file: borrowing OwnedDescriptor) throws(SystemError)
    /// The same for several; nil for each that is on stable storage.
    func sync(all files: [SharedDescriptor]) -> [SystemError?]
    func rename(_ name: String, in directory: CInt, to newName: String, in newDirectory: CInt) throws(SystemError)
    func link(_ name: String, in directory: CInt, to newName: String) throws(SystemError)
    func remove(_ name: String, in directory: CInt) throws(SystemError)
    func truncate(_ file: borrowing OwnedDescriptor, to length: Int64) throws(SystemError)
    /// Gives the file the group and the permissions.
    func share(_ file: borrowing OwnedDescriptor, with group: gid_t, mode: mode_t) throws(SystemError)
}

extension MailboxFiles {
    /// One after the other.
    package func sync(all files: [SharedDescriptor]) -> [SystemError?] {
        files.map { file in
            do throws(SystemError) {
                try sync(file.descriptor)
                return nil
            } catch {
                return error
            }
        }
    }
}

/// The kernel's own.
package struct KernelFiles: MailboxFiles {
    package init() {}

    package func open(
        _ name: String, in directory: CInt, _ flags: CInt, mode: mode_t
    ) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try checked("open \(name)") { openat(directory, name, flags | O_CLOEXEC, mode) })
    }

    package func makeDirectory(_ name: String, in directory: CInt, mode: mode_t) throws(SystemError) {
        _ = try checked("mkdir \(name)") { mkdirat(directory, name, mode) }
    }

    package func write(_ bytes: [UInt8], to file: borrowing OwnedDescriptor) throws(SystemError) {
        try Files.writeAll(file, bytes)
    }

    package func startWriteback(_ file: borrowing OwnedDescriptor) throws(SystemError) {
        try Files.startWriteback(file)
    }

    package func sync(_ file: borrowing OwnedDescriptor) throws(SystemError) { try Files.sync(file) }

    /// All at once.
    package func sync(all files: [SharedDescriptor]) -> [SystemError?] {
        Files.sync(all: files.map { $0.descriptor.raw })
    }

    package func rename(
        _ name: String, in directory: CInt, to newName: String, in newDirectory: CInt
    ) throws(SystemError) {
        _ = try checked("rename \(name)") { renameat(directory, name, newDirectory, newName) }
    }

    package func link(_ name: String, in directory: CInt, to newName: String) throws(SystemError) {
        _ = try checked("link \(newName)") { linkat(directory, name, directory, newName, 0) }
    }

    package func remove(_ name: String, in directory: CInt) throws(SystemError) {
        _ = try checked("unlink \(name)") { unlinkat(directory, name, 0) }
    }

    package func truncate(_ file: borrowing OwnedDescriptor, to length: Int64) throws(SystemError) {
        let raw = file.raw
        _ = try checked("ftruncate") { ftruncate(raw, off_t(length)) }
    }

    package func share(_ file: borrowing OwnedDescriptor, with group: gid_t, mode: mode_t) throws(SystemError) {
        let raw = file.raw
        // uid_t.max leaves the owner as it is.
        _ = try checked("fchown") { fchown(raw, uid_t.max, group) }
        _ = try checked("fchmod") { fchmod(raw, mode) }
    }
}
