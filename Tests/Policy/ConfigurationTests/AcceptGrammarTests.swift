import MailSyntax
import Testing

@testable import Configuration

private let machine = FakeMachine().with("/c").with("/k")
private let before = "table t { x }\ntable m { a = b }\n"

private func rule(_ text: String) throws -> Rule { try #require(try configuration(before + text).rules.first) }

private func action(_ text: String) throws -> Action {
    let result = try configuration(before + text, on: machine)
    guard case .action(let name)? = result.rules.first?.decision else { throw LoadingFailed(text: "no action") }
    return try #require(result.actions[name])
}

private func relay(_ text: String) throws -> RelayAction {
    guard case .relay(let relay) = try action("accept for any \(text)").kind else { throw LoadingFailed(text: "no relay") }
    return relay
}

private let named = TableReference("t")

@Suite("Rules of the 5.4 grammar (smtpd.conf 2.2, 2.3)") struct AcceptRuleTests {
    @Test func `a tag is one line`() {
        #expect(errors("listen on lo tag \"a\tb\"\nreject tagged \"\u{7F}\" from any\n").count == 2)
    }

    @Test func `without from and for a rule is from local for local, authenticated clients counted in`() throws {
        let rule = try rule("accept relay")
        #expect(rule.from == Condition(.local(countsAuthenticated: true)))
        #expect(rule.destination == Condition(.local))
    }

    @Test func `each criterion is taken, the negation after its keyword`() throws {
        for (not, isNegated) in [("", false), ("!", true), ("! ", true)] {
            #expect(try rule("reject from \(not)any").from == Condition(.any, isNegated: isNegated))
            #expect(try rule("reject from \(not)local").from == Condition(.local(countsAuthenticated: true), isNegated: isNegated))
            #expect(try rule("reject from \(not)source <t>").from == Condition(.addresses(named, authenticatedIsLocal: true), isNegated: isNegated))
            #expect(try rule("reject sender \(not)<t>").sender == Condition(named, isNegated: isNegated))
            #expect(try rule("reject recipient \(not)<t>").recipient == Condition(named, isNegated: isNegated))
            #expect(try rule("reject for \(not)any").destination == Condition(.any, isNegated: isNegated))
            #expect(try rule("reject for \(not)local").destination == Condition(.local, isNegated: isNegated))
            #expect(try rule("reject for \(not)domain <t>").destination == Condition(.domain(named), isNegated: isNegated))
            #expect(try rule("reject tagged \(not)T").tag?.isNegated == isNegated)
        }
    }

    @Test func `criteria come in any order; of several tags the last counts`() throws {
        let result = try configuration("reject tagged a recipient x for any tagged b from any sender y")
        let tag = try #require(result.rules.first?.tag?.criterion.table)
        #expect(result.tables[tag]?.content == .list(["b"]))
    }

    @Test(arguments: [
        ("accept from any from local relay", "from already given"), ("accept for any for local relay", "for already given"),
        ("accept sender x sender y relay", "sender already given"), ("accept deliver to mbox for any", "syntax error at `for`"),
        ("accept alias <m> virtual <m> deliver to mbox", "alias or virtual already given"), ("accept userbase <m> userbase <m> deliver to mbox", "userbase already given"),
        ("accept alias <m> relay", "cannot be used with relay"), ("accept userbase <m> relay", "cannot be used with relay"), ("reject alias <m>", "syntax error at `alias`"),
        ("reject deliver to mbox", "syntax error at `deliver`"), ("accept deliver to mbox forward-only", "forward-only cannot be used with deliver or relay"),
        ("accept deliver to lmtp host", "invalid lmtp destination: host"), ("accept deliver mbox", "syntax error at `mbox`"), ("accept for all relay", "syntax error"),
        ("accept deliver to mbox expire 3", "syntax error"), ("accept !from any relay", "syntax error"), ("accept from src <t> relay", "syntax error"),
    ])
    func `is refused`(_ text: String, _ reason: String) {
        let found = errors(before + text)
        #expect(found.count == 1)
        #expect(found.first?.contains(reason) == true, "\(found)")
    }
}

@Suite("Deliveries of the 5.4 grammar (smtpd.conf 2.4)") struct AcceptDeliveryTests {
    private func local(_ text: String) throws -> LocalAction {
        guard case .local(let local) = try action(text).kind else { throw LoadingFailed(text: "not local") }
        return local
    }

    @Test func `each delivery is taken, and its failures are temporary`() throws {
        #expect(try local("accept deliver to mbox").method == .mbox)
        #expect(try local("accept deliver to maildir").method == .maildir(nil, junk: false))
        #expect(try local("accept deliver to maildir \"~/m\"").method == .maildir("~/m", junk: false))
        #expect(try local("accept deliver to mda \"cat\"").method == .command("cat"))
        #expect(try local("accept deliver to lmtp \"/s\"").method == .lmtp("/s", usesRecipientAddress: false))
        #expect(try local("accept deliver to lmtp h:24 rcpt-to").method == .lmtp("h:24", usesRecipientAddress: true))
        #expect(try local("accept").method == .expandOnly)
        #expect(try local("accept forward-only").method == .forwardOnly)
        #expect(try local("accept userbase <m> virtual <m> deliver to mbox").virtual == "m")
        #expect(try local("accept alias <m> userbase <m>").userbase == "m")
        #expect(try local("accept deliver to mbox").everyFailureIsTemporary)
        #expect(try action("accept deliver to mbox expire 2d").timeToLive == 172_800)
    }

    @Test func `equal deliveries are one action whose name does not depend on its place`() throws {
        let one = try configuration("accept for local deliver to mbox\naccept for any deliver to mbox\naccept for any relay via h\n")
        #expect(one.actions.count == 2)
        let two = try configuration("reject tagged x for any\naccept for any relay via h\naccept for local deliver to mbox")
        #expect(Set(one.actions.keys) == Set(two.actions.keys))
        let three = try configuration("accept for any deliver to mbox expire 1d")
        #expect(Set(one.actions.keys).isDisjoint(with: three.actions.keys))
    }
}

@Suite("Relays of the 5.4 grammar (smtpd.conf 2.5, Part 3)") struct AcceptRelayTests {
    @Test func `each option is taken`() throws {
        let result = try relay("relay as \"@d.org\" source <t> hostname h pki P tls")
        #expect(result.sender == "@d.org")
        #expect(result.sources == "t")
        #expect(result.helo == "h")
        #expect(result.keyPair == "p")
        #expect(result.tls == .required)
        #expect(try relay("relay tls verify").tls == .verified)
        #expect(try relay("relay backup").backup == .ownName)
        #expect(try relay("relay backup mx2.example.org").backup == .named("mx2.example.org"))
        #expect(try relay("relay hostnames <m>").heloNames == "m")
        #expect(try relay("relay as user").sender == "user@mx.example.org")
    }

    @Test(arguments: [
        ("smtp://h", "smtp+notls://h", RelayAction.TLSPolicy.opportunistic), ("h", "smtp://h", .opportunistic),
        ("smtp+tls://h", "smtp://h", .opportunistic), ("tls://h", "smtp+tls://h", .required), ("smtps://h", "smtps://h", .required),
        ("secure://h", "smtp+tls://h", .required), ("secure://h:465", "smtps://h", .required), ("lmtp://h:24", "lmtp://h:24", .opportunistic),
        ("\"smtp://[::1]:26\"", "smtp+notls://[::1]:26", .opportunistic),
    ])
    func `a scheme gets the name of its meaning in 7.x`(_ old: String, _ new: String, _ tls: RelayAction.TLSPolicy) throws {
        let result = try configuration("accept for any relay via \(old)")
        guard case .relay(let relay)? = result.actions.values.first?.kind, case .smarthosts(let table)? = relay.hosts else {
            Issue.record("no smarthost")
            return
        }
        #expect(result.tables[table]?.content == .list([new]))
        #expect(relay.tls == tls)
    }

    @Test func `verify leaves the verifying to the URL`() throws {
        #expect(try relay("relay via tls://h verify").tls == .opportunistic)
        #expect(try relay("relay via smtps+auth://l@h auth <m> verify").tls == .opportunistic)
        #expect(try relay("relay via h verify").tls == .verified)
        #expect(try relay("relay via tls+auth://l@h auth <m>").tls == .required)
    }

    @Test(arguments: [
        ("relay via tls+auth://l@h", "auth without auth table"), ("relay via tls+auth://h auth <m>", "invalid url"), ("relay via tls://l@h", "invalid url"),
        ("relay via smtp+auth://l@h auth <m>", "invalid url"), ("relay via foo://h", "invalid url"), ("relay via lmtp://h", "invalid url"),
        ("relay via smtp://h verify", "verify needs a scheme with TLS"), ("relay via h tls", "syntax error at `tls`"), ("relay via h backup", "syntax error at `backup`"),
        ("relay auth <m>", "syntax error at `auth`"), ("relay hostname h hostnames <m>", "exclude each other"), ("relay hostnames <m> hostname h", "exclude each other"),
    ])
    func `is refused`(_ text: String, _ reason: String) {
        let found = errors(before + "accept for any \(text)")
        #expect(found.count == 1)
        #expect(found.first?.contains(reason) == true, "\(found)")
    }
}

@Suite("Listeners and settings of the 5.4 grammar (smtpd.conf 2.6, 2.7)") struct AcceptStatementTests {
    private let rule = "\nreject for any\n"
    private let pki = "pki p certificate \"/c\" key \"/k\" ca \"/c\" dhparams \"/c\"\n"

    @Test func `secure is two listeners`() throws {
        let list = try configuration(pki + "listen on lo secure pki P auth" + rule, on: machine).listeners
        #expect(list.map(\.tls) == [.implicit, .offered])
        #expect(list.map(\.port) == [465, 25])
        #expect(list.allSatisfy { $0.authority == "<pki p>" && $0.keyPairs == ["p"] })
        #expect(errors(pki + "listen on lo secure port 25 pki p" + rule, on: machine).first?.contains("secure cannot be used with port") == true)
    }

    @Test func `a repeated option replaces the first`() throws {
        let listener = try #require(try configuration("table m { a = b }\nlisten on lo port 25 tag a mask-source hostnames <m> port 26 tag b" + rule).listeners.first)
        #expect(listener.port == 26)
        #expect(listener.tag == "b")
        #expect(listener.masksSource)
        #expect(listener.hostnames == "m")
    }

    @Test func `a family counts for interfaces only`() throws {
        #expect(try configuration("listen on eth0 inet6" + rule).listeners[0].addresses == [.documentation6])
        #expect(try configuration("listen on 127.0.0.1 inet6" + rule).listeners[0].addresses == [.loopback4])
    }

    @Test func `ports end at 65534`() {
        #expect(errors("listen on lo port 65534" + rule).isEmpty)
        #expect(errors("listen on lo port 65535" + rule).count == 1)
    }

    @Test(arguments: ["tls", "smtps", "secure", "tls-require"]) func `TLS needs a pki`(_ mode: String) {
        #expect(errors("listen on lo \(mode)" + rule).first?.contains("tls/smtps requires pki") == true)
    }

    @Test func `each setting is taken`() throws {
        let result = try configuration(
            """
            expire 1d
            bounce-warn 1h, 2h
            max-message-size 1M
            max-mta-deferred 5
            queue compression
            queue encryption key 0123456789abcdef0123456789abcdef
            limit scheduler max-inflight 6
            limit mda max-session 7
            limit mta max-conn-per-host 8
            limit mta for domain d.org inet4
            """ + rule)
        #expect(result.queue.timeToLive == 86_400)
        #expect(result.queue.bounceWarnIntervals == [3_600, 7_200])
        #expect(result.session.maximumMessageSize == 1_048_576)
        #expect(result.mta.maximumDeferred == 5)
        #expect(result.queue.encryption == .key("0123456789abcdef0123456789abcdef"))
        #expect(result.scheduler.maximumInflight == 6)
        #expect(result.mda.maximumSessions == 7)
        #expect(result.mta.limitsByDomain["d.org"]?.connectionsPerHost == 8)
        #expect(result.mta.limits.connectionsPerSource == 50)
        #expect(result.mta.limits.transactionDelay == 1)
    }

    @Test(arguments: ["limit mta max-failures-per-session 1", "queue ttl 4d", "queue encryption foo", "bounce-warn 4", "pki p cert \"/c\"", "filterchain", "limit foo"])
    func `is refused`(_ text: String) {
        #expect(errors(text + rule).count == 1)
    }

    @Test func `a list may not begin with a newline`() {
        #expect(errors("table a {\n x }" + rule).isEmpty == false)
        #expect(errors("table a { x\n y }" + rule).isEmpty)
    }
}
