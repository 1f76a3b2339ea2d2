import MailSyntax
import Testing

@testable import smtpctl

@Suite("What smtpctl doctor says (smtpctl(8))") struct FindingTests {
    private func root(_ aliases: String) -> Finding.State {
        Finding.root(aliases: aliasLines(aliases)) { $0 == "ada" || $0 == "root" }.state
    }

    @Test(arguments: [
        "root: ada", "Root : ada", "root:\n\tada", "root: postmaster\npostmaster: ada", "root: ada@example.org",
        "root: bob, ada\nbob: ada", "root: \"|/usr/bin/program\"", "root: /var/mail/all", "\"root\": ADA # the boss",
        "root: :include:/etc/people",
    ])
    func `somebody reads root's mail`(_ aliases: String) { #expect(root(aliases) == .fine) }

    @Test(arguments: ["", "# root: ada", "root:", "root: root", "root: postmaster\npostmaster: root", "root: nobody-here", "postmaster: ada"])
    func `nobody reads root's mail`(_ aliases: String) { #expect(root(aliases) == .problem) }

    @Test func `a secret that others can read is a problem`() {
        #expect(Finding.secret("/s", mode: 0o640).state == .fine)
        #expect(Finding.secret("/s", mode: 0o600).state == .fine)
        #expect(Finding.secret("/s", mode: 0o644).state == .problem)
        #expect(Finding.secret("/s", mode: nil).state == .problem)
    }

    @Test func `a probe that has left the queue is judged by the history`() {
        let accepted = "2026-11-30T13:05:09Z 5f3a9c1e accepted from=<> size=100 client=local message-id=<failed@example.org>"
        let delivered = "2026-11-30T13:05:09Z 5f3a9c1e00000001 delivered to=<root@example.org> text=\"Delivered\""
        let failed = "2026-11-30T13:05:09Z 5f3a9c1e00000001 failed to=<root@example.org> text=\"no such user\""
        #expect(Finding.probe(history: []).state == .fine)
        #expect(Finding.probe(history: [accepted, delivered]).state == .fine)
        #expect(Finding.probe(history: [accepted, failed]).state == .problem)
        #expect(Finding.probe(history: [accepted, failed]).text.hasSuffix("text=\"no such user\""))
    }

    @Test func `what smtpd says of its configuration is told`() {
        #expect(Finding.configuration(isAccepted: true, said: ["configuration OK"]).map(\.state) == [.fine])
        let warned = Finding.configuration(
            isAccepted: true, said: ["warning: no authorities", "/etc/smtpd.conf:1:1: warning: old", "/etc/smtpd.conf:2: note: x", "configuration OK"])
        #expect(warned.map(\.state) == [.fine, .warning, .warning])
        #expect(warned[1].text.hasSuffix("warning: no authorities"))
        let refused = Finding.configuration(isAccepted: false, said: ["/etc/smtpd.conf:3:1: syntax error", "1 error"])
        #expect(refused.map(\.state) == [.problem])
        #expect(refused[0].text.hasSuffix("/etc/smtpd.conf:3:1: syntax error"))
        #expect(Finding.configuration(isAccepted: false, said: []).map(\.state) == [.problem])
    }

    @Test(arguments: [(-1, Finding.State.problem), (0, .warning), (13, .warning), (14, .fine)])
    func `a certificate is judged by its days`(_ days: Int, _ state: Finding.State) {
        #expect(Finding.certificate("/c", days: days).state == state)
    }

    @Test func `no certificate is a problem`() { #expect(Finding.certificate("/c", days: nil).state == .problem) }

    @Test(arguments: [(UInt64(63), Finding.State.problem), (64, .warning), (1_023, .warning), (1_024, .fine)])
    func `room is judged in megabytes`(_ megabytes: UInt64, _ state: Finding.State) {
        #expect(Finding.room("/s", free: megabytes << 20, files: 1_000).state == state)
        #expect(Finding.room("/s", free: megabytes << 20, files: 999).state == .problem)
        #expect(Finding.room("/s", free: megabytes << 20, files: nil).state == state)
    }

    @Test(arguments: [
        ("192.0.2.1", true), ("172.15.255.255", true), ("172.16.0.0", false), ("172.31.255.255", false), ("172.32.0.0", true),
        ("100.63.0.1", true), ("100.64.0.1", false), ("10.1.2.3", false), ("169.254.1.1", false), ("127.0.0.1", false),
        ("2001:db8::1", true), ("fe80::1", false), ("fc00::1", false), ("fdff::1", false), ("fe00::1", true), ("::1", false),
    ])
    func `an address is the world's or not`(_ text: String, _ isPublic: Bool) throws {
        #expect(Finding.isPublic(try #require(IPAddress(text.utf8))) == isPublic)
    }

    @Test func `the reverse name should be the machine's own`() {
        #expect(Finding.reverse(of: "192.0.2.1", names: ["MX.example.org"], host: "mx.example.org").state == .fine)
        #expect(Finding.reverse(of: "192.0.2.1", names: ["other.example.org"], host: "mx.example.org").state == .warning)
        #expect(Finding.reverse(of: "192.0.2.1", names: nil, host: "mx.example.org").state == .warning)
        #expect(Finding.reverse(of: "192.0.2.1", names: [], host: "mx.example.org").state == .problem)
    }

    @Test func `a name without a domain is worth a word`() {
        #expect(Finding.names(host: "mx.example.org", mailName: "example.org").map(\.state) == [.fine, .fine])
        #expect(Finding.names(host: "mx", mailName: nil).map(\.state) == [.warning, .warning])
        #expect(Finding.names(host: nil, mailName: "mx").map(\.state) == [.warning, .warning])
    }

    @Test func `a name of the DNS does nothing to a terminal`() {
        let line = Finding.reverse(of: "192.0.2.1", names: ["\u{1B}[2J"], host: "mx.example.org").line
        #expect(!line.utf8.contains(0x1B))
    }

    @Test func `files of the configuration are found at a glance`() {
        let glance = ConfigurationGlance(
            """
            # pki old cert "/not/this.pem"
            pki mx cert "/etc/ssl/a b.pem"
            pki mx key "/etc/ssl/mx.key"
            table secrets file:/etc/secrets
            table users \\
                file:/etc/users
            table other file:/etc/other
            listen on 0.0.0.0 port 587 tls-require pki mx auth <users>
            action out relay host "smtp+tls://me@smtp.example.org" auth <secrets>
            """)
        #expect(glance.certificates == ["/etc/ssl/a b.pem"])
        #expect(glance.secrets.sorted() == ["/etc/secrets", "/etc/users"])
        #expect(glance.hasSmarthost)
        #expect(!glance.relaysDirectly)
        #expect(ConfigurationGlance("action out relay").relaysDirectly)
    }
}
