import MailSyntax
import Testing

@testable import Configuration

private let machine = FakeMachine().with("/c").with("/k")
private let before = "pki p cert \"/c\" key \"/k\"\nca c cert \"/c\"\ntable m { a = b }\nfilter f phase connect match !rdns junk\n"
private let end = "\nmatch reject\n"

private func listener(_ text: String, on machine: FakeMachine = machine) throws -> Listener {
    try #require(try configuration(before + "listen on \(text)" + end, on: machine).listeners.first)
}

@Suite("Where listeners listen (smtpd.conf 1.4)") struct ListenerAddressTests {
    @Test func `an interface stands for its addresses`() throws {
        #expect(try listener("eth0").addresses == [.documentation4, .documentation6])
        #expect(try listener("eth0 inet4").addresses == [.documentation4])
        #expect(try listener("eth0 inet6").addresses == [.documentation6])
    }

    @Test func `all is both wildcards, egress and lo0 are what they are on OpenBSD`() throws {
        #expect(try listener("all").addresses == [.v4(0), .v6(high: 0, low: 0)])
        #expect(try listener("all inet6").addresses == [.v6(high: 0, low: 0)])
        #expect(try listener("egress").addresses == [.documentation4, .documentation6])
        #expect(try listener("lo0").addresses == [.loopback4, .loopback6])
    }

    @Test func `an interface of that name comes first`() throws {
        var machine = machine
        machine.interfaces["egress"] = [.loopback4]
        #expect(try listener("egress", on: machine).addresses == [.loopback4])
    }

    @Test func `a group of interfaces stands for their addresses, behind an interface and before OpenBSD's names`() throws {
        var machine = machine
        machine.interfaceGroups = ["uplinks": [.documentation4, .documentation6], "eth0": [.loopback4], "egress": [.loopback6]]
        #expect(try listener("uplinks", on: machine).addresses == [.documentation4, .documentation6])
        #expect(try listener("uplinks inet6", on: machine).addresses == [.documentation6])
        #expect(try listener("eth0 inet4", on: machine).addresses == [.documentation4])
        #expect(try listener("egress", on: machine).addresses == [.loopback6])
    }

    @Test func `an address stands for itself, a host for all of its addresses`() throws {
        #expect(try listener("192.0.2.10").addresses == [.documentation4])
        #expect(try listener("2001:db8::a").addresses == [.documentation6])
        #expect(try listener("\"[::1]\"").addresses == [.loopback6])
        #expect(try listener("localhost").addresses == [.loopback4])
    }

    @Test(arguments: ["nowhere", "192.0.2.10 inet6", "localhost inet6", "999.1.1.1"])
    func `what stands for nothing is refused`(_ text: String) {
        #expect(errors("listen on \(text)" + end).first?.hasPrefix("smtpd.conf:1:11: invalid virtual ip or interface: ") == true)
    }

    @Test func `what a name stands for is noted`() {
        #expect(notes("listen on egress" + end) == ["smtpd.conf:1:11: note: egress is 192.0.2.10, 2001:db8::a"])
    }

    @Test func `two listeners on one address and port are warned about`() {
        #expect(
            notes("listen on 127.0.0.1\nlisten on 127.0.0.1" + end) == [
                "smtpd.conf:2:1: warning: 127.0.0.1 port 25 is listened on twice, first at smtpd.conf:1:1"
            ])
    }
}

