import CPlatform
import Glibc

/// What the kernel lets a process do from now on, beside what its user may do.
///
/// Applied once, after start and after privileges were dropped; there is no way back, and children inherit it.
/// Where the kernel lacks a part, or a sandbox around the process withholds it, the process runs without that part, and the
/// caller is told so.
package enum Confinement {
    /// Groups of system calls. The empty set is an event loop on descriptors that are open already: it reads,
    /// writes, accepts, passes descriptors, and makes neither files, sockets, processes nor threads.
    package struct Calls: OptionSet, Sendable {
        /// As compat/Platform has it.
        package let rawValue: UInt32
        /// From that.
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Opening, making, renaming, locking and syncing files.
        package static let files = Calls(rawValue: 1)
        /// Making sockets of the Unix, internet and netlink families, binding and connecting them.
        package static let sockets = Calls(rawValue: 2)
        /// Starting, signalling and waiting for processes, and changing users.
        package static let processes = Calls(rawValue: 4)
        /// Executable memory: whoever loads libraries while running, as name service switch and PAM do.
        package static let loadingCode = Calls(rawValue: 8)
    }

    /// What may be done beneath a path; reading and listing are part of each.
    package enum Access: Hashable, Sendable {
        case read
        case readWrite
        /// Running programs there; with ``Calls/processes`` only.
        case execute
    }

    /// What a call outside the allowed ones does.
    package enum Violation: Hashable, Sendable {
        /// It fails with EPERM. A C library that starts to use a new call then loses that call, not the mail.
        case refuse
        /// It kills the process: for tests, and for those who prefer it.
        case kill
    }

    /// What one process may do.
    package struct Profile: Sendable {
        /// Beyond those of an event loop.
        package var calls: Calls
        /// Paths as they are seen after chroot; one that does not exist is passed over. Nil leaves paths alone.
        package var paths: [String: Access]?
        /// What a call outside them does.
        package var violation: Violation

        /// Refusing, and leaving paths alone, unless told otherwise.
        package init(calls: Calls, paths: [String: Access]? = nil, violation: Violation = .refuse) {
            self.calls = calls
            self.paths = paths
            self.violation = violation
        }
    }

    /// What is in force now. False: there is no means, or the profile did not ask for it.
    package struct Applied: Hashable, Sendable {
        /// System calls are filtered.
        package let calls: Bool
        /// Paths are restricted.
        package let paths: Bool
    }

    /// Confines this process.
    ///
    /// - Throws: When a kernel that has the means refuses; the process must not go on then.
    @discardableResult
    package static func apply(_ profile: Profile) throws(SystemError) -> Applied {
        // Paths first: opening them takes calls that the filter may forbid.
        var paths = false
        if let allowed = profile.paths { paths = try confine(allowed.sorted { $0.key < $1.key }) }
        let result = try checked("seccomp") {
            martlet_confine_calls(profile.calls.rawValue, profile.violation == .kill)
        }
        return Applied(calls: result != CInt(MARTLET_UNSUPPORTED), paths: paths)
    }

    private static func confine(_ paths: [(key: String, value: Access)]) throws(SystemError) -> Bool {
        let copies = paths.map { strdup($0.key) }
        defer { for copy in copies { free(copy) } }
        let names = copies.map { UnsafePointer<CChar>($0) }
        let access = paths.map { path -> UInt32 in
            switch path.value {
            case .read: 0
            case .readWrite: UInt32(MARTLET_PATH_WRITE)
            case .execute: UInt32(MARTLET_PATH_EXECUTE)
            }
        }
        var failed = paths.count
        let result = martlet_confine_paths(names, access, paths.count, &failed)
        if result == -1 {
            let code = errno
            throw SystemError("landlock" + (failed < paths.count ? " \(paths[failed].key)" : ""), code: code)
        }
        return result != CInt(MARTLET_UNSUPPORTED)
    }
}
