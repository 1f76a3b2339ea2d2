import MailSyntax

@testable import Envelopes

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
