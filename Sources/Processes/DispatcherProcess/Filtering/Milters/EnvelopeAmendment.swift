import MailSyntax

/// What a filter changes of a transaction, besides the content of its message.
enum EnvelopeAmendment: Hashable, Sendable {
    /// Expanded by the rules as one of RCPT is.
    case addRecipient(MailAddress)
    /// One of RCPT, or of a filter before.
    case removeRecipient(MailAddress)
    case changeSender(ReversePath)
    /// The message is kept, and not delivered before an operator says so.
    case quarantine(reason: String)
    /// The client is told that the message is taken, and nobody gets it.
    case discard
}
