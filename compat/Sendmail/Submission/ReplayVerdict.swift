import Envelopes
import MailSyntax

/// What is left to do for a message of the offline directory once the daemon has answered.
///
/// Its caller was told long ago that all is well, so a recipient who is refused costs a report to the sender,
/// and one who is only deferred waits on without the others getting the message again.
package struct ReplayVerdict: Hashable, Sendable {
    package struct Refusal: Hashable, Sendable {
        package let recipient: MailAddress
        /// The daemon's reply, for the report.
        package let reason: String
    }

    /// Some recipient got the message: the file must not be sent again as it is.
    package let isTaken: Bool
    /// Recipients who will never get it.
    package let refused: [Refusal]
    /// Recipients to be tried again.
    package let waiting: [MailAddress]
    /// Why they wait; empty when none does.
    package let delay: String

    package init(_ outcome: SubmissionOutcome) {
        var refused: [Refusal] = []
        var waiting: [MailAddress] = []
        var delay = ""
        func sort(_ recipient: MailAddress, _ reply: SubmissionReply) {
            if reply.isTemporary {
                waiting.append(recipient)
                delay = reply.text
            } else {
                refused.append(Refusal(recipient: recipient, reason: reply.text))
            }
        }
        for refusal in outcome.refused { sort(refusal.recipient, refusal.reply) }
        // Without an answer to the message's end nobody knows: a second copy is better than none (RFC 1047).
        if let failure = outcome.failure { for recipient in outcome.abandoned { sort(recipient, failure) } }
        isTaken = !outcome.accepted.isEmpty
        self.refused = refused
        self.waiting = waiting
        self.delay = delay
    }
}

extension SubmissionEnvelope {
    /// The sender wants to hear of failures, and is somebody (RFC 3461 section 4.1).
    package var wantsFailureReport: Bool {
        guard sender.address != nil else { return false }
        guard let notify else { return true }
        return notify.contains(.failure) && !notify.contains(.never)
    }

    /// The report about recipients who were refused; nil when the sender wants none.
    ///
    /// - Parameters:
    ///   - original: The message, or its beginning.
    ///   - size: Of the whole message.
    ///   - token: Letters and digits that no other report has.
    package func failureReport(
        about refused: [ReplayVerdict.Refusal], from host: Domain, at seconds: Int64, original: [UInt8], size: Int,
        token: String
    ) -> ReportMessage.Composed? {
        guard wantsFailureReport else { return nil }
        let now = Timestamp(seconds: seconds)
        let isEightBit = original.contains { $0 >= 0x80 }
        let transaction = Transaction(
            sender: sender, source: .local, reverseName: host.text, helo: host.text, serverName: host.text,
            body: isEightBit ? .eightBitMIME : .sevenBit, needsUTF8: needsUTF8, returnContent: returnContent,
            envelopeIdentifier: envelopeIdentifier)
        let recipients = refused.map { refusal in
            ReportedRecipient(
                recipient: refusal.recipient, finalRecipient: refusal.recipient, action: .failed,
                status: ReportedRecipient.statusCode(in: refusal.reason) ?? "", diagnostic: refusal.reason,
                lastAttempt: now)
        }
        return ReportMessage(
            .failed, from: host, about: transaction, recipients: recipients, arrival: nil, date: now,
            original: original, originalSize: size)?.composed(token: token)
    }
}
