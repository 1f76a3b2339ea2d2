import Testing

@testable import Configuration

private let end = "\nmatch reject\n"

private func action(_ text: String, before: String = "") throws -> Action {
    try #require(try configuration("\(before)\naction a \(text)\(end)").actions["a"])
}

private func local(_ text: String, before: String = "") throws -> LocalAction {
    guard case .local(let local) = try action(text, before: before).kind else { throw LoadingFailed(text: "not local") }
    return local
}

private func relay(_ text: String, before: String = "") throws -> RelayAction {
    guard case .relay(let relay) = try action(text, before: before).kind else { throw LoadingFailed(text: "no relay") }
    return relay
}

@Suite("Local actions (smtpd.conf 1.5)") struct LocalActionTests {
    @Test func `each method is taken`() throws {
        #expect(try local("mbox").method == .mbox)
        #expect(try local("maildir").method == .maildir(nil, junk: false))
        #expect(try local("maildir junk").method == .maildir(nil, junk: true))
        #expect(try local("maildir \"~/m\" junk").method == .maildir("~/m", junk: true))
        #expect(try local("lmtp \"/sock\"").method == .lmtp("/sock", usesRecipientAddress: false))
        #expect(try local("lmtp localhost:24 rcpt-to").method == .lmtp("localhost:24", usesRecipientAddress: true))
        #expect(try local("mda \"cat\"").method == .command("cat"))
        #expect(try local("forward-only").method == .forwardOnly)
        #expect(try local("expand-only").method == .expandOnly)
        #expect(try local("mbox").userbase == "<getpwnam>")
    }

    @Test func `options come in any order, ttl last`() throws {
        let before = "table m { a = b }\nmda wrapper w \"wrap %{mda}\"\n"
        let one = try action("maildir userbase <m> user vmail wrapper w virtual <m> ttl 2d", before: before)
        let two = try action("maildir virtual <m> wrapper w user vmail userbase <m> ttl 2d", before: before)
        #expect(one == two)
        #expect(one.timeToLive == 172_800)
        guard case .local(let local) = one.kind else { return }
        #expect(local.user == "vmail")
        #expect(local.virtual == "m")
        #expect(local.userbase == "m")
        #expect(local.wrapper == "wrap %{mda}")
    }

    @Test func `a wrapper around mbox is taken and told to be of little use`() {
        guard case .configuration(_, let notes) = load("mda wrapper w cat\naction a mbox wrapper w\(end)") else {
            return #expect(Bool(false))
        }
        #expect(notes.map(\.severity) == [.warning])
    }

    @Test(arguments: [
        ("mbox user vmail", "user may not be given for mbox, forward-only and expand-only"),
        ("forward-only user vmail", "user may not be given for mbox, forward-only and expand-only"),
        ("expand-only user vmail", "user may not be given for mbox, forward-only and expand-only"),
        ("mbox alias { a = b } virtual { a = b }", "alias and virtual exclude each other"),
        ("mbox virtual { a = b } alias { a = b }", "alias and virtual exclude each other"),
        ("mbox alias { a = b } alias { a = b }", "alias already given for this action"),
        ("maildir wrapper none", "no such mda wrapper: none"),
        ("maildir junk \"path\"", "syntax error"),
        ("maildir ttl 1h user vmail", "syntax error"),
        ("maildir ttl 1h ttl 1h", "ttl already given for this action"),
        ("mail", "syntax error"),
    ])
    func `is refused`(_ text: String, _ reason: String) {
        let found = errors("action a \(text)\(end)")
        #expect(found.count == 1)
        #expect(found.first?.contains(reason) == true, "\(found)")
    }

    @Test func `a name is taken once, reserved words too`() throws {
        #expect(errors("action a mbox\naction a relay\(end)") == ["smtpd.conf:2:8: action already declared with that name: a (at smtpd.conf:1:8)"])
        #expect(try configuration("action local mbox\naction relay relay\nmatch action local\nmatch action relay\n").actions.count == 2)
    }

    @Test func `a user the system does not know is warned about`() {
        #expect(notes("action a maildir user nobody-here\(end)") == ["smtpd.conf:1:23: warning: there is no user nobody-here on this system"])
    }
}

