import Envelopes
import MailSyntax

/// What a ``ServerSession`` asks its driver to do next.
package enum ServerStep: Hashable, Sendable {
    /// Everything received is used up: flush the replies, then read more.
    case needsInput
    /// Send this. Replies of pipelined commands may leave together: at the next step that is no reply
    /// and no message bytes (RFC 2920 section 3.2).
    case reply(Reply)
    /// The client authenticates. Answer with ``ServerSession/authenticationAnswered(_:)``.
    case authenticate(AuthenticationMessage)
    /// The exchange under way is over without an answer: forget it.
    case abandonAuthentication
    /// May mail from this sender enter? Answer with ``ServerSession/senderChecked(_:)``. Accepting opens
    /// the transaction; from then on exactly one of ``commitMessage(size:)`` and ``rollbackMessage`` follows.
    case checkSender(Transaction)
    /// May this recipient be added? Answer with ``ServerSession/recipientChecked(_:)``.
    case checkRecipient(RecipientRequest)
    /// The content follows. Answer with ``ServerSession/messageOpened(_:)``.
    case beginMessage
    /// Append these octets to the message: the trace header first, lines ended by LF.
    case messageBytes([UInt8])
    /// Give this content to the filters of the session, in place of ``messageBytes(_:)``, for a message that was opened
    /// with ``OpenedMessage/isFiltered``: the trace header first, whole lines, ended by LF. What comes out of the
    /// filters is stored by way of ``FilteredContent``.
    case filterContent([UInt8])
    /// The content is complete. Answer, when the filters have given all of it back, with
    /// ``ServerSession/contentFiltered(_:)``.
    case finishContent
    /// May the client do this? Answer with ``ServerSession/filtersAnswered(_:)``. Comes only with
    /// ``ServerSettings/isFiltered``, and never for ``FilterPhase/dataLine``.
    case consult(FilterQuestion)
    /// Tell the filters. Comes only with ``ServerSettings/isFiltered``.
    case event(SessionEvent)
    /// All octets, `size` in number, are given: make the message durable. Answer with
    /// ``ServerSession/messageCommitted(_:)``.
    case commitMessage(size: Int64)
    /// The transaction is gone: forget its recipients and what was stored of the message.
    case rollbackMessage
    /// Flush the replies and shake hands; what was received behind the command is already dropped
    /// (CVE-2011-0411). Answer with ``ServerSession/tlsStarted(over:)`` or
    /// ``ServerSession/tlsFailed()``.
    case startTLS
    /// Flush the replies and close the connection.
    case close(DisconnectReason)
}

/// What a session tells filters by itself; all else its driver knows.
package enum SessionEvent: Hashable, Sendable {
    /// The greeting was sent.
    case greeted
    /// A line of the client, control characters and credentials replaced.
    case clientLine([UInt8])
    /// MAIL was refused by the server itself; the address as the client gave it, without brackets.
    case refusedSender([UInt8], Reply)
    /// RCPT was.
    case refusedRecipient([UInt8], Reply)
    /// HELO or EHLO was accepted.
    case identified(method: String, name: String)
    /// The client was silent for too long.
    case timedOut
}

/// The answer to ``ServerStep/finishContent``.
package enum FilteredMessage: Hashable, Sendable {
    /// All is stored, `size` octets.
    case complete(size: Int64)
    /// The client gets this reply, and the message is gone.
    case refused(Reply)
}

/// A recipient as RCPT named it.
package struct RecipientRequest: Hashable, Sendable {
    package var address: MailAddress
    /// RFC 3461 NOTIFY, nil when the client did not say.
    package var notify: NotifyOptions?
    /// RFC 3461 ORCPT as `type;xtext`, checked.
    package var originalRecipient: [UInt8]?

    package init(address: MailAddress, notify: NotifyOptions? = nil, originalRecipient: [UInt8]? = nil) {
        self.address = address
        self.notify = notify
        self.originalRecipient = originalRecipient
    }
}

/// What a client says in an exchange of SASL (RFC 4954 section 4), decoded.
package enum AuthenticationMessage: Hashable, Sendable {
    /// The name of a mechanism that is offered, and the initial response when there is one.
    case start(mechanism: String, initialResponse: [UInt8]?)
    /// The answer to a challenge.
    case response([UInt8])
}

/// What becomes of a client's message in an exchange of SASL.
package enum AuthenticationAnswer: Hashable, Sendable {
    /// The client must answer this.
    case challenge([UInt8])
    /// The client is this user.
    case accepted(user: String)
    /// It is not who it says. The driver has waited for as long as it wanted to.
    case refused
    /// Nobody could say.
    case unavailable
    /// This client has failed too often, in this session and others: the session ends.
    case tooManyFailures
}

/// An answer to a question about a sender, a recipient or a message.
package enum Verdict: Hashable, Sendable {
    case accept
    /// The client gets this reply; code 421 ends the session.
    case refuse(Reply)
}

/// The answer to ``ServerStep/beginMessage``.
package enum MessageOpening: Hashable, Sendable {
    case opened(OpenedMessage)
    /// The client gets this reply, and the transaction is over; code 421 ends the session.
    case refused(Reply)
}

/// What the trace header of a message needs to know from outside.
package struct OpenedMessage: Hashable, Sendable {
    /// The message's id in the queue, as text.
    package var identifier: String
    package var date: MailDate
    /// Random; makes the `Message-ID` that is added to a message without one.
    package var uniqueNumber: UInt64
    /// The content goes through filters before it is stored.
    package var isFiltered = false

    package init(identifier: String, date: MailDate, uniqueNumber: UInt64) {
        self.identifier = identifier
        self.date = date
        self.uniqueNumber = uniqueNumber
    }
}

/// Why a session ended.
package enum DisconnectReason: Hashable, Sendable {
    case quit
    /// The client closed the connection, or it broke.
    case clientLeft
    case timeout
    case shutdown
    /// The channel could not be secured.
    case handshakeFailed
    case tooManyBadCommands
    case tooManyRefusedRecipients
    case tooManyIdleCommands
    case tooManyAuthenticationFailures
    /// The client did not keep to the protocol in a way that leaves unclear where its commands begin.
    case protocolViolation
    /// A reply with code 421 was given by whoever answered a question.
    case serviceUnavailable
    /// A filter has refused the connection, or ended it.
    case filtered

    /// The words for the log.
    package var text: String {
        switch self {
        case .quit: "quit"
        case .clientLeft: "client left"
        case .timeout: "timeout"
        case .shutdown: "shutdown"
        case .handshakeFailed: "TLS handshake failed"
        case .tooManyBadCommands: "too many bad commands"
        case .tooManyRefusedRecipients: "too many invalid recipients"
        case .tooManyIdleCommands: "too many commands without mail"
        case .tooManyAuthenticationFailures: "too many authentication failures"
        case .protocolViolation: "protocol violation"
        case .serviceUnavailable: "service unavailable"
        case .filtered: "ended by a filter"
        }
    }
}

/// A command that was refused, for the log.
package struct FailedCommand: Hashable, Sendable {
    /// The command line, printable and cut to a length fit for a log; empty when a reply had no command.
    package var command: String
    package var reply: Reply

    package init(command: String, reply: Reply) {
        self.command = command
        self.reply = reply
    }
}