@Suite("Options of listen (smtpd.conf 1.4)") struct ListenOptionTests {
    @Test func `ports have defaults, numbers and names`() throws {
        #expect(try listener("lo").port == 25)
        #expect(try listener("lo smtps pki p").port == 465)
        #expect(try listener("lo tls pki p").port == 25)
        #expect(try listener("lo port 65535").port == 65_535)
        #expect(try listener("lo port submission").port == 587)
        #expect(try listener("lo port smtp").port == 25)
        #expect(try listener("lo port smtps").port == 465)
    }

    @Test func `each option is taken, in any order`() throws {
        let one = try listener("lo filter f mask-src no-dsn tag T tls-require verify ciphers x protocols y pki p ca c auth <m> hostname h hostnames <m> received-auth proxy-v2 senders <m> masquerade")
        let two = try listener("lo senders <m> masquerade proxy-v2 received-auth hostnames <m> hostname h auth <m> ca c pki p protocols y ciphers x tls-require verify tag T no-dsn mask-src filter f")
        #expect(one == two)
        #expect(one.tls == .required)
        #expect(one.verifiesClients)
        #expect(one.keyPairs == ["p"])
        #expect(one.authority == "c")
        #expect(one.authentication == .required(.table("m")))
        #expect(one.tag == "T")
        #expect(one.hostname == "h")
        #expect(one.hostnames == "m")
        #expect(one.senders == Listener.Senders(table: "m", masquerades: true))
        #expect(one.masksSource && !one.offersDSN && one.recordsAuthentication && one.expectsProxyHeader)
        #expect(one.filter == .named("f"))
        #expect(try listener("lo tls pki p auth-optional").authentication == .optional(.systemUsers))
        #expect(try listener("lo tls pki p auth dovecot \"/run/auth\"").authentication == .required(.dovecot("/run/auth")))
        #expect(try listener("lo tls pki p auth-optional dovecot \"/run/auth\" tag x").authentication == .optional(.dovecot("/run/auth")))
        #expect(try listener("lo filter { f }").filter == .chain(["f"]))
    }

    @Test func `the socket takes four options and one statement`() throws {
        let result = try configuration(before + "listen on socket filter f mask-src no-dsn tag T" + end, on: machine)
        #expect(result.listeners.isEmpty)
        #expect(result.submission.tag == "T")
        #expect(!result.submission.offersDSN)
        #expect(result.submission.hostname == "mx.example.org")
        #expect(errors("listen on socket port 25" + end).count == 1)
        #expect(errors("listen on socket\nlisten on socket tag x" + end) == ["smtpd.conf:2:1: listen on socket already given at smtpd.conf:1:1"])
    }

    @Test(arguments: [
        ("lo auth", "auth requires tls/smtps"), ("lo auth-optional <m>", "auth requires tls/smtps"), ("lo pki p", "pki requires tls/smtps"),
        ("lo tls", "tls/smtps requires pki"), ("lo smtps", "tls/smtps requires pki"), ("lo tls pki none", "pki name not found: none"),
        ("lo tls pki P", "pki name not found: P"), ("lo tls pki p ca none", "ca name not found: none"), ("lo tls smtps pki p", "TLS mode already given"),
        ("lo port 25 port 26", "port already given"), ("lo inet4 inet6", "address family already given"), ("lo tls pki p auth auth-optional", "authentication already given"),
        ("lo port 0", "invalid port: 0"), ("lo port 65536", "invalid port: 65536"), ("lo port nothing", "unknown port: nothing"), ("lo filter none", "no such filter: none"),
        ("lo hostnames { x }", "may not be used for addrname"), ("lo senders { x }", "may not be used for mailaddrmap"), ("lo secure", "syntax error at `secure`"),
        ("lo tls verify pki p", "syntax error at `verify`"), ("lo tls pki p auth dovecot auth-client", "invalid path of a socket: auth-client"),
        ("lo tls pki p auth dovecot \"/\(String(repeating: "x", count: 107))\"", "invalid path of a socket"), ("lo tls pki p auth dovecot", "syntax error"),
    ])
    func `is refused`(_ text: String, _ reason: String) {
        let found = errors(before + "listen on \(text)" + end, on: machine)
        #expect(found.count == 1)
        #expect(found.first?.contains(reason) == true, "\(found)")
    }

    @Test func `a tag has at most 32 bytes, a listener at most 32 pki`() throws {
        let tag = String(repeating: "t", count: 32)
        #expect(try listener("lo tag \(tag)").tag == tag)
        #expect(errors("listen on lo tag \(tag)t" + end) == ["smtpd.conf:1:18: a tag is too long, expected at most 32 bytes"])
        let pairs = Array(repeating: "pki p", count: 32).joined(separator: " ")
        #expect(try listener("lo tls \(pairs)").keyPairs.count == 32)
        #expect(errors(before + "listen on lo tls \(pairs) pki p" + end, on: machine).count == 1)
    }
}

