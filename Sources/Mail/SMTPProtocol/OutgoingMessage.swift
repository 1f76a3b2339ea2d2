import Envelopes
import MailSyntax

/// A message for one transaction of a client session.
package struct OutgoingMessage: Hashable, Sendable {
    package var sender: ReversePath
    /// At least one.
    package var recipients: [Recipient]
    /// Octets on the wire, as well as they are known beforehand (RFC 1870 section 5).
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
