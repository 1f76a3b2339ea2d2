import Envelopes
import MailSyntax

/// What a ``ClientSession`` asks its driver to do next.
package enum ClientStep: Hashable, Sendable {
    /// Read what the server sends, at most ``ClientSession/timeoutSeconds`` long.
    case needsInput
    /// Send these octets.
    case send([UInt8])
    /// Shake hands on the connection, then call ``ClientSession/tlsStarted()``. Nothing that was read before may be
    /// taken for what comes after.
    case startTLS
    /// No transaction is open: call ``ClientSession/send(_:)`` or ``ClientSession/quit()``.
    case ready(ServerCapabilities)
    /// Call ``ClientSession/content(_:)`` with the next piece of the message,
    /// ``ClientSession/endOfContent()`` behind the last, or ``ClientSession/contentFailed()``.
    case needsContent
    /// What became of one recipient; each gets exactly one. The index is that in the message's list.
    case result(recipient: Int, DeliveryOutcome)
    /// Close the connection. Every recipient has its result.
    case close(ClientEnd)
}

/// How a client session ended.
package enum ClientEnd: Hashable, Sendable {
    /// As we wished.
    case quit
    case failed(ClientFailure)
}

/// Why a session can go on no further. None of it is final for a recipient: another host or a later time
/// may do better.
package enum ClientFailure: Error, Hashable, Sendable {
    /// The server refused the session with its greeting, its answer to EHLO or RSET, or gave up with 421.
    case refused(Reply)
    case malformedReply(ReplyParser.Failure)
    /// A reply that no command asked for, or one that does not fit the command.
    case unexpectedReply
    case connectionLost
    case timeout
    /// The message could not be read on our side.
    case contentFailed
    /// TLS is required and could not be had; in words.
    case tlsUnavailable(String)
    /// Our credentials were not taken, or could not be given; in words.
    case authenticationFailed(String)

    /// In words for the recipients that were under way.
    package var deliveryFailure: DeliveryFailure {
        switch self {
        case .refused(let reply):
            // The class is ours to say: a 5yz here concerns the host, not the mail.
            DeliveryFailure(status: "4.3.2", text: ClientSession.line(reply))
        case .malformedReply: DeliveryFailure(status: "4.5.0", text: "Malformed reply from server")
        case .unexpectedReply: DeliveryFailure(status: "4.5.0", text: "Unexpected reply from server")
        case .connectionLost: DeliveryFailure(status: "4.4.2", text: "Connection closed unexpectedly")
        case .timeout: DeliveryFailure(status: "4.4.2", text: "Timeout waiting for server")
        case .contentFailed: DeliveryFailure(status: "4.3.0", text: "Message could not be read")
        case .tlsUnavailable(let text): DeliveryFailure(status: "4.7.4", text: text)
        case .authenticationFailed(let text): DeliveryFailure(status: "4.7.8", text: text)
        }
    }
}

/// What a client session takes from its route.
package struct ClientSettings: Hashable, Sendable {
    package var kind: Kind
    /// What is said in EHLO, HELO or LHLO.
    package var helo: Domain
    package var startTLS = StartTLS.never
    /// The connection is one of TLS from its first octet.
    package var isSecured = false

    /// When STARTTLS is said (RFC 3207).
    package enum StartTLS: Hashable, Sendable {
        case never
        case whenOffered
        /// Or there is no session.
        case always
    }

    package enum Kind: Hashable, Sendable {
        case smtp
        /// LHLO, and a reply for each recipient behind the data (RFC 2033).
        case lmtp
    }

    package init(kind: Kind, helo: Domain) {
        self.kind = kind
        self.helo = helo
    }
}

/// A message for one transaction of a client session.
package struct OutgoingMessage: Hashable, Sendable {
    package var sender: ReversePath
    /// At least one.
    package var recipients: [Recipient]
    /// Stored octets.
    package var size: Int64
    package var body: BodyType
    package var needsUTF8: Bool
    package var returnContent: ReturnContent?
    /// Decoded.
    package var envelopeIdentifier: [UInt8]?

    package struct Recipient: Hashable, Sendable {
        package var path: Path
        package var notify: NotifyOptions?
        /// `type;xtext`.
        package var originalRecipient: [UInt8]?

        package init(path: Path, notify: NotifyOptions? = nil, originalRecipient: [UInt8]? = nil) {
            self.path = path
            self.notify = notify
            self.originalRecipient = originalRecipient
        }
    }

    /// What RCPT names.
    package enum Path: Hashable, Sendable {
        case address(MailAddress)
        /// A user of the LMTP server's own, without a domain.
        case user(LocalPart)

        var bytes: [UInt8] {
            switch self {
            case .address(let address): address.bytes
            case .user(let localPart): localPart.quoted
            }
        }
    }

    package init(
        sender: ReversePath, recipients: [Recipient], size: Int64, body: BodyType = .sevenBit, needsUTF8: Bool = false,
        returnContent: ReturnContent? = nil, envelopeIdentifier: [UInt8]? = nil
    ) {
        self.sender = sender
        self.recipients = recipients
        self.size = size
        self.body = body
        self.needsUTF8 = needsUTF8
        self.returnContent = returnContent
        self.envelopeIdentifier = envelopeIdentifier
    }
}
