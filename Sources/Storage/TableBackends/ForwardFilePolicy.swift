import Glibc
import Platform
import Tables

/// Which `.forward` may be used (forward(5)): a decision about facts, so that it can be tested without
/// files and taken by whoever holds the descriptor.
package enum ForwardFilePolicy {
    /// What the kernel says of a file or directory.
    package struct Facts: Hashable, Sendable {
        package var owner: uid_t
        /// Type and permission bits.
        package var mode: mode_t
        package var size: Int64
        package var links: UInt64

        package init(owner: uid_t, mode: mode_t, size: Int64 = 0, links: UInt64 = 1) {
            self.owner = owner
            self.mode = mode
            self.size = size
            self.links = links
        }

        package init(_ status: FileStatus) {
            self.init(owner: status.user, mode: status.mode, size: status.size, links: status.links)
        }

        fileprivate func isKind(_ kind: mode_t) -> Bool { mode & S_IFMT == kind }
        fileprivate var isWritableByOthers: Bool { mode & (S_IWGRP | S_IWOTH) != 0 }
    }

    package enum Verdict: Hashable, Sendable {
        case usable
        /// Forwards nothing.
        case empty
        case temporaryFailure(String)
        case permanentFailure(String)
    }

    /// Whether mail for the home may be forwarded at all. The sticky bit is how a user, while editing,
    /// asks for mail to wait.
    package static func verdict(home: Facts) -> Verdict {
        home.mode & S_ISVTX != 0 ? .temporaryFailure("home directory is sticky") : .usable
    }

    /// - Parameters:
    ///   - file: Of the open descriptor, not of the name.
    ///   - parents: The directories from the file up to the home, the home included.
    ///   - user: Whose file it must be.
    package static func verdict(file: Facts, parents: [Facts], user: uid_t) -> Verdict {
        guard file.isKind(S_IFREG) else { return .permanentFailure("not a regular file") }
        guard file.owner == user else { return .permanentFailure("not owned by the user") }
        guard !file.isWritableByOthers else { return .permanentFailure("writable by others") }
        // A second name may stand where others rename or keep it.
        guard file.links == 1 else { return .permanentFailure("more than one link") }
        for parent in parents {
            guard parent.isKind(S_IFDIR), parent.owner == user || parent.owner == 0 else {
                return .permanentFailure("directory not owned by the user")
            }
            guard !parent.isWritableByOthers else { return .permanentFailure("directory writable by others") }
        }
        if file.size == 0 { return .empty }
        guard file.size < ForwardFile.maximumSize else { return .temporaryFailure("too large") }
        return .usable
    }

    /// What an open that failed means.
    package static func verdict(openError error: SystemError) -> Verdict {
        if error.isMissing { return .empty }
        switch error.code {
        case ELOOP:
            return .permanentFailure("a symbolic link")
        // The machine's trouble, or that of a file server, passes.
        case EMFILE, ENFILE, ENOMEM, EIO, EAGAIN, ETIMEDOUT, ESTALE, EHOSTDOWN, EHOSTUNREACH, ENETDOWN, ENETUNREACH:
            return .temporaryFailure(error.reason)
        default:
            return .permanentFailure(error.reason)
        }
    }
}

extension ForwardFile {
    /// Reads `.forward` in a home directory by a process that already has the user's rights.
    ///
    /// The home itself may be reached through symbolic links, which only root can have put before it;
    /// the file may not be one. Neither a FIFO nor a device makes the call wait.
    package static func read(home: String, user: uid_t) -> ForwardFile {
        do throws(SystemError) {
            let directory = try Files.open(home, O_RDONLY | O_DIRECTORY | O_NONBLOCK)
            let parent = ForwardFilePolicy.Facts(try Files.status(directory))
            if let refused = ForwardFile(ForwardFilePolicy.verdict(home: parent)) { return refused }
            let file = try Files.open(".forward", in: directory, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
            let facts = ForwardFilePolicy.Facts(try Files.status(file))
            let verdict = ForwardFilePolicy.verdict(file: facts, parents: [parent], user: user)
            if let refused = ForwardFile(verdict) { return refused }
            return .content(try Files.readToEnd(file, limit: maximumSize - 1, name: ".forward"))
        } catch {
            // The file grew after its size was looked at.
            if error.code == EFBIG { return .temporaryFailure("too large") }
            return ForwardFile(ForwardFilePolicy.verdict(openError: error)) ?? .none
        }
    }

    /// True when anybody can see that a home directory has no `.forward`, so that nobody needs to be asked who
    /// may look. A home that is closed to us, or whose mail is to wait, says nothing.
    package static func isCertainlyAbsent(in home: String) -> Bool {
        do throws(SystemError) {
            guard try Files.status(home + "/.forward") == nil else { return false }
            // The home itself may be reached through links.
            guard let directory = try Files.status(home + "/.") else { return true }
            return ForwardFilePolicy.verdict(home: ForwardFilePolicy.Facts(directory)) == .usable
        } catch {
            return false
        }
    }

    /// Nil for a file that may be read.
    private init?(_ verdict: ForwardFilePolicy.Verdict) {
        switch verdict {
        case .usable: return nil
        case .empty: self = .none
        case .temporaryFailure(let reason): self = .temporaryFailure(reason)
        case .permanentFailure(let reason): self = .permanentFailure(reason)
        }
    }
}

extension IncludeFile {
    /// Reads an `:include:` file with the rights of this process. Its commands would run as the daemon's
    /// user, so one that everybody may write to is not read.
    package static func read(_ path: String) -> IncludeFile {
        do throws(SystemError) {
            let file = try Files.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            let status = try Files.status(file)
            guard status.isRegular else { return .unreadable("not a regular file") }
            guard status.mode & S_IWOTH == 0 else { return .unreadable("writable by everybody") }
            return .content(try Files.readToEnd(file, limit: maximumSize, name: path))
        } catch {
            return .unreadable(error.reason)
        }
    }
}
