import Authentication
import Envelopes

/// What a ``ClientSession`` asks its driver to do next.
package enum ClientStep: Hashable, Sendable {
    /// Read what the server sends, at most ``ClientSession/timeoutSeconds`` long.
    case needsInput
    /// Send these octets.
    case send([UInt8])
    /// Shake hands, then call ``ClientSession/secured()``. Nothing that was read before is kept. When the
    /// handshake fails the connection is of no use: close it.
    case startTLS
    /// No transaction is open: call ``ClientSession/send(_:)`` or ``ClientSession/quit()``.
    case ready(ServerCapabilities)
    /// Call ``ClientSession/content(_:)`` with the next piece of the message,
    /// ``ClientSession/endOfContent()`` behind the last, or ``ClientSession/contentFailed()``. When it comes no
    /// more before the end of the message, the server has refused the rest.
    case needsContent
    /// What became of one recipient; each gets exactly one. The index is that in the message's list.
    case result(recipient: Int, ClientResult)
    /// Close the connection. Every recipient has its result.
    case close(ClientEnd)
}

/// What became of one recipient of a transaction.
package enum ClientResult: Hashable, Sendable {
    /// The server has decided, or the message may have reached it whole: sending it again can make a duplicate.
    case outcome(DeliveryOutcome)
    /// The server takes no more recipients in this transaction, but took some: another transaction will do.
    case tooManyRecipients
    /// The session broke before the server can have taken the message.
    case unsent(DeliveryFailure)
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
    /// TLS is required, and the server does not offer it.
    case tlsNotOffered
    /// TLS is required, and the server refused STARTTLS.
    case tlsRefused(Reply)
    /// There are credentials, and nothing protects them on the way.
    case unprotectedLogin
    /// No way to authenticate that the server offers goes with our credentials.
    case noCommonMechanism
    /// The server did not take our credentials.
    case loginRefused(Reply)
    /// The exchange went wrong, or the server did not prove who it is.
    case loginFailed(SASLFailure)
    case malformedReply(ReplyParser.Failure)
    /// A reply that no command asked for, or one that does not fit the command.
    case unexpectedReply
    case connectionLost
    case timeout
    /// The message could not be read on our side.
    case contentFailed

    /// In words for the recipients that were under way.
    package var deliveryFailure: DeliveryFailure {
        switch self {
        case .refused(let reply):
            // The class is ours to say: a 5yz here concerns the host, not the mail.
            DeliveryFailure(status: "4.3.2", text: ClientSession.line(reply))
        case .tlsNotOffered: DeliveryFailure(status: "4.7.10", text: "TLS is required, and the server does not offer it")
        case .tlsRefused(let reply): DeliveryFailure(status: "4.7.10", text: "STARTTLS refused: \(ClientSession.line(reply))")
        case .unprotectedLogin:
            DeliveryFailure(status: "4.7.11", text: "Credentials are not sent without TLS")
        case .noCommonMechanism:
            DeliveryFailure(status: "4.7.4", text: "The server offers no mechanism of authentication that fits the credentials")
        case .loginRefused(let reply):
            DeliveryFailure(status: "4.7.8", text: "Authentication refused: \(ClientSession.line(reply))")
        case .loginFailed(.tokenRefused(let details)):
            DeliveryFailure(status: "4.7.8", text: "Authentication refused: \(details)")
        case .loginFailed(let failure): DeliveryFailure(status: "4.7.8", text: "Authentication failed: \(failure)")
        case .malformedReply: DeliveryFailure(status: "4.5.0", text: "Malformed reply from server")
        case .unexpectedReply: DeliveryFailure(status: "4.5.0", text: "Unexpected reply from server")
        case .connectionLost: DeliveryFailure(status: "4.4.2", text: "Connection closed unexpectedly")
        case .timeout: DeliveryFailure(status: "4.4.2", text: "Timeout waiting for server")
        case .contentFailed: DeliveryFailure(status: "4.3.0", text: "Message could not be read")
        }
    }
}
