import Envelopes
import MailSyntax
import SMTPProtocol
import WireTesting

@testable import ProcessMessages

/// Values of mail that cover every case and every optional field, for messages to carry.
enum Sample {
    static func address(_ local: String, _ domain: String = "example.org") -> MailAddress {
        // The texts are written in this folder; one that is no address fails every test.
        MailAddress(
            try! LocalPart(validating: Array(local.utf8)), at: try! Domain(validating: Array(domain.utf8)))
    }

    // Not zero in either half.
    static let message = MessageID(rawValue: 0x5F3A_9C1E)!
    static let id = EnvelopeID(message, 0x00D1_B2C4)!
    static let sibling = EnvelopeID(message, 1)!
    static let stranger = EnvelopeID(rawValue: 1 << 32 | 1)!

    static let ada = address("ada")
    static let quoted = address("ada b\"", "[192.0.2.1]")

    static let addresses = [ada, quoted, address("é", "bücher.example"), address("x", "[IPv6:2001:db8::1]")]
    static let reversePaths: [ReversePath] = [.null, .mailbox(ada)]
    static let networkAddresses: [IPAddress] = [.v4(0xC000_0201), .v6(high: 0x2001_0DB8 << 32, low: 1)]
    static let sources: [ClientSource] = [.local] + networkAddresses.map { .network($0) }

    static let plain = Transaction(
        sender: .null, source: .local, reverseName: "", helo: "localhost", serverName: "mx.example.org")
    static let full = Transaction(
        sender: .mailbox(ada), source: .network(.v4(0xC000_0201)), reverseName: "host.example", helo: "[192.0.2.1]",
        serverName: "mx.example.org", tag: "intern", user: "ada", isAuthenticated: true, usesTLS: true,
        isInternal: true, body: .binaryMIME, needsUTF8: true, returnContent: .headers,
        envelopeIdentifier: Array("QQ 314".utf8))
    static let transactions = [plain, full]

    static let kinds: [Envelope.Kind] = [
        .local(LocalDelivery(user: "ada")),
        .local(LocalDelivery(user: "ada", subaddress: "lists", method: .pipe("exec\t/usr/bin/vacation ada"))),
        .local(LocalDelivery(user: nil, subaddress: "", method: .file("/var/spool/archive"))),
        .relay, .bounce(.failed), .bounce(.delayed(after: 14_400)), .bounce(.delivered), .bounce(.relayed),
    ]
    static let notify: [NotifyOptions] = [.success, [.success, .failure, .delay], .delay, .never]

    static func envelope(_ kind: Envelope.Kind, id: EnvelopeID = id) -> Envelope {
        Envelope(
            id: id, recipient: ada, destination: quoted, action: "local", kind: kind,
            created: Timestamp(seconds: 1_700_000_000), timeToLive: 345_600)
    }

    static let envelopes =
        kinds.map { envelope($0) } + [
            Envelope(
                id: sibling, recipient: ada, destination: ada, action: "relay out", kind: .relay,
                created: Timestamp(seconds: 0), timeToLive: .max, notify: [.failure, .delay],
                originalRecipient: Array("rfc822;Ada+40example.org".utf8))
        ]
    static let drafts = [
        EnvelopeDraft(recipient: ada, destination: quoted, action: "local", kind: kinds[0], timeToLive: 345_600),
        EnvelopeDraft(
            recipient: ada, destination: ada, action: "relay", kind: .relay, timeToLive: 60, notify: .never,
            originalRecipient: Array("utf-8;x".utf8)),
    ]

    static let histories = [
        DeliveryHistory(),
        DeliveryHistory(
            attempts: 3, lastAttempt: Timestamp(seconds: 1_700_000_400), lastNotice: Timestamp(seconds: .max),
            lastError: "4.4.2 Zeitüberschreitung", isSuspended: true),
    ]
    static let outcomes: [DeliveryOutcome] = [
        .delivered(""), .delivered("250 2.0.0 Ok: queued as ABC"),
        .temporary(DeliveryFailure(status: "4.2.2", text: "Mailbox full")),
        .permanent(DeliveryFailure(status: "5.999.0", text: "")), .loop,
    ]
    static let replies = [
        Reply(550, "5.1.1", "Invalid recipient: <ada@example.org>"), Reply(220, nil, "ready"),
        Reply(450, "4.2.4", lines: ["one", "two", ""]),
    ]
    static let bodies: [MessageBody] = [.inline([]), .inline(Array("a: b\n\nc\n".utf8)), .file(size: 1 << 40)]
    static let users = [
        UserEntry(name: "ada", uid: 1_000, gid: 100, directory: "/home/ada"),
        UserEntry(name: "root", uid: 0, gid: 0, directory: "/"),
    ]
    static let userVerdicts: [UserVerdict] = users.map { .found($0) } + [.missing, .failed("cannot be read")]
    static let verdicts: [ExpansionVerdict] = [
        .accepted(drafts, trace: "rule smtpd.conf:3: 2 deliveries"), .refused(replies[0], trace: ""),
        .refused(replies[2], trace: "no rule matched"),
    ]
    // The bounds ascend, and there is one count more.
    static let report = StatisticsReport(
        values: statistics,
        histograms: [
            HistogramValue(key: "mda.delay", bounds: [1, 20], counts: [0, .max, 3], sum: -1, unit: .milliseconds)!,
            HistogramValue(key: "", bounds: [], counts: [7], sum: 0, unit: .bytes)!,
            HistogramValue(key: "crypto.signature.time", bounds: [20], counts: [1, 0], sum: 7, unit: .microseconds)!,
        ])
    static let statistics = [Statistic(key: "queue.envelope", value: 7), Statistic(key: "a", value: .min)]
}

/// The values that messages carry.
let valueSubjects = [
    WireSubject(Sample.addresses), WireSubject(Sample.reversePaths), WireSubject(Sample.networkAddresses),
    WireSubject(Sample.sources), WireSubject([Sample.message]), WireSubject([Sample.id, Sample.stranger]),
    WireSubject([Timestamp(seconds: 0), Timestamp(seconds: .max)]), WireSubject(Sample.transactions),
    WireSubject([BodyType.sevenBit, .eightBitMIME, .binaryMIME]), WireSubject([ReturnContent.full, .headers]),
    WireSubject(Sample.kinds), WireSubject(Sample.notify), WireSubject(Sample.envelopes),
    WireSubject(Sample.drafts), WireSubject(Sample.histories), WireSubject(Sample.outcomes),
    WireSubject(Sample.replies), WireSubject(Sample.bodies), WireSubject(Sample.users),
    WireSubject(Sample.userVerdicts), WireSubject(Sample.verdicts), WireSubject(Sample.statistics),
    WireSubject([QueueRefusal.outOfSpace, .failure]),
]
