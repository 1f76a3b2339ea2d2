import MailSyntax

/// What `smtpctl setup` is asked for, and the smtpd.conf(5) that grants it. Pure: text in, text out.
enum SetupWish: Hashable {
    /// Mail stays on this machine.
    case local
    /// Mail for other hosts goes to them directly; with a certificate, mail from others is taken too.
    case internet(certificate: Certificate?)
    /// Mail for other hosts goes to one server; with a login, whose secret is kept in a file.
    case smarthost(Smarthost, hasLogin: Bool)

    struct Certificate: Hashable {
        let file: String
        let key: String
    }

    /// A server as people write it: `smtp.example.org`, with a port if that is not 587.
    struct Smarthost: Hashable {
        let host: String
        let port: UInt16

        /// - Returns: nil for what is no name or address of a server, or no port. Nothing that gets through can end the
        ///   string of the configuration it is written into.
        init?(_ text: String) {
            var host = text[...]
            var port: UInt16 = 587
            if let colon = text.lastIndex(of: ":") {
                guard let number = UInt16(text[text.index(after: colon)...]), number > 0 else { return nil }
                host = text[..<colon]
                port = number
            }
            let isName = host.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
            guard !host.isEmpty, host.utf8.count <= 255, isName, host.first != "-", host.first != "." else { return nil }
            self.host = String(host)
            self.port = port
        }

        /// Port 465 speaks TLS from the first byte; elsewhere it is asked for and never done without.
        func url(label: String?) -> String {
            let scheme = port == 465 ? "smtps" : "smtp+tls"
            return "\(scheme)://\(label.map { $0 + "@" } ?? "")\(host):\(port)"
        }
    }

    /// Where the login at a smarthost is kept.
    static let secrets = "/etc/martlet/secrets"
    private static let label = "smarthost"
    /// How the first line begins, before the checksum of all that follows.
    private static let mark = "# Made by smtpctl setup "

    /// The line of the secrets file for a login.
    ///
    /// - Returns: nil for a name or password that a line cannot hold.
    static func secret(user: String, password: String) -> String? {
        let isFit = [user, password].allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F } }
        guard isFit, !user.utf8.contains(UInt8(ascii: ":")) else { return nil }
        return "\(label) \(user):\(password)\n"
    }

    /// Whether a path can stand between quotes in the configuration.
    static func isFit(path: String) -> Bool {
        path.utf8.first == UInt8(ascii: "/") && path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }

    /// The whole file.
    var configuration: String {
        let body = ([Self.preface] + parts).joined(separator: "\n")
        return "\(Self.mark)\(Self.checksum(body)): while this line tells the truth, setup may replace the file.\n\(body)"
    }

    /// Whether a file is one that ``configuration`` made and nobody has changed since.
    static func isUntouched(_ file: String) -> Bool {
        guard file.hasPrefix(mark), let end = file.firstIndex(of: "\n") else { return false }
        return file[..<end].dropFirst(mark.count).hasPrefix(checksum(String(file[file.index(after: end)...])) + ":")
    }

    private static let preface = """
        # smtpd.conf(5). `smtpd -n` checks it, `smtpctl reload` puts it in force, `smtpctl doctor` looks at the rest.
        table aliases file:/etc/aliases

        listen on 127.0.0.1
        listen on ::1

        """

    private var parts: [String] {
        let relaying = "match from local for any action \"outbound\"\n"
        switch self {
        case .local: return [Self.delivery]
        case .internet(nil): return [Self.delivery, "action \"outbound\" relay", relaying]
        case .internet(let pair?):
            return [
                """
                pki mail cert "\(pair.file)"
                pki mail key "\(pair.key)"

                # From other servers, and from users who log in with their password of this system.
                listen on 0.0.0.0 tls pki mail
                listen on :: tls pki mail
                listen on 0.0.0.0 port 465 smtps pki mail auth
                listen on :: port 465 smtps pki mail auth
                listen on 0.0.0.0 port 587 tls-require pki mail auth
                listen on :: port 587 tls-require pki mail auth

                """, Self.delivery, "match from any for local action \"local\"", "",
                "action \"outbound\" relay", "match from auth for any action \"outbound\"", relaying,
            ]
        case .smarthost(let server, true):
            return [
                Self.delivery, "table secrets file:\(Self.secrets)",
                "action \"outbound\" relay host \"\(server.url(label: Self.label))\" auth <secrets>", relaying,
            ]
        case .smarthost(let server, false):
            return [Self.delivery, "action \"outbound\" relay host \"\(server.url(label: nil))\"", relaying]
        }
    }

    private static let delivery = """
        action "local" mbox alias <aliases>
        match from local for local action "local"

        """

    /// FNV-1a of 64 bits: against mistakes, not against anybody.
    private static func checksum(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}
