import Authentication
import Envelopes
import MailSyntax

/// Our side of a conversation with an SMTP or LMTP server (RFC 5321 section 3, RFC 2033), without
/// sockets, clocks or files.
///
/// The driver calls ``next()`` and does what the step says: it sends, reads, hands in content, notes
/// results. Every recipient of a message gets exactly one result, also when the session breaks. With
/// PIPELINING commands go out in groups (RFC 2920). The parts of the machine: `+Transaction` sends a
/// message, `+Replies` reads the answers.
package struct ClientSession: Sendable {
    enum State: Sendable {
        /// Left by the greeting.
        case awaitingGreeting
        /// EHLO or LHLO was sent.
        case awaitingHello
        /// EHLO was not understood, HELO was sent.
        case awaitingPlainHello
        /// STARTTLS was sent.
        case awaitingTLS
        /// The driver was asked to shake hands. Left by ``ClientSession/tlsStarted()``.
        case startingTLS
        /// AUTH was sent (RFC 4954).
        case authenticating(SASLClient)
        /// AUTH was cancelled; the reply means nothing.
        case awaitingCancellation(String)
        /// Nothing under way. Left by ``ClientSession/send(_:)`` and ``ClientSession/quit()``.
        case ready
        /// A message is under way.
        case transaction(ClientTransaction)
        /// RSET was sent behind a transaction without recipients.
        case awaitingReset
        /// QUIT was sent.
        case awaitingBye
        /// Nothing more is read or sent.
        case closed(ClientEnd)
    }

    let settings: ClientSettings
    var state = State.awaitingGreeting
    var capabilities = ServerCapabilities()
    var parser = ReplyParser()
    /// Steps already decided on, given out first.
    var pending: [ClientStep] = []

    let credentials: ClientCredentials?
    var isSecured: Bool

    /// - Parameter credentials: Given to the server under TLS and never in clear; without TLS, or without a common
    ///   mechanism, the session fails.
    package init(settings: ClientSettings, credentials: ClientCredentials? = nil) {
        self.settings = settings
        self.credentials = credentials
        isSecured = settings.isSecured
    }

    /// Whether the session has ended, though results may still be to come.
    package var isOver: Bool { if case .closed = state { true } else { false } }

    /// How long the driver waits for input now, in seconds (RFC 5321 section 4.5.3.2). After the data it is
    /// long: giving up early is what makes duplicates.
    package var timeoutSeconds: Int64 {
        switch state {
        case .awaitingGreeting, .awaitingHello, .awaitingPlainHello, .awaitingTLS, .startingTLS, .authenticating,
            .awaitingCancellation, .ready, .awaitingReset, .closed:
            300
        case .awaitingBye: 10
        case .transaction(let transaction): transaction.timeoutSeconds
        }
    }
}

// MARK: Driving

extension ClientSession {
    /// Takes what the server sent.
    package mutating func receive(_ bytes: Span<UInt8>) { parser.receive(bytes) }

    /// The connection is gone.
    package mutating func connectionLost() { fail(.connectionLost) }

    /// The server was silent for ``timeoutSeconds``.
    package mutating func timedOut() { fail(.timeout) }

    /// What to do now. After ``ClientStep/close(_:)`` it is always that.
    package mutating func next() -> ClientStep {
        while true {
            if !pending.isEmpty { return pending.removeFirst() }
            switch state {
            case .closed(let end):
                return .close(end)
            case .ready:
                // A server that speaks unasked is about to leave, or out of step.
                if parser.hasUnreadInput {
                    fail(.unexpectedReply)
                } else {
                    return .ready(capabilities)
                }
            case .transaction(let transaction) where transaction.isSendingContent:
                return .needsContent
            case .transaction(let transaction) where transaction.maySendCommands:
                sendCommands(transaction)
            case .startingTLS:
                preconditionFailure("the driver went on without shaking hands")
            case .awaitingGreeting, .awaitingHello, .awaitingPlainHello, .awaitingTLS, .authenticating,
                .awaitingCancellation, .transaction, .awaitingReset, .awaitingBye:
                do throws(ReplyParser.Failure) {
                    guard let reply = try parser.next() else { return .needsInput }
                    take(reply)
                } catch {
                    fail(.malformedReply(error))
                }
            }
        }
    }

    /// Ends the session politely. Only when the step is ``ClientStep/ready(_:)``.
    package mutating func quit() {
        guard case .ready = state else { return }
        pending.append(.send(Array("QUIT\r\n".utf8)))
        state = .awaitingBye
    }

    /// Ends the session; recipients without a result may be tried again.
    mutating func fail(_ failure: ClientFailure) {
        switch state {
        case .closed:
            return
        case .awaitingBye:
            // All was done, and a server that does not say good-bye has not failed us.
            state = .closed(.quit)
        case .transaction(let transaction):
            for recipient in transaction.openRecipients {
                pending.append(.result(recipient: recipient, .temporary(failure.deliveryFailure)))
            }
            state = .closed(.failed(failure))
        case .awaitingGreeting, .awaitingHello, .awaitingPlainHello, .awaitingTLS, .startingTLS, .authenticating,
            .awaitingCancellation, .ready, .awaitingReset:
            state = .closed(.failed(failure))
        }
    }

    /// A reply in one line, cut to a length fit for logs and reports.
    static func line(_ reply: Reply) -> String { String(reply.text.prefix(1_000)) }

    /// What a refusal means for a recipient (the first digit decides).
    static func outcome(of reply: Reply) -> DeliveryOutcome {
        let failure = DeliveryFailure(
            status: reply.status ?? (reply.isPermanent ? "5.0.0" : "4.0.0"), text: line(reply))
        return reply.isPermanent ? .permanent(failure) : .temporary(failure)
    }
}
