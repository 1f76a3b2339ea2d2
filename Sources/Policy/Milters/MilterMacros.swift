/// A name that milters know from Sendmail's configuration, and what it stands for.
package struct MilterMacro: Hashable, Sendable {
    /// A letter, or a word in braces.
    package var name: String
    package var value: [UInt8]

    package init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

/// The macros of a session, and which of them go with which step.
package struct MilterMacros: Hashable, Sendable {
    /// By name without braces; what is not known is not there.
    private var values: [String: [UInt8]] = [:]

    package init() {}

    /// What a macro stands for; nil takes it away.
    package subscript(name: String) -> String? {
        get { values[name].map { String(decoding: $0, as: UTF8.self) } }
        set { values[name] = newValue.map { Array($0.utf8) } }
    }

    /// Those of a stage that have a value.
    ///
    /// - Parameter chosen: The names that the milter wants there; nil for the usual ones.
    func values(for stage: MilterStage, chosen: [String]?) -> [MilterMacro] {
        (chosen ?? Self.usual(at: stage)).compactMap { name in
            let bare = name.first == "{" && name.last == "}" ? String(name.dropFirst().dropLast()) : name
            guard let value = values[bare] else { return nil }
            return MilterMacro(name: bare.utf8.count == 1 ? bare : "{\(bare)}", value: value)
        }
    }

    /// What mail servers send without being asked.
    static func usual(at stage: MilterStage) -> [String] {
        switch stage {
        case .connect:
            [
                "j", "daemon_name", "daemon_addr", "daemon_port", "v", "_", "if_name", "if_addr", "client_addr", "client_name",
                "client_ptr", "client_port", "client_resolve",
            ]
        case .helo: ["tls_version", "cipher", "cipher_bits", "cert_subject", "cert_issuer", "verify"]
        case .mail:
            ["i", "auth_type", "auth_authen", "auth_author", "auth_ssf", "mail_mailer", "mail_host", "mail_addr"]
        case .recipient: ["i", "rcpt_mailer", "rcpt_host", "rcpt_addr"]
        case .data, .endOfHeader, .endOfMessage: ["i"]
        case .header, .body, .unknown: []
        }
    }
}
