import Glibc
import Platform

/// The directory in which `sendmail` leaves messages while no daemon answers, as the parent handles it: names,
/// owners and sizes, never what is in a file. Users' programs write here, so nothing is believed.
struct OfflineDirectory: ~Copyable {
    private let directory: OwnedDescriptor
    private let path: String
    /// Where files go that are no messages, beside the directory: only the daemon may write there.
    private let corruptPath: String

    /// What opening a message found.
    enum Opened: ~Copyable {
        case message(OwnedDescriptor, owner: uid_t)
        /// It was no message: why, and it is gone.
        case removed(String)
        /// There is none any more.
        case missing
    }

    init(_ installation: InstallationPaths) throws(SystemError) {
        path = installation.offline
        corruptPath = installation.spool + "/corrupt"
        directory = try Files.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    func names() throws(SystemError) -> [String] { try Files.list(path) }

    /// Whose a message is; nil when it is gone.
    func owner(of name: String) -> uid_t? { (try? Files.status(path + "/" + name))?.user }

    /// Opens a message without following links or waiting, and checks what was opened.
    func open(_ name: String) throws(SystemError) -> Opened {
        let file: OwnedDescriptor
        do throws(SystemError) {
            file = try openAsOwner(name)
        } catch {
            switch error.code {
            case ENOENT: return .missing
            case EACCES:
                try setAside(name)
                return .removed("not readable for its owner, set aside")
            case ELOOP, ENXIO: return try discard(name, "no regular file")
            default: throw error
            }
        }
        let status = try Files.status(file)
        if status.isDirectory {
            try setAside(name)
            return .removed("a directory, set aside")
        }
        guard status.isRegular else { return try discard(name, "no regular file") }
        // A second name may be of a file that its owner never handed in.
        guard status.links == 1 else { return try discard(name, "a file with \(status.links) names") }
        guard status.size > 0 else { return try discard(name, "an empty file") }
        return .message(file, owner: status.user)
    }

    /// With the rights of whoever owns the file, and of the group that may look into the directory: the daemon needs no
    /// right to read what it may not.
    private func openAsOwner(_ name: String) throws(SystemError) -> OwnedDescriptor {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        guard geteuid() == 0 else { return try Files.open(name, in: directory, flags) }
        let group = try Files.status(directory).group
        guard let owner = try Files.status(path + "/" + name)?.user else { throw SystemError("open \(name)", code: ENOENT) }
        let raw = directory.raw
        let opened = try Privileges.acting(as: Identity(uid: owner, gid: group, groups: [group])) { () throws(SystemError) in
            try checked("open \(name)") { openat(raw, name, flags | O_CLOEXEC) }
        }
        return OwnedDescriptor(adopting: opened)
    }

    private func discard(_ name: String, _ reason: String) throws(SystemError) -> Opened {
        try remove(name)
        return .removed("\(reason), removed")
    }

    func remove(_ name: String) throws(SystemError) {
        let raw = directory.raw
        _ = try checked("unlink \(path)/\(name)") { unlinkat(raw, name, 0) }
    }

    /// Moves what cannot be handed in to where people can look at it.
    ///
    /// - Returns: Its new path.
    @discardableResult
    func setAside(_ name: String) throws(SystemError) -> String {
        if try Files.status(corruptPath) == nil { try Files.makeDirectory(corruptPath, mode: 0o700) }
        let target = corruptPath + "/" + name
        let raw = directory.raw
        _ = try checked("rename \(path)/\(name)") { renameat(raw, name, AT_FDCWD, target) }
        return target
    }

    /// Removes the file of a message that was never finished, unless somebody is writing it.
    ///
    /// - Returns: Whether it was removed.
    func removeUnfinished(_ name: String) throws(SystemError) -> Bool {
        let file = try openAsOwner(name)
        guard try Files.status(file).isRegular, try FileLock.flock.acquire(file) else { return false }
        // Should its writer have been about to take the lock: it finds the name gone, and says so.
        try remove(name)
        return true
    }
}
