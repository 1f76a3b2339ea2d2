import Glibc
import Platform

/// Where the programs are that the daemon starts: beside its own file while it is run from where it was
/// built, else in the libexec directory of its installation.
package struct ProgramPlaces: Sendable {
    /// Delivery programs and table programs.
    package let libexec: String
    /// The resident delivery agent.
    package var agent: String { libexec + "/mail.agent" }
    package let sendmail: String

    /// Found from the running program's own path, which nobody but the administrator can have chosen.
    package init() {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        sendmail = directory + "/sendmail"
        if access(directory + "/mail.agent", X_OK) == 0 {
            libexec = directory
        } else {
            let prefix = directory.lastIndex(of: "/").map { String(directory[..<$0]) } ?? ""
            libexec = prefix + "/libexec/martlet"
        }
    }
}
