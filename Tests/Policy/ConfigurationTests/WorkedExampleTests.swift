import Testing

@testable import Configuration

@Suite("The same policy in both languages (smtpd.conf Part 4)") struct WorkedExampleTests {
    private let machine = FakeMachine().with("/etc/ssl/certs/mail.pem").with("/etc/ssl/private/mail.key")
        .with("/etc/aliases", "root: user\n").with("/etc/mail/vusers", "a@example.org user\n").with("/etc/mail/secrets", "isp user:password\n")

    private let accept = """
        pki mail.example.org certificate "/etc/ssl/certs/mail.pem"
        pki mail.example.org key "/etc/ssl/private/mail.key"
        table aliases file:/etc/aliases
        table vdomains { "example.org", "example.net" }
        table vusers file:/etc/mail/vusers
        table secrets file:/etc/mail/secrets
        listen on 0.0.0.0 tls pki mail.example.org auth-optional
        listen on lo
        accept for local alias <aliases> deliver to maildir
        accept from any for domain <vdomains> virtual <vusers> deliver to lmtp "/run/dovecot/lmtp"
        reject from any sender "@bad.example" for any
        accept for any relay via tls+auth://isp@smtp.isp.example auth <secrets> verify

        """

    private let match = """
        pki mail.example.org cert "/etc/ssl/certs/mail.pem"
        pki mail.example.org key "/etc/ssl/private/mail.key"
        table aliases file:/etc/aliases
        table vdomains { "example.org", "example.net" }
        table vusers file:/etc/mail/vusers
        table secrets file:/etc/mail/secrets
        listen on 0.0.0.0 tls pki mail.example.org auth-optional
        listen on lo
        action local maildir alias <aliases>
        action virt lmtp "/run/dovecot/lmtp" virtual <vusers>
        action out relay host smtp+tls://isp@smtp.isp.example auth <secrets>
        match for local action local
        match from auth for local action local
        match from any for domain <vdomains> action virt
        match from any mail-from "@bad.example" for any reject
        match for any action out
        match from auth for any action out

        """

    @Test func `the two texts agree in what they say`() throws {
        let old = try configuration(accept, on: machine)
        let new = try configuration(match, on: machine)
        #expect(Policy(old).listeners == Policy(new).listeners)
        #expect(old.keyPairs == new.keyPairs)
        #expect(old.tables["vdomains"] == new.tables["vdomains"])
        let delivered: (Configuration) -> Set<LocalAction.Method> = { configuration in
            Set(configuration.actions.values.compactMap { if case .local(let local) = $0.kind { local.method } else { nil } })
        }
        #expect(delivered(old) == delivered(new))
    }

    @Test func `the conversion of the one is the policy of the other`() throws {
        let converted = try convert(accept, on: machine)
        #expect(Policy(try configuration(converted, on: machine)) == Policy(try configuration(match, on: machine)))
    }

    @Test(arguments: [
        """
        table src { "192.0.2.10", "192.0.2.11" }
        table names { "192.0.2.10" = "a.example.org", "192.0.2.11" = "b.example.org" }
        action out relay src <src> helo-src <names>
        action backup relay backup mx "mx2.example.org"
        action null forward-only alias { "postmaster" = "root@example.net" }
        match from any for domain "*.example.com" action backup
        match !from src { "10.0.0.0/8" } mail-from "@example.org" for any reject
        match from any for rcpt-to regex "^bot-[0-9]+@example\\.org$" action null
        """,
        "accept from ! local for any relay",
        "table mine { a }\nreject for ! domain <mine>",
        "table mine { a }\naccept for domain <mine> recipient \"gilles@*\" deliver to mbox",
        "accept from any for domain \"example.org\" forward-only",
        "table names { a = b }\nlisten on eth0 hostnames <names> mask-source\nreject for any",
        "accept for any relay tls verify",
        "bounce-warn 1h, 6h, 2d\nreject for any",
    ])
    func `the small cases load`(_ text: String) throws {
        _ = try configuration(text)
    }
}
