import MailSyntax

/// Where a session came from.
package enum ClientSource: Hashable, Sendable {
    /// The daemon's own Unix socket: `sendmail` and the daemon itself.
    case local
    case network(IPAddress)

    /// `local`, dotted quad, or IPv6 in brackets, as queue listings, tables and logs write it.
    package var text: String {
        switch self {
        case .local: "local"
        case .network(let address): address.bracketed
        }
    }
}

/// What all envelopes of one message share: the facts of the SMTP transaction that brought it.
package struct Transaction: Hashable, Sendable {
    package var sender: ReversePath
    package var source: ClientSource
    /// The client's name by reverse lookup, `<unknown>` when there is none.
    package var reverseName: String
    /// What the client said in HELO or EHLO.
    package var helo: String
    /// The name under which we answered (the listener's).
    package var serverName: String
    /// The listener's tag, empty for none.
    package var tag: String
    /// The name the client authenticated as; for the local socket the login of its uid.
    package var user: String?
    package var isAuthenticated: Bool
    package var usesTLS: Bool
    /// The message was made by this server: a bounce, or a forwarded message under expansion.
    package var isInternal: Bool
    package var body: BodyType
    /// The client asked for SMTPUTF8 (RFC 6531): the envelope or header may hold UTF-8.
    package var needsUTF8: Bool
    /// What a failure report returns (RFC 3461 section 4.3).
    package var returnContent: ReturnContent?
    /// The sender's own id for the transaction, decoded (RFC 3461 section 4.4).
    package var envelopeIdentifier: [UInt8]?

    package init(
        sender: ReversePath, source: ClientSource, reverseName: String, helo: String, serverName: String,
        tag: String = "", user: String? = nil, isAuthenticated: Bool = false, usesTLS: Bool = false,
        isInternal: Bool = false, body: BodyType = .sevenBit, needsUTF8: Bool = false,
        returnContent: ReturnContent? = nil, envelopeIdentifier: [UInt8]? = nil
    ) {
        self.sender = sender
        self.source = source
        self.reverseName = reverseName
        self.helo = helo
        self.serverName = serverName
        self.tag = tag
        self.user = user
        self.isAuthenticated = isAuthenticated
        self.usesTLS = usesTLS
        self.isInternal = isInternal
        self.body = body
        self.needsUTF8 = needsUTF8
        self.returnContent = returnContent
        self.envelopeIdentifier = envelopeIdentifier
    }
}

/// The BODY parameter of MAIL (RFC 6152 section 3, RFC 3030 section 3).
package enum BodyType: UInt8, Hashable, Sendable {
    case sevenBit = 0
    case eightBitMIME = 1
    case binaryMIME = 2
}

/// The RET parameter of MAIL (RFC 3461 section 4.3).
package enum ReturnContent: UInt8, Hashable, Sendable {
    case full = 1
    case headers = 2
}

/// The NOTIFY parameter of RCPT (RFC 3461 section 4.1), with OpenSMTPD's bits.
package struct NotifyOptions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let success = NotifyOptions(rawValue: 1)
    package static let failure = NotifyOptions(rawValue: 2)
    package static let delay = NotifyOptions(rawValue: 4)
    package static let never = NotifyOptions(rawValue: 8)
}
