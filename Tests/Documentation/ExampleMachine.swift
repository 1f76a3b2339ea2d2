import Configuration
import MailSyntax

/// The machine on which the manual's examples are at home: every file, user and name that they mention.
struct ExampleMachine: ConfigurationEnvironment {
    /// The content of `/etc/aliases`.
    var aliases = "root: ada\n"

    var hostName: String { "mail.example.org" }
    var mailName: String? { nil }
    func canonicalName(ofHost name: String) -> String? { nil }

    private let loopback: [IPAddress] = [.v4(0x7F00_0001), .v6(high: 0, low: 1)]
    /// 192.0.2.1
    private let outside: [IPAddress] = [.v4(0xC000_0201)]

    var interfaceAddresses: [IPAddress] { loopback + outside }
    func addresses(ofInterface name: String) -> [IPAddress]? {
        switch name {
        case "lo": loopback
        case "eth0": outside
        default: nil
        }
    }
    var egressAddresses: [IPAddress] { outside }
    var loopbackAddresses: [IPAddress] { loopback }
    func addresses(ofInterfaceGroup name: String) -> [IPAddress]? { nil }
    func addresses(ofHost name: String) -> [IPAddress] { [] }

    func port(ofService name: String) -> UInt16? { name == "submission" ? 587 : nil }
    func userExists(_ name: String) -> Bool { ["list", "vmail"].contains(name) }
    func groupExists(_ name: String) -> Bool { name == "adm" }
    func tableProgramExists(type: String) -> Bool {
        ["ldap", "mysql", "postgres", "redis", "socketmap", "sqlite"].contains(type)
    }
    var tableProgramDirectories: [String] { ["/libexec"] }

    private static let files: [String: String] = [
        "/etc/mail/addresses": "info@example.org ada\n",
        "/etc/mail/secrets": "isp ada:secret\n",
        "/etc/mail/domains": "example.org\n",
        "/etc/mail/users": "ada 5000:5000:/srv/mail/ada\n",
        "/etc/martlet/addresses": "info@example.org\n",
        "/etc/martlet/logins": "ada@example.org $6$salt$hash\n",
        "/etc/martlet/people": "ada@example.org vmail\n",
        "/etc/martlet/secrets": "box box@example.org:password\n",
        // Only looked at.
        "/etc/mail/users.db": "", "/etc/mail/aliases.db": "", "/etc/dovecot/users": "",
    ]
    private static let protected: Set<String> = [
        "/etc/ssl/certs/mail.pem", "/etc/ssl/private/mail.key", "/etc/ssl/mail/fullchain.pem", "/etc/ssl/house/authority.pem",
        "/etc/ssl/house/relay.pem", "/etc/ssl/private/relay.key", "/etc/ssl/house/self.pem", "/etc/ssl/private/self.key",
    ]

    func contents(ofFile path: String) throws(FileFailure) -> [UInt8] {
        if path == "/etc/aliases" { return Array(aliases.utf8) }
        guard let text = Self.files[path] else { throw .missing }
        return Array(text.utf8)
    }

    func check(file path: String, for purpose: FilePurpose) throws(FileFailure) {
        guard Self.files[path] != nil || Self.protected.contains(path) else { throw .missing }
    }
}
