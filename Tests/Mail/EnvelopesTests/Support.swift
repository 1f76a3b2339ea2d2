import MailSyntax

@testable import Envelopes

/// A seeded generator: a failure can be seen again.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

func address(_ localPart: String, _ domain: String) throws -> MailAddress {
    MailAddress(try LocalPart(validating: Array(localPart.utf8)), at: try Domain(validating: Array(domain.utf8)))
}

func transaction(
    from sender: ReversePath? = nil, source: ClientSource = .network(.v4(0xC000_0201)), needsUTF8: Bool = false,
    returnContent: ReturnContent? = nil
) throws -> Transaction {
    Transaction(
        sender: try sender ?? .mailbox(address("ada", "example.org")), source: source, reverseName: "client.example.org",
        helo: "client", serverName: "mx.example.net", needsUTF8: needsUTF8, returnContent: returnContent)
}

func envelope(
    kind: Envelope.Kind = .relay, to recipient: MailAddress? = nil, notify: NotifyOptions? = nil
) throws -> Envelope {
    let recipient = try recipient ?? address("bob", "example.net")
    return Envelope(
        id: EnvelopeID("5f3a9c1e00d1b2c4")!, recipient: recipient, destination: recipient, action: "out", kind: kind,
        created: Timestamp(seconds: 1_700_000_000), timeToLive: 345_600, notify: notify)
}
