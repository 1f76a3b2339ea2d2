import MailSyntax
import SeededTesting
import Tables
import Testing

@testable import Configuration

private let machine = FakeMachine().with("/c").with("/conf").with("/secret/key")

/// A configuration that uses as much of the language as fits.
private let everything = """
    pki p cert "/c" key "/secret/key" dhe legacy
    ca c cert "/c"
    table m { a = b }
    table l { x, y }
    table d passwd:/conf
    mda wrapper w "secret wrapper"
    proc x "filter-x" user vmail group vmail chroot "/var"
    filter f1 proc x
    filter f2 phase connect match !rdns regex <l> disconnect "550 a"
    filter f3 phase connect match fcrdns junk
    filter f4 phase mail-from match src <l> bypass
    filter f5 phase helo match helo <l> rewrite "b"
    filter f6 phase auth match auth <l> report "c"
    filter f7 phase rcpt-to match rcpt-to <l> reject "550 d"
    filter f8 phase data match mail-from <l> report "e"
    filter g chain { f1, f2 }
    listen on lo tls-require verify pki p ca c ciphers x protocols y auth <m> tag T hostname h hostnames <m> senders <m> masquerade mask-src no-dsn received-auth proxy-v2 filter g
    listen on all port 26 filter { f2, f3 }
    queue compression
    queue encryption 0123456789abcdef0123456789abcdef
    bounce warn-interval 1h, 2h
    srs key s
    srs key backup s2
    smtp ciphers z
    mta limit for domain d.org inet4
    action a1 maildir "/secret/path" junk user vmail wrapper w virtual <m> userbase <m> ttl 1d
    action a2 lmtp "/secret/socket" rcpt-to alias <m>
    action a3 mda "secret command"
    action a4 forward-only
    action a5 expand-only
    action a6 mbox
    action r1 relay host smtps://label@h tls no-verify auth <m> oauth command "print" user "tok" src <l> helo h helo-src <m> pki p ca c ciphers x protocols y mail-from "@d" rewrite-from <m> filter f1 srs
    action r2 relay backup mx n tls
    action r3 relay backup rewrite-from "me@d.org"
    action r4 relay domain { "d.org" = "smtp://h" }
    match !tag T from socket for any helo <l> tls auth reject
    match from src <l> for domain <l> auth <l> mail-from regex <l> rcpt-to <l> action a1
    match from rdns for local action a2
    match from rdns <l> action r1
    match from any action r2

    """

@Suite("What each role may know") struct ViewTests {
    private let whole: Configuration

    init() throws { whole = try configuration(everything, on: machine) }

    @Test func `lookup sees no path, command or socket of a delivery`() {
        let view = whole.view(for: LookupView.self)
        #expect(view.rules == whole.rules)
        #expect(view.tables == whole.tables)
        #expect(Set(view.actions.keys) == Set(whole.actions.keys))
        #expect(!"\(view.actions)".contains("secret"))
        #expect(view.actions["a1"]?.timeToLive == 86_400)
        guard case .local(let local)? = view.actions["a1"]?.kind, case .relay(let relay)? = view.actions["r1"]?.kind else {
            Issue.record("kinds changed")
            return
        }
        #expect(local.user == "vmail")
        #expect(local.virtual == "m")
        #expect(relay.usesSRS)
        // Tables it looks up for the dispatcher, and nothing else.
        #expect(relay.auth == "m")
        #expect(relay.tokens == .command("print", user: "tok"))
        #expect(relay.helo == nil && relay.keyPair == nil && relay.sender == nil)
    }

