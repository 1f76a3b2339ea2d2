import Platform

/// The rights a role keeps, as data; ``confine(_:as:in:)`` is the one place that carries them out.
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
    package var profile: ConfinementProfile

    package init(user: User, root: Root, profile: ConfinementProfile) {
        self.user = user
        self.root = root
        self.profile = profile
    }
}
