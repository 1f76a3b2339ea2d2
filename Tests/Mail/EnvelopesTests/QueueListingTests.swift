import MailSyntax
import SeededTesting
import Testing

@testable import Envelopes

@Suite("Lines of show queue and mailq") struct QueueListingTests {
    @Test func `the documented example is this line`() throws {
        var sent = try transaction(from: .mailbox(address("a", "example.org")))
        sent.isAuthenticated = true
        let history = DeliveryHistory(attempts: 1, lastAttempt: Timestamp(seconds: 1_700_000_100), lastError: "451 try later")
        let line = try QueueListing.line(envelope(to: address("b", "example.net")), sent, history, state: .pending(in: 1_493))
        #expect(line == "5f3a9c1e00d1b2c4|inet4|mta|auth|a@example.org|b@example.net|b@example.net|1700000000|1700345600|1700000100|1|pending|1493|451 try later")
    }

    @Test(arguments: [
        (QueueListing.RunState.pending(in: -5), "pending|-5"), (.inflight(since: 12), "inflight|12"), (.invalid, "invalid|"),
        (.offline, "offline|"),
    ])
    func `field 13 belongs to the state`(_ state: QueueListing.RunState, _ text: String) throws {
        let line = try QueueListing.line(envelope(), transaction(), DeliveryHistory(), state: state)
        #expect(line.hasSuffix("|0|0|\(text)|"))
    }

    @Test func `types, families and flags have their words, flags in order`() throws {
        var sent = try transaction(from: .null, source: .local)
        sent.isAuthenticated = true
        sent.isInternal = true
        let history = DeliveryHistory(isSuspended: true)
        let local = try QueueListing.line(
            envelope(kind: .local(LocalDelivery(user: "bob"))), sent, history, state: .offline, isHeld: true)
        #expect(local.hasPrefix("5f3a9c1e00d1b2c4|local|mda|bounce,auth,internal,suspend,hold|@|bob@example.net|"))
        let bounce = try QueueListing.line(
            envelope(kind: .bounce(.failed)), transaction(source: .network(.v6(high: 1, low: 2))), DeliveryHistory(),
            state: .offline)
        #expect(bounce.hasPrefix("5f3a9c1e00d1b2c4|inet6|bounce||ada@example.org|"))
    }

    @Test(arguments: 1...200)
    func `whatever the texts are, it is one line of 14 fields`(_ seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let alphabet: [Unicode.Scalar] = ["|", "\\", "a", " ", "\u{E4}", "\"", "%", "\u{A0}"]
        let localPart = String(String.UnicodeScalarView((0..<9).map { _ in alphabet.randomElement(using: &generator)! }))
        let error = String(String.UnicodeScalarView((0..<9).map { _ in
            (alphabet + ["\n", "\r", "\t", "\0", "\u{7F}", "\u{9B}"]).filter { $0 != "|" }.randomElement(using: &generator)!
        }))
        let line = try QueueListing.line(
            envelope(to: address(localPart, "example.net")), transaction(), DeliveryHistory(lastError: error), state: .offline)
        #expect(line.split(separator: "|", omittingEmptySubsequences: false).count == 14)
        #expect(line.unicodeScalars.allSatisfy { !ReportText.isControl($0) })
    }

    @Test(arguments: [
        ("plain", "plain"), ("a\\b", "a\\\\b"), ("a\nb\r\tc", "a\\nb\\r\\tc"), ("\u{1B}[0m", "\\033[0m"), ("\0", "\\000"),
        ("\u{7F}", "\\177"), ("\u{9B}", "\\302\\233"), ("gr\u{FC}n", "gr\u{FC}n"), ("a|b", "a|b"),
    ])
    func `an error text is escaped as vis does`(_ text: String, _ escaped: String) {
        #expect(QueueListing.escaped(text) == escaped)
    }

    @Test(arguments: [
        (0, "0s"), (1, "1s"), (60, "1m"), (3_723, "1h2m3s"), (86_400, "1d"), (93_784, "1d2h3m4s"), (-61, "-1m1s"),
        (.min, "-106751991167300d15h30m8s"),
    ] as [(Int64, String)])
    func `durations leave out what is zero`(_ seconds: Int64, _ text: String) {
        #expect(durationText(seconds) == text)
    }
}

@Suite("The text of show envelope (version 3)") struct EnvelopeTextTests {
    @Test func `a local envelope has its fields in order`() throws {
        var sent = try transaction(returnContent: .headers)
        sent.tag = "IN"
        sent.user = "ada"
        sent.isAuthenticated = true
        sent.envelopeIdentifier = Array("id".utf8)
        var local = try envelope(
            kind: .local(LocalDelivery(user: "bob", subaddress: "news", method: .pipe("/usr/bin/sort -u"))),
            notify: [.failure, .delay])
        local.originalRecipient = Array("rfc822;bob@example.net".utf8)
        let history = DeliveryHistory(
            attempts: 2, lastAttempt: Timestamp(seconds: 1_700_000_400), lastNotice: Timestamp(seconds: 1_700_014_400),
            lastError: "busy")
        #expect(QueueListing.text(local, sent, history) == """
            version: 3
            dispatcher: out
            tag: IN
            type: mda
            smtpname: mx.example.net
            helo: client
            hostname: client.example.org
            username: ada
            errorline: busy
            sockaddr: 192.0.2.1
            sender: ada@example.org
            rcpt: bob@example.net
            dest: bob@example.net
            ctime: 1700000000
            last-try: 1700000400
            last-bounce: 1700014400
            ttl: 345600
            retry: 2
            flags: authenticated
            dsn-notify: 6
            dsn-ret: HDRS
            dsn-envid: id
            dsn-orcpt: rfc822;bob@example.net
            mda-exec: /usr/bin/sort -u
            mda-subaddress: news
            mda-user: bob

            """)
    }

    @Test func `empty fields are left out, zero times are not`() throws {
        var sent = try transaction(from: .null, source: .network(.v6(high: 0x2001_0DB8_0000_0000, low: 1)), returnContent: .full)
        sent.isInternal = true
        let text = try QueueListing.text(envelope(kind: .bounce(.delayed(after: 60))), sent, DeliveryHistory())
        #expect(text == """
            version: 3
            dispatcher: out
            type: bounce
            smtpname: mx.example.net
            helo: client
            hostname: client.example.org
            sockaddr: [2001:db8::1]
            sender: @
            rcpt: bob@example.net
            dest: bob@example.net
            ctime: 1700000000
            last-try: 0
            last-bounce: 0
            ttl: 345600
            retry: 0
            flags: bounce internal
            dsn-notify: 0
            dsn-ret: FULL
            bounce-ttl: 345600
            bounce-delay: 60
            bounce-type: delayed

            """)
    }

    @Test func `no value begins a line of its own`() throws {
        var sent = try transaction()
        sent.helo = "x\nmda-exec: rm"
        sent.reverseName = "y\r\nmda-user: root"
        let text = try QueueListing.text(
            envelope(), sent, DeliveryHistory(lastError: "450 a\nmda-exec: touch /tmp/x\u{85}mda-user: root"))
        #expect(!text.split(separator: "\n").contains { $0.hasPrefix("mda-") })
        #expect(!text.contains("\r") && !text.contains("\u{85}"))
    }
}
