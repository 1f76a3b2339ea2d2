import Envelopes
import MailSyntax
import SMTPProtocol

/// One envelope to be made of a recipient: where an address leads in the end.
package struct ResolvedDelivery: Hashable, Sendable {
    /// For a relay the address mailed to; for a local delivery the last address before it became a user.
    package var destination: MailAddress
    /// The name of the action that delivers.
    package var action: String
    /// ``Envelope/Kind/local(_:)`` or ``Envelope/Kind/relay``.
    package var kind: Envelope.Kind

    package init(destination: MailAddress, action: String, kind: Envelope.Kind) {
        self.destination = destination
        self.action = action
        self.kind = kind
    }
}

/// What became of a recipient.
package enum ExpansionResult: Hashable, Sendable {
    /// At least one delivery, none twice.
    case accepted([ResolvedDelivery], ExpansionTrace)
    /// The reply to RCPT, temporary or permanent.
    case refused(Reply, ExpansionTrace)

    package var trace: ExpansionTrace {
        switch self {
        case .accepted(_, let trace), .refused(_, let trace): trace
        }
    }
}