@Suite("Filters (smtpd.conf 1.7)") struct FilterStatementTests {
    @Test func `each form is taken`() throws {
        let result = try configuration(
            """
            proc p "filter-x -v" user vmail group vmail chroot "/c" on-failure accept timeout 30s protocol 0.6
            filter a proc p
            filter b proc-exec "filter-y"
            filter c phase mail-from match !mail-from regex { "x" , "y" } reject "550 no"
            filter d chain { a, b
              c }
            listen on lo filter d
            match reject
            """)
        #expect(result.filterProcesses.map(\.name) == ["p", "b"])
        #expect(result.filterProcesses[0].chroot == "/c")
        #expect(result.filterProcesses.map(\.onFailure) == [.accept, .refuse])
        #expect(result.filterProcesses.map(\.timeout) == [30, 120])
        #expect(result.filterProcesses.map(\.spoken) == [.v0_6, .v0_7])
        #expect(result.filters.map(\.name) == ["a", "b", "c", "d"])
        #expect(result.filters[3].kind == .chain(["a", "b", "c"]))
        guard case .builtin(let builtin) = result.filters[2].kind else {
            Issue.record("not a builtin filter")
            return
        }
        #expect(builtin.phase == .mailFrom)
        #expect(builtin.conditions.map(\.isNegated) == [true])
        #expect(builtin.decision == .reject("550 no"))
    }

    @Test func `several conditions make one filter`() throws {
        let result = try configuration(
            "filter f phase mail-from match !rdns !fcrdns src { 192.0.2.0/24 } auth mail-from { x } junk" + end)
        guard case .builtin(let builtin) = result.filters[0].kind else {
            Issue.record("not a builtin filter")
            return
        }
        #expect(builtin.conditions.map(\.isNegated) == [true, true, false, false, false])
        #expect(builtin.conditions.map(\.criterion).first == .rdns(nil))
        #expect(builtin.decision == .junk)
    }

    @Test func `a condition is legal from the phase that knows its subject`() {
        let phases = ["connect", "helo", "ehlo", "auth", "mail-from", "rcpt-to", "data", "commit"]
        let first = ["fcrdns": 0, "rdns": 0, "src { x }": 0, "helo { x }": 1, "auth": 3, "mail-from { x }": 4]
        for (condition, start) in first {
            for (index, phase) in phases.enumerated() {
                let found = errors("filter f phase \(phase) match \(condition) report x" + end)
                #expect(found.isEmpty == (index >= start), "\(phase) \(condition)")
            }
        }
        for phase in phases {
            let found = errors("filter f phase \(phase) match rcpt-to { x } report x" + end)
            #expect(found.isEmpty == (phase == "rcpt-to"), "\(phase)")
        }
    }

    @Test(arguments: [
        ("filter f proc p", "no such process: p"), ("proc p \"a\"\nproc p \"b\"", "process already declared"),
        ("filter f proc-exec \"a\"\nfilter f proc-exec \"b\"", "filter already declared"), ("filter f chain { x }", "no such filter: x"),
        ("filter a proc-exec \"a\"\nfilter f chain { a a }", "stands twice"), ("filter a proc-exec \"a\"\nfilter b chain { a }\nfilter c chain { b }", "is a chain itself"),
        ("proc p \"x\"\nfilter a proc p\nfilter b proc p\nfilter c chain { a, b }", "are the same process p"), ("filter f phase commit match rdns junk", "cannot be used in phase commit"),
        ("filter f phase commit match rdns bypass", "cannot be used in phase commit"), ("filter f phase connect match rdns accept", "syntax error"),
        ("filter f phase rset match rdns junk", "syntax error"), ("proc p \"x\" user a user b", "user already given"), ("proc p \"x\" on-failure ignore", "syntax error"),
        ("proc p \"x\" timeout soon", "invalid delay"), ("proc p \"x\" protocol \"0.8\"", "0.8: no version of the filter protocol"), ("filter f phase helo match helo { x } rcpt-to { y } junk", "cannot be told in phase helo"), ("filter f", "syntax error at the end of the line"),
    ])
    func `is refused`(_ text: String, _ reason: String) {
        let found = errors(text + end)
        #expect(found.count == 1)
        #expect(found.first?.contains(reason) == true, "\(found)")
    }
}
