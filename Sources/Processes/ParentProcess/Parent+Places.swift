import EventLoop
import Glibc
import Platform
import ProcessMessages
import RoleProcess

/// Directories, sockets and the process file: made where they are missing, refused where they are not as they
/// must be, since who can write there can read or forge mail.
extension ParentProcess {
    /// What a directory has to be like.
    private struct Place {
        let path: String
        let mode: mode_t
        /// Nil for root.
        var owner: String?
        /// Nil for the owner's.
        var group: String?
        /// Permission bits that an existing one must not have.
        var forbidden: mode_t = 0o022
    }

    /// Makes what the daemon needs below the spool; a package has made most of it already.
    func prepareDirectories() throws(StartFailure) {
        if installation.isRootless {
            try prepare(Place(path: installation.spool, mode: 0o700))
            try prepare(Place(path: installation.spool + "/queue", mode: 0o700))
            try prepare(Place(path: installation.offline, mode: 0o700))
            return
        }
        try prepare(Place(path: "/run/martlet", mode: 0o755))
        try prepare(Place(path: DaemonAccounts.emptyDirectory, mode: 0o755))
        try prepare(Place(path: installation.spool, mode: 0o711))
        try prepare(
            Place(path: installation.spool + "/queue", mode: 0o700, owner: DaemonAccounts.queueUser, forbidden: 0o077))
        // Its group is that of the program that stores messages here.
        try prepare(
            Place(path: installation.offline, mode: 0o770, group: DaemonAccounts.queueUser, forbidden: 0o007))
    }

    private func prepare(_ place: Place) throws(StartFailure) {
        var uid = installation.isRootless ? geteuid() : 0
        var gid: gid_t?
        if let owner = place.owner {
            let record = try attempt { () throws(SystemError) in try Users.named(owner) }
            guard let record else { throw .refused("there is no user \(owner)") }
            uid = record.uid
            gid = record.gid
        }
        if let group = place.group {
            let record = try attempt { () throws(SystemError) in try Groups.named(group) }
            guard let record else { throw .refused("there is no group \(group)") }
            gid = record.gid
        }
        if let status = try attempt({ () throws(SystemError) in try Files.status(place.path) }) {
            return try check(place, status, owner: uid)
        }
        try attempt { () throws(SystemError) in
            try Files.makeDirectory(place.path, mode: place.mode)
            if !installation.isRootless {
                _ = try checked("chown \(place.path)") { chown(place.path, uid, gid ?? 0) }
            }
            // mkdir applied the mask of whoever started us.
            _ = try checked("chmod \(place.path)") { chmod(place.path, place.mode) }
        }
    }

    private func check(_ place: Place, _ status: FileStatus, owner: uid_t) throws(StartFailure) {
        guard status.isDirectory else { throw .refused("\(place.path) is no directory") }
        guard status.user == owner else {
            throw .refused("\(place.path) belongs to uid \(status.user), not to \(owner)")
        }
        // Others cannot remove or replace each other's files in a sticky directory.
        let isSticky = status.permissions & S_ISVTX != 0
        guard status.permissions & place.forbidden == 0 || isSticky && place.group != nil else {
            throw .refused(
                "\(place.path) has mode \(String(status.permissions, radix: 8)), which lets others in; "
                    + "it should be \(String(place.mode, radix: 8))")
        }
    }

    // MARK: One daemon

    var processFilePath: String { installation.isRootless ? installation.spool + "/smtpd.pid" : "/run/martlet/smtpd.pid" }

    /// Writes our process number into its file, and keeps that locked: two starts at the same time end as one.
    func lockProcessFile() throws(StartFailure) {
        let path = processFilePath
        let isOurs = try attempt { () throws(SystemError) in
            let file = try Files.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o644)
            guard try FileLock.flock.acquire(file) else { return false }
            let raw = file.raw
            _ = try checked("truncate \(path)") { ftruncate(raw, 0) }
            try Files.writeAll(file, Array("\(getpid())\n".utf8))
            processFile = DescriptorBox(file)
            return true
        }
        guard isOurs else { throw .refused("smtpd is running already: it has locked \(path)") }
    }

    /// A daemon that answers on the control socket is one too many.
    func refuseSecondDaemon() throws(StartFailure) {
        let socket = installation.controlSocket
        let status = try attempt { () throws(SystemError) in try Files.status(socket) }
        guard status?.isSocket == true else { return }
        do throws(SystemError) {
            _ = try ConnectingSocket.wait(to: .local(path: socket), timeout: 2_000)
        } catch {
            return
        }
        throw .refused("smtpd is running already: it answers on \(socket)")
    }

    func attempt<Result>(_ body: () throws(SystemError) -> Result) throws(StartFailure) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .system(error)
        }
    }
}

/// Why the daemon does not start.
enum StartFailure: Error, CustomStringConvertible {
    case system(SystemError)
    /// Something is not as it must be.
    case refused(String)

    var description: String {
        switch self {
        case .system(let error): error.description
        case .refused(let reason): reason
        }
    }
}
