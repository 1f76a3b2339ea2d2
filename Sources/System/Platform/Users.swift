import Glibc

/// An account of the system's user database.
package struct UserRecord: Hashable, Sendable {
    package let name: String
    package let uid: uid_t
    package let gid: gid_t
    /// The comment field, whose first part is the full name.
    package let gecos: String
    /// Home directory; the database promises neither that it exists nor that it is absolute.
    package let home: String
    /// Login shell; empty means /bin/sh.
    package let shell: String

    /// A record that does not come from the database: for accounts that are kept elsewhere.
    package init(name: String, uid: uid_t, gid: gid_t, gecos: String, home: String, shell: String) {
        self.name = name
        self.uid = uid
        self.gid = gid
        self.gecos = gecos
        self.home = home
        self.shell = shell
    }

    init(_ entry: passwd) {
        self.init(
            name: String(entry.pw_name), uid: entry.pw_uid, gid: entry.pw_gid, gecos: String(entry.pw_gecos),
            home: String(entry.pw_dir), shell: String(entry.pw_shell))
    }
}

/// A group of the system's database.
package struct GroupRecord: Hashable, Sendable {
    package let name: String
    package let gid: gid_t
}

/// Look-ups of accounts. They may block on the network, so they do not belong on an event loop.
///
/// Nil is "there is none"; a database that cannot be asked is an error, since the answer may be another later.
package enum Users {
    /// The account of that name, case and all.
    package static func named(_ name: String) throws(SystemError) -> UserRecord? {
        // A NUL would cut the name, and another account would answer.
        guard !name.utf8.contains(0) else { return nil }
        var entry = passwd()
        return try Database.find("getpwnam \(name)", _SC_GETPW_R_SIZE_MAX) { room, found in
            var pointer: UnsafeMutablePointer<passwd>?
            let code = getpwnam_r(name, &entry, room.baseAddress!, room.count, &pointer)
            if pointer != nil { found = UserRecord(entry) }
            return code
        }
    }

    /// The account of that number; the first if several have it.
    package static func withID(_ uid: uid_t) throws(SystemError) -> UserRecord? {
        var entry = passwd()
        return try Database.find("getpwuid \(uid)", _SC_GETPW_R_SIZE_MAX) { room, found in
            var pointer: UnsafeMutablePointer<passwd>?
            let code = getpwuid_r(uid, &entry, room.baseAddress!, room.count, &pointer)
            if pointer != nil { found = UserRecord(entry) }
            return code
        }
    }

    /// Every group of a user, `primary` among them.
    package static func groups(of name: String, primary: gid_t) throws(SystemError) -> [gid_t] {
        var room = 64
        while room <= Database.maximumGroups {
            var groups = [gid_t](repeating: 0, count: room)
            var count = CInt(room)
            if getgrouplist(name, primary, &groups, &count) >= 0 { return Array(groups.prefix(Int(count))) }
            room = max(room * 2, Int(count))
        }
        throw SystemError("getgrouplist \(name)", code: ERANGE)
    }
}

/// Look-ups of groups, like ``Users``.
package enum Groups {
    /// The group of that name.
    package static func named(_ name: String) throws(SystemError) -> GroupRecord? {
        guard !name.utf8.contains(0) else { return nil }
        var entry = group()
        return try Database.find("getgrnam \(name)", _SC_GETGR_R_SIZE_MAX) { room, found in
            var pointer: UnsafeMutablePointer<group>?
            let code = getgrnam_r(name, &entry, room.baseAddress!, room.count, &pointer)
            if pointer != nil { found = GroupRecord(name: String(entry.gr_name), gid: entry.gr_gid) }
            return code
        }
    }
}

/// What the look-ups share: room that grows until the entry fits.
private enum Database {
    /// The kernel's NGROUPS_MAX.
    static let maximumGroups = 65_536
    private static let maximumRoom = 1 << 20

    static func find<Record>(
        _ operation: String, _ hint: Int, _ call: (UnsafeMutableBufferPointer<CChar>, inout Record?) -> CInt
    ) throws(SystemError) -> Record? {
        var size = max(1024, sysconf(CInt(hint)))
        while true {
            var room = [CChar](repeating: 0, count: size)
            var found: Record?
            let code = room.withUnsafeMutableBufferPointer { call($0, &found) }
            switch code {
            case 0: return found
            // How databases say "not found" apart from 0 (getpwnam(3)); the others there are real failures too.
            case ENOENT, ESRCH: return nil
            case EINTR: continue
            case ERANGE where size < maximumRoom: size *= 2
            default: throw SystemError(operation, code: code)
            }
        }
    }
}

extension String {
    /// A field of a C structure; absent is empty.
    fileprivate init(_ field: UnsafeMutablePointer<CChar>?) {
        self = field.map { String(cString: $0) } ?? ""
    }
}
