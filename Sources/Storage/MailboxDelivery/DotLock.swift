import Glibc
import Platform

/// The lock that is a file `MAILBOX.lock`, as the mail programs of a machine agreed on before fcntl locks.
///
/// The file is made under another name and linked into place, which is atomic on network file systems too.
/// It holds our process number. A lock whose process is gone, or that is older than five minutes, was left
/// behind and is removed. Taken with the record lock already held, so of our own processes only one at a
/// time looks at it.
struct DotLock {
    private let path: String
    private let files: any MailboxFiles

    /// When a lock is taken for left behind, in seconds; the age that mail programs agree on.
    static let staleAge = 300

    /// Takes the lock; nil while another program holds it.
    ///
    /// - Throws: What the directory says, for example EACCES where no file may be made.
    static func take(for mailbox: String, files: any MailboxFiles) throws(SystemError) -> DotLock? {
        let path = mailbox + ".lock"
        let temporary = "\(path).\(getpid())"
        let file = try create(temporary, files: files)
        defer { try? files.remove(temporary, in: AT_FDCWD) }  // A leftover of ours is replaced by the next.
        try files.write(Array("\(getpid())\n".utf8), to: file)
        // Once more after a stale lock was removed.
        for _ in 0..<2 {
            do throws(SystemError) {
                try files.link(temporary, in: AT_FDCWD, to: path)
                return DotLock(path: path, files: files)
            } catch {
                // Over NFS the link can be made and its answer lost: the count of links knows.
                if try Files.status(file).links == 2 { return DotLock(path: path, files: files) }
                guard error.code == EEXIST else { throw error }
            }
            guard try removeStale(path, now: try Files.status(file).modified.seconds, files: files) else { return nil }
        }
        return nil
    }

    /// Gives the lock back. One that cannot be removed becomes stale when this process ends.
    func release() { try? files.remove(path, in: AT_FDCWD) }

    private static func create(_ name: String, files: any MailboxFiles) throws(SystemError) -> OwnedDescriptor {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        do throws(SystemError) {
            return try files.open(name, in: AT_FDCWD, flags, mode: 0o644)
        } catch {
            guard error.code == EEXIST else { throw error }
        }
        try files.remove(name, in: AT_FDCWD)
        return try files.open(name, in: AT_FDCWD, flags, mode: 0o644)
    }

    /// True when the way is free: the lock was stale and is removed, or it went away by itself.
    ///
    /// - Parameter now: The time of a file written just now in the same directory, for a file server may
    ///   have a clock of its own.
    private static func removeStale(_ path: String, now: Int, files: any MailboxFiles) throws(SystemError) -> Bool {
        guard let found = try Files.status(path) else { return true }
        var isStale = now - found.modified.seconds > staleAge
        if !isStale, found.isRegular, let owner = owner(of: path, files: files) {
            isStale = kill(owner, 0) == -1 && errno == ESRCH
        }
        guard isStale else { return false }
        // Another program may have removed it and taken the lock since.
        guard let again = try Files.status(path) else { return true }
        guard again.inode == found.inode, again.modified == found.modified else { return false }
        try files.remove(path, in: AT_FDCWD)
        return true
    }

    /// The process number in the lock file; nil for an empty or unreadable one, or other words.
    private static func owner(of path: String, files: any MailboxFiles) -> pid_t? {
        // A lock we may not read is judged by its age.
        guard let file = try? files.open(path, in: AT_FDCWD, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, mode: 0),
            let content = try? Files.readToEnd(file, limit: 64)
        else { return nil }
        let digits = content.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty, digits.count <= 9 else { return nil }
        let number = digits.reduce(0) { $0 * 10 + pid_t($1 - 0x30) }
        return number > 0 ? number : nil
    }
}