@Suite("Relay actions (smtpd.conf 1.5)") struct RelayActionTests {
    @Test func `each option is taken`() throws {
        let result = try relay(
            "relay helo h helo-src <m> pki p ca c ciphers x protocols y src <l> mail-from \"@d\" host smtps://l@h tls no-verify auth <m> srs",
            before: "table m { a = b }\ntable l { \"192.0.2.1\" }\nsrs key k\n")
        #expect(result.helo == "h")
        #expect(result.heloNames == "m")
        #expect(result.keyPair == "p")
        #expect(result.authority == "c")
        #expect(result.ciphers == "x")
        #expect(result.protocols == "y")
        #expect(result.sources == "l")
        #expect(result.sender == "@d")
        #expect(result.tls == .required)
        #expect(result.auth == "m")
        #expect(result.usesSRS)
        guard case .smarthosts = result.hosts else {
            Issue.record("no smarthost")
            return
        }
        #expect(try relay("relay rewrite-from me@example.org").rewriting == .address("me@example.org"))
        #expect(try relay("relay rewrite-from <m>", before: "table m { a = b }\n").rewriting == .table("m"))
        let table = "table m { a = b }\n"
        #expect(try relay("relay host smtps://l@h auth <m> oauth srs", before: table + "srs key k\n").tokens == .table)
        #expect(try relay("relay host smtps://l@h auth <m> oauth command \"c x\" tls", before: table).tokens == .command("c x", user: nil))
        #expect(try relay("relay host smtps://l@h auth <m> oauth command \"c\" user u", before: table).tokens == .command("c", user: "u"))
        #expect(try relay("relay host smtps://l@h auth <m>", before: table).tokens == nil)
        #expect(try relay("relay tls").tls == .verified)
        #expect(try relay("relay backup").backup == .ownName)
        #expect(try relay("relay backup mx m.example.org").backup == .named("m.example.org"))
        #expect(try relay("relay domain { \"example.org\" = \"smtp://h\" }").hosts != nil)
    }

    @Test(arguments: [
        ("relay auth { a = b }", "auth needs a host or domain before it"),
        ("relay auth { a = b } host smtps://l@h", "auth needs a host or domain before it"),
        ("relay backup host h", "backup excludes host and domain"),
        ("relay host h backup", "backup and host exclude each other"),
        ("relay host h domain { a = b }", "host or domain already given"),
        ("relay tls tls", "tls already given"),
        ("relay host h auth { a = b } oauth command \"\"", "the command is empty"),
        ("relay host h auth { a = b } oauth user u", "syntax error"),
        ("relay host h oauth", "syntax error"),
        ("relay srs", "srs needs an `srs key` before it"),
        ("relay helo a helo b", "helo already given"),
        ("relay filter none", "no such filter: none"),
        ("relay host { a = b }", "may not be used for relayhost lookups"),
        ("relay alias { a = b }", "syntax error"),
    ])
    func `is refused`(_ text: String, _ reason: String) {
        let found = errors("action a \(text)\(end)")
        #expect(found.count == 1)
        #expect(found.first?.contains(reason) == true, "\(found)")
    }

    @Test func `a bad relay URL and a pki that does not exist are warned about`() {
        #expect(notes("action a relay host tls://h\(end)") == ["smtpd.conf:1:21: warning: invalid relay URL tls://h: unknown scheme `tls`"])
        #expect(notes("action a relay pki p\(end)") == ["smtpd.conf:1:8: warning: pki name not found: p; this relay cannot start"])
    }
}

@Suite("Relay URLs (smtpd.conf 1.5)") struct RelayURLTests {
    @Test(arguments: [
        ("h", RelayURL(scheme: .smtp, host: "h", port: 25)),
        ("smtp://h.example.org:2525", RelayURL(scheme: .smtp, host: "h.example.org", port: 2525)),
        ("smtp+tls://l@h", RelayURL(scheme: .smtpTLS, label: "l", host: "h", port: 25)),
        ("smtp+notls://192.0.2.1", RelayURL(scheme: .smtpNoTLS, host: "192.0.2.1", port: 25)),
        ("SMTPS://l@h", RelayURL(scheme: .smtps, label: "l", host: "h", port: 465)),
        ("lmtp://[::1]:24", RelayURL(scheme: .lmtp, host: "::1", port: 24)),
        ("smtps://a@b@h:65535", RelayURL(scheme: .smtps, label: "a@b", host: "h", port: 65_535)),
    ])
    func `is read and written`(_ text: String, _ url: RelayURL) throws {
        #expect(try RelayURL(parsing: text) == url)
        #expect(try RelayURL(parsing: url.description) == url)
    }

    @Test(arguments: [
        ("foo://h", RelayURL.Failure.unknownScheme("foo")), ("smtp://l@h", .labelWithoutTLS), ("smtps://@h", .malformedLabel),
        ("", .malformedHost), ("smtp://", .malformedHost), ("smtp://[::1", .malformedHost), ("smtp://[::1]x", .malformedHost),
        ("smtp://a b", .malformedHost), ("h:0", .malformedPort), ("h:65536", .malformedPort), ("h:", .malformedPort), ("lmtp://h", .missingPort),
    ])
    func `is refused`(_ text: String, _ reason: RelayURL.Failure) {
        #expect(throws: reason) { try RelayURL(parsing: text) }
    }
}
