/// Where an installation keeps what its programs meet at.
///
/// The system's places are fixed at compile time; whoever runs with a privilege uses ``system`` and
/// nothing that its environment says.
package struct InstallationPaths: Hashable, Sendable {
    /// The daemon's Unix socket for orders and submissions.
    package let controlSocket: String
    /// What the daemon has accepted.
    package let spool: String
    /// Where messages wait that were handed in while no daemon ran.
    package let offline: String
    /// True when the installation belongs to the user who runs it, and needs no privilege.
    package let isRootless: Bool

    private init(controlSocket: String, spool: String, isRootless: Bool) {
        self.controlSocket = controlSocket
        self.spool = spool
        self.offline = spool + "/offline"
        self.isRootless = isRootless
    }

    package static let system = InstallationPaths(
        controlSocket: "/run/martlet/smtpd.sock", spool: "/var/spool/martlet", isRootless: false)

    /// Everything below one directory of the user.
    package static func rootless(_ directory: String) -> InstallationPaths {
        InstallationPaths(controlSocket: directory + "/smtpd.sock", spool: directory, isRootless: true)
    }

    /// The variable that names the directory of a rootless installation. Programs without privilege
    /// honour it.
    package static let environmentVariable = "MARTLET_SPOOL"

    package static let aliases = "/etc/aliases"
    /// Its first line is the domain of addresses without one.
    package static let mailName = "/etc/mailname"
}
