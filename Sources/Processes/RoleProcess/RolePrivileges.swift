import Glibc
import Log
import Platform

/// The rights a role keeps, as data; the two functions here are the only ones that carry them out.
package struct RolePrivileges: Sendable {
    package enum User: Sendable {
        /// The daemon's user.
        case daemon
        /// The queue's user, the only one that may touch the spool.
        case queue
    }

    package enum Root: Sendable {
        /// Sees the whole file system, as far as its user may.
        case all
        /// Sees an empty directory.
        case nothing
        /// Sees the spool and nothing else.
        case spool
    }

    package var user: User
    package var root: Root
    /// System calls beyond those of an event loop.
    package var calls: Confinement.Calls

    package init(user: User, root: Root, calls: Confinement.Calls) {
        self.user = user
        self.root = root
        self.calls = calls
    }

    /// Where the queue's files are for a role with these rights.
    func queueDirectory(installation: InstallationPaths) -> String {
        if installation.isRootless || root != .spool { return installation.spool + "/queue" }
        return "/queue"
    }

    /// Gives up root: user, groups, root directory. A rootless installation has nothing to give up.
    func takeEffect(installation: InstallationPaths) throws(SystemError) {
        guard !installation.isRootless else { return try Privileges.forbidGaining() }
        let name = user == .queue ? DaemonAccounts.queueUser : DaemonAccounts.daemonUser
        guard let record = try Users.named(name) else { throw SystemError("user \(name)", code: ENOENT) }
        let directory: String? =
            switch root {
            case .all: nil
            case .nothing: DaemonAccounts.emptyDirectory
            case .spool: installation.spool
            }
        // Who sees the file system reads what the administrator let the daemon's user into by a group.
        let identity = root == .all ? try Identity(withGroupsOf: record) : Identity(alone: record)
        try Privileges.drop(to: identity, chroot: directory)
        try Privileges.forbidGaining()
    }

    /// What of the file system the role may see, nil where its root directory says it already.
    private func paths(installation: InstallationPaths) -> [String: Confinement.Access]? {
        switch (root, installation.isRootless) {
        case (.all, _): nil
        case (.nothing, _): [:]
        case (.spool, true): [installation.spool + "/queue": .readWrite]
        case (.spool, false): ["/queue": .readWrite]
        }
    }

    /// Forbids the system calls, and where the kernel can the paths, that the role does not need. Comes
    /// last: what was opened before stays open.
    func confine(installation: InstallationPaths, log: Logger) throws(ViewRefused) {
        do throws(SystemError) {
            let paths = paths(installation: installation)
            let applied = try Confinement.apply(Confinement.Profile(calls: calls, paths: paths))
            var missing: [String] = []
            if !applied.calls { missing.append("seccomp") }
            if paths != nil, !applied.paths { missing.append("landlock") }
            if !missing.isEmpty {
                log.info("confined without \(missing.joined(separator: " and ")), which this kernel lacks or a sandbox around smtpd withholds")
            }
        } catch {
            throw ViewRefused("confinement: \(error)")
        }
    }
}

/// The accounts the daemon's processes run under.
package enum DaemonAccounts {
    package static let daemonUser = "_smtpd"
    package static let queueUser = "_smtpq"
    /// An empty directory of root's that nobody may write to.
    package static let emptyDirectory = "/run/martlet/empty"
}
