import Envelopes
import Filters
import MailSyntax
import Milters
import SMTPProtocol

extension MilterMacros {
    /// What milters are told of a session, by the names that Sendmail and Postfix have for it.
    ///
    /// - Parameter mechanism: With which the client has authenticated. Milters that sign mail look for it.
    init(_ facts: FilterFacts, mechanism: String?) {
        self.init()
        self["j"] = facts.serverName
        self["v"] = "Martlet"
        self["daemon_name"] = facts.serverName
        self["if_name"] = facts.serverName
        self["if_addr"] = facts.localAddress?.description
        self["daemon_addr"] = facts.localAddress?.description
        self["daemon_port"] = facts.localAddress == nil ? nil : "\(facts.localPort)"
        self["_"] = "\(facts.milterHost) [\(facts.milterAddress)]"
        self["client_addr"] = "\(facts.milterAddress)"
        self["client_name"] = facts.milterHost
        self["client_ptr"] = facts.client.source == .local ? facts.milterHost : facts.client.reverseName
        self["client_port"] = "\(facts.client.port ?? 0)"
        self["client_resolve"] = facts.isConfirmed ? "OK" : "FAIL"
        self["tls_version"] = facts.channel?.version
        self["cipher"] = facts.channel?.cipher
        self["cipher_bits"] = facts.channel.map { "\($0.bits)" }
        self["cert_subject"] = facts.channel?.clientSubject
        self["verify"] = facts.channel.map { $0.isClientVerified ? "OK" : "NO" }
        self["i"] = facts.message?.description
        if let sender = facts.sender {
            self["mail_addr"] = sender.address?.text ?? "<>"
            self["mail_host"] = sender.address?.domain.text
            self["mail_mailer"] = "smtp"
        }
        if let recipient = facts.recipient {
            self["rcpt_addr"] = recipient.text
            self["rcpt_host"] = recipient.domain.text
            self["rcpt_mailer"] = "smtp"
        }
        if let user = facts.user, facts.client.source != .local {
            self["auth_authen"] = user
            self["auth_type"] = mechanism ?? "LOGIN"
        }
    }
}

extension FilterFacts {
    /// The name leads to the address and back.
    fileprivate var isConfirmed: Bool { client.source == .local || client.forwardConfirmation == .confirmed }

    /// The client's name; its address in brackets when there is none to rely on. A program of this machine is known to
    /// milters as its loopback address, which is how they tell what to sign.
    var milterHost: String {
        switch client.source {
        case .local: "localhost"
        case .network(let address): isConfirmed ? client.reverseName : "[\(address)]"
        }
    }

    var milterAddress: IPAddress {
        switch client.source {
        case .local: .v4(0x7F00_0001)
        case .network(let address): address
        }
    }

    var milterPeer: MilterPeer { .network(milterAddress, port: client.port ?? 0) }
}
