import CPlatform
import Glibc

/// Under which ids something runs.
package struct Identity: Hashable, Sendable {
    /// User.
    package let uid: uid_t
    /// Group.
    package let gid: gid_t
    /// Supplementary groups.
    package let groups: [gid_t]

    /// The groups are all it will have: they do not come with the group by themselves.
    package init(uid: uid_t, gid: gid_t, groups: [gid_t]) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    /// A user with only the own group: for roles of the server.
    package init(alone user: UserRecord) { self.init(uid: user.uid, gid: user.gid, groups: [user.gid]) }

    /// A user with every group the database knows: for work done on behalf of the user.
    package init(withGroupsOf user: UserRecord) throws(SystemError) {
        self.init(uid: user.uid, gid: user.gid, groups: try Users.groups(of: user.name, primary: user.gid))
    }
}

/// Giving up rights.
package enum Privileges {
    /// Becomes another user for good, in an optional new root, and checks that there is no way back.
    ///
    /// Only root can do this. After an error the process is in between and must end.
    package static func drop(to identity: Identity, chroot: String? = nil) throws(SystemError) {
        var step: UnsafePointer<CChar>?
        let result = martlet_drop_privileges(
            chroot, identity.uid, identity.gid, identity.groups, identity.groups.count, &step)
        if result == -1 {
            let code = errno
            throw SystemError(step.map { String(cString: $0) } ?? "drop privileges", code: code)
        }
        try forbidGaining()
    }

    /// No program started from here gains rights, and nobody of the same user can look into this process.
    package static func forbidGaining() throws(SystemError) {
        _ = try checked("PR_SET_NO_NEW_PRIVS") { martlet_forbid_new_privileges() }
        try forbidDumps()
    }

    /// Nobody of the same user can look into this process, until it runs another program.
    package static func forbidDumps() throws(SystemError) {
        _ = try checked("PR_SET_DUMPABLE") { martlet_forbid_dumps() }
    }

    /// Runs `body` with the rights of a user and comes back: for root opening a file on a user's behalf.
    ///
    /// When the way back fails the process ends, since it would go on with the wrong rights. `body` must not
    /// start processes: the real user id stays root's. Whoever is that user already just runs it.
    package static func acting<Result: ~Copyable>(
        as identity: Identity, _ body: () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let user = geteuid()
        if user == identity.uid { return try body() }
        let group = getegid()
        let groups = try currentGroups()
        defer { comeBack(user, group, groups) }
        // Groups first: a user may not set them.
        _ = try checked("setgroups") { setgroups(identity.groups.count, identity.groups) }
        _ = try checked("setegid") { setegid(identity.gid) }
        _ = try checked("seteuid") { seteuid(identity.uid) }
        return try body()
    }

    /// Gives a file of ours to a group, as any owner may who is in it: root joins it for the moment, so that it needs no
    /// right to give files to anybody.
    package static func give(_ path: String, toGroup group: gid_t) throws(SystemError) {
        guard geteuid() == 0 else {
            _ = try checked("chown \(path)") { chown(path, uid_t.max, group) }
            return
        }
        let groups = try currentGroups()
        _ = try checked("setgroups") { setgroups(groups.count + 1, groups + [group]) }
        defer { comeBack(geteuid(), getegid(), groups) }
        _ = try checked("chown \(path)") { chown(path, uid_t.max, group) }
    }

    private static func comeBack(_ user: uid_t, _ group: gid_t, _ groups: [gid_t]) {
        guard seteuid(user) == 0, setegid(group) == 0, setgroups(groups.count, groups) == 0,
            geteuid() == user, getegid() == group
        else { Diagnostics.fail("cannot return to the former user: \(String(cString: strerror(errno)))") }
    }

    private static func currentGroups() throws(SystemError) -> [gid_t] {
        let count = try checked("getgroups") { getgroups(0, nil) }
        var groups = [gid_t](repeating: 0, count: Int(count))
        let got = try checked("getgroups") { getgroups(count, &groups) }
        return Array(groups.prefix(Int(got)))
    }
}
