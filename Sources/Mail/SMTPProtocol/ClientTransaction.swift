import Envelopes

/// One message on its way through a ``ClientSession``.
struct ClientTransaction: Sendable {
    enum Command: Hashable, Sendable {
        case mail
        /// The index of the recipient.
        case rcpt(Int)
        case data
    }

    enum Phase: Sendable {
        /// MAIL, RCPT and DATA go out.
        case commands
        case content(DotStuffer)
        /// The data has ended. For LMTP each accepted recipient gets a reply, in order.
        case awaitingVerdicts
        /// The server wants data though it took no recipient; it gets none (RFC 2920 section 3.1).
        case awaitingEmptyVerdict
    }

    /// Commands sent ahead of their replies; bounded, so that neither side's buffers fill up while both
    /// write (RFC 2920 section 3.1).
    static let window = 50

    let message: OutgoingMessage
    var phase = Phase.commands
    /// Commands not sent yet.
    var unsent: ArraySlice<Command>
    /// Commands without a reply yet.
    var unanswered: [Command] = []
    /// MAIL was accepted: the server holds a transaction.
    var isOpen = false
    /// Recipients accepted and without a result, in order.
    var accepted: [Int] = []
    /// Recipients not decided on.
    var undecided: [Int]
    var isPipelining: Bool

    /// Recipients that have no result.
    var openRecipients: [Int] { (accepted + undecided).sorted() }

    var isSendingContent: Bool { if case .content = phase { true } else { false } }

    var maySendCommands: Bool {
        guard case .commands = phase, !unsent.isEmpty else { return false }
        return isPipelining ? unanswered.count < Self.window / 2 : unanswered.isEmpty
    }

    /// RFC 5321 section 4.5.3.2.
    var timeoutSeconds: Int64 {
        switch phase {
        case .commands: unanswered == [.data] ? 120 : 300
        case .content: 180
        case .awaitingVerdicts, .awaitingEmptyVerdict: 600
        }
    }
}
