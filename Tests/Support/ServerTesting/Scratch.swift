import Glibc
import Platform

/// A directory of a test's own below /tmp, owned by the ordinary user whom the daemon runs as, and gone with
/// the value.
package final class Scratch: Sendable {
    /// The absolute path.
    package let path: String

    /// Makes the directory, open to everybody who knows its name.
    package init() throws {
        var template = Array("/tmp/martlet-test.XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { room in
            // An array with a NUL has an address.
            mkdtemp(room.baseAddress!).map { String(cString: $0) }
        }
        guard let made else { throw SystemError("mkdtemp") }
        path = made
        _ = try checked("chmod") { chmod(made, 0o755) }
        try Self.giveAway(made)
    }

    deinit { Self.removeTree(path) }

    /// Writes a file that the daemon's user owns.
    package func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws {
        let place = path + "/" + name
        let file = try Files.open(place, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try Files.writeAll(file, Array(text.utf8))
        _ = try checked("chmod") { chmod(place, mode) }
        try Self.giveAway(place)
    }

    /// Makes a directory that the daemon's user owns.
    package func makeDirectory(_ name: String, mode: mode_t = 0o755) throws {
        try Files.makeDirectory(path + "/" + name, mode: mode)
        try Self.giveAway(path + "/" + name)
    }

    /// The content of a file; nil when it is not there.
    package func text(_ name: String) -> String? {
        (try? Files.read(path + "/" + name, limit: 1 << 30)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The messages in `new` of a maildir; none when there is no maildir.
    package func messages(in maildir: String) -> [String] {
        let place = path + "/" + maildir + "/new/"
        return ((try? Files.list(place)) ?? []).compactMap { name in
            (try? Files.read(place + name, limit: 1 << 30)).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// How many messages are in `new` of a maildir.
    package func count(in maildir: String) -> Int { ((try? Files.list(path + "/" + maildir + "/new")) ?? []).count }

    static func giveAway(_ path: String) throws {
        let user = OrdinaryUser.current
        _ = try checked("chown \(path)") { lchown(path, user.uid, user.gid) }
    }

    static func removeTree(_ path: String) {
        // What cannot be removed stays in /tmp; no test depends on it.
        for name in (try? Files.list(path)) ?? [] {
            let child = path + "/" + name
            if let status = try? Files.status(child), status.isDirectory {
                removeTree(child)
            } else {
                try? Files.remove(child)
            }
        }
        rmdir(path)
    }
}

/// Whom the daemon runs as: whoever runs the tests, but `nobody` instead of root, since a daemon without
/// privileges refuses root and mail is never delivered as root.
package struct OrdinaryUser: Sendable {
    package let name: String
    package let uid: uid_t
    package let gid: gid_t
    package let isSomebodyElse: Bool

    package static let current: OrdinaryUser = {
        let isRoot = geteuid() == 0
        // Every system has both.
        let record = try! (isRoot ? Users.named("nobody") : Users.withID(geteuid()))!
        return OrdinaryUser(name: record.name, uid: record.uid, gid: record.gid, isSomebodyElse: isRoot)
    }()

    package var identity: Identity? { isSomebodyElse ? Identity(uid: uid, gid: gid, groups: [gid]) : nil }
}