    @Test func `the dispatcher sees no key and no secret`() {
        let view = whole.view(for: DispatcherView.self)
        let text = "\(view)"
        for secret in ["/secret/key", "0123456789abcdef", "s2"] { #expect(!text.contains(secret)) }
        #expect(view.listeners == whole.listeners)
        #expect(view.keyPairs["p"]?.certificate == "/c")
        #expect(view.keyPairs["p"]?.key == nil)
    }

    @Test func `queue and scheduler see their own part`() {
        let queue = whole.view(for: QueueView.self)
        #expect(queue.actions == ["a1", "a2", "a3", "a4", "a5", "a6", "r1", "r2", "r3", "r4"])
        #expect(queue.settings.encryption == .key(""), "the key itself goes another way")
        #expect(whole.view(for: SchedulerView.self).bounceWarnIntervals == [3_600, 7_200])
        #expect(whole.view(for: ParentView.self).configuration == whole)
    }
}

@Suite("Views as bytes") struct CodingTests {
    private let whole: Configuration

    init() throws { whole = try configuration(everything, on: machine) }

    private func check<View: BinaryValue & Equatable>(_ view: View) throws {
        let bytes = view.encoded
        #expect(try View(decoding: bytes) == view)
        #expect(try View(decoding: bytes).encoded == bytes)
        for length in 0..<bytes.count {
            #expect(throws: DecodingFailure.self) { try View(decoding: Array(bytes[..<length])) }
        }
        #expect(throws: DecodingFailure.trailingBytes) { try View(decoding: bytes + [0]) }
    }

    @Test func `each view comes back whole, and no part of it does`() throws {
        try check(whole.view(for: LookupView.self))
        try check(whole.view(for: QueueView.self))
        try check(whole.view(for: SchedulerView.self))
        try check(whole.view(for: DispatcherView.self))
    }

    @Test func `equal values have equal bytes`() throws {
        let again = try configuration(everything, on: machine)
        #expect(again.view(for: LookupView.self).encoded == whole.view(for: LookupView.self).encoded)
    }

    @Test func `damaged bytes are refused or are another value, never a crash`() {
        var generator = SplitMix64(seed: 7)
        let bytes = whole.view(for: LookupView.self).encoded
        for _ in 0..<1_000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                damaged[Int.random(in: damaged.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if let view = try? LookupView(decoding: damaged) { #expect(view.encoded.count <= damaged.count) }
        }
    }

    @Test func `primitives refuse what they did not write`() {
        #expect(throws: DecodingFailure.invalidValue) { try Bool(decoding: [2]) }
        #expect(throws: DecodingFailure.invalidValue) { try Generation(decoding: [6]) }
        #expect(throws: DecodingFailure.invalidText) { try String(decoding: [0, 0, 0, 1, 0xFF]) }
        #expect(throws: DecodingFailure.truncated) { try String(decoding: [0xFF, 0xFF, 0xFF, 0xFF, 0]) }
        #expect(throws: DecodingFailure.duplicateKey) { try [String: Bool](decoding: [0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]) }
        #expect(throws: Never.self) { try Int64(decoding: Int64.min.encoded) }
    }
}

@Suite("What cannot be served yet") struct UnsupportedFeatureTests {
    @Test func `each use is listed with its place`() throws {
        let uses = UnsupportedFeatures.list(in: try configuration(everything, on: machine))
        let found = Set(uses.map(\.feature))
        #if Compression
            let left: Set<UnsupportedFeature> = []
        #else
            let left: Set<UnsupportedFeature> = [.queueCompression]
        #endif
        #expect(found == left)
        #expect(uses.allSatisfy { $0.location != nil })
    }

    @Test func `a relay that rewrites by SRS is served`() throws {
        #expect(UnsupportedFeatures.list(in: try configuration("srs key x\naction a relay srs\nmatch for any action a")).isEmpty)
    }

    @Test func `local delivery asks for nothing that is missing`() throws {
        let machine = FakeMachine().with("/aliases", "a b\n")
        let text = "table a file:/aliases\nlisten on lo\naction m maildir alias <a>\nmatch from any for any action m"
        #expect(UnsupportedFeatures.list(in: try configuration(text, on: machine)).isEmpty)
    }
}
