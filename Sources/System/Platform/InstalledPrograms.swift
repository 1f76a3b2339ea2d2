import Glibc

/// Where the other programs of this installation are, whatever prefix it was made for.
///
/// Found from the running program's own file, whose place nobody but the administrator can have chosen; the
/// environment has no say. Beside it while it is run from where it was built, else in `libexec/martlet` of its prefix.
package struct InstalledPrograms: Sendable {
    /// The directory of the running program: `sbin`.
    private let directory: String
    /// Programs that only other programs start.
    package let libexec: String

    /// Needs /proc; without it the places are those below /usr.
    package init() {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
        self.init(program: path.isEmpty ? "/usr/sbin/smtpd" : path, exists: { access($0, X_OK) == 0 })
    }

    /// - Parameters:
    ///   - program: The running program's file.
    ///   - exists: Whether there is a program of a name.
    package init(program: String, exists: (String) -> Bool) {
        directory = Self.parent(of: program)
        libexec = exists(directory + "/mail.agent") ? directory : Self.parent(of: directory) + "/libexec/martlet"
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    /// Where programs that answer for tables are looked for, in this order: with us, and where those made for another
    /// server of the same protocol are.
    package var tableProgramDirectories: [String] {
        let beside = Self.parent(of: libexec) + "/opensmtpd"
        var directories = [libexec]
        for directory in [beside, "/usr/libexec/opensmtpd", "/usr/local/libexec/opensmtpd"] where !directories.contains(directory) {
            directories.append(directory)
        }
        return directories
    }

    /// The file of the program `table-TYPE`; nil when there is none.
    package func tableProgram(_ type: String) -> String? {
        tableProgramDirectories.lazy.map { "\($0)/table-\(type)" }.first { access($0, X_OK) == 0 }
    }

    /// The daemon.
    package var daemon: String { directory + "/smtpd" }
    package var sendmail: String { directory + "/sendmail" }
    package var makemap: String { directory + "/makemap" }
    package var control: String { directory + "/smtpctl" }
    /// The resident delivery agent.
    package var agent: String { libexec + "/mail.agent" }
    /// The set-group-id program that stores a message while no daemon runs.
    package var offlineHelper: String { libexec + "/sendmail-offline" }
}
