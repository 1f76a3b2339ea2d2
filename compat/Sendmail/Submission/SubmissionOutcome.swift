import MailSyntax

/// What became of a message.
package struct SubmissionOutcome: Hashable, Sendable {
    package struct Refusal: Hashable, Sendable {
        package let recipient: MailAddress
        package let reply: SubmissionReply
    }

    /// Those for whom the daemon has taken the message; or, when verifying, would.
    package internal(set) var accepted: [MailAddress] = []
    /// Recipients that were refused by themselves.
    package internal(set) var refused: [Refusal] = []
    /// Recipients for whom the message was not taken because of ``failure``.
    package internal(set) var abandoned: [MailAddress] = []
    /// Why the session or the message itself was refused.
    package internal(set) var failure: SubmissionReply?
    /// ``failure`` came after the message was sent.
    package internal(set) var isContentRefused = false
    /// The connection was lost between the end of the message and its reply: the daemon may have it.
    package internal(set) var isInDoubt = false

    /// The daemon was lost, and has nothing of the message for certain.
    package var canGoElsewhere: Bool { failure == .lost && accepted.isEmpty && !isInDoubt }

    package init() {}

    /// The exit status that says it to the caller.
    ///
    /// Where some recipients got the message, the status tells of the others, for nobody else will.
    package var status: ExitCode {
        if let failure, !failure.isTemporary {
            // 552 at MAIL is about the size that was announced.
            return isContentRefused || failure.code == 552 ? .badData : .unavailable
        }
        if failure != nil || refused.contains(where: { $0.reply.isTemporary }) { return .temporaryFailure }
        return refused.isEmpty ? .ok : .noUser
    }
}
