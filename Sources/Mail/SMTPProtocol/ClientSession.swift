import Authentication
import Envelopes
import MailSyntax

/// Our side of a conversation with an SMTP or LMTP server (RFC 5321 section 3, RFC 2033), without
/// sockets, clocks or files.
///
/// The driver calls ``next()`` and does what the step says: it sends, reads, hands in content, notes
/// results. Every recipient of a message gets exactly one result, also when the session breaks. With
/// PIPELINING commands go out in groups (RFC 2920), with CHUNKING the message needs no dots (RFC 3030), and
/// with both a small message and its commands are one flight. The parts of the machine: `+Greeting` comes to
/// terms with the server, `+Login` authenticates, `+Transaction` sends a message, `+Replies` reads the answers.
package struct ClientSession: Sendable {
    enum State: Sendable {
        /// Left by the greeting.
        case awaitingGreeting
        /// EHLO or LHLO was sent.
        case awaitingHello
        /// EHLO was not understood, HELO was sent.
        case awaitingPlainHello
        /// STARTTLS was sent.
        case awaitingStartTLS
        /// The driver shakes hands. Left by ``ClientSession/secured()``.
        case securing
        /// AUTH or an answer to a challenge was sent.
        case authenticating(ClientExchange)
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
    /// What the server offers now; nothing of what it said before TLS.
    package internal(set) var capabilities = ServerCapabilities()
    /// TLS protects the connection.
    var isProtected: Bool
    var parser = ReplyParser()
    /// Steps already decided on, given out first.
    var pending: [ClientStep] = []

    package init(settings: ClientSettings) {
        self.settings = settings
        isProtected = settings.isProtected
    }

    /// How long the driver waits for input now, in seconds (RFC 5321 section 4.5.3.2). After the data it is
    /// long: giving up early is what makes duplicates.
    package var timeoutSeconds: Int64 {
        switch state {
        case .awaitingGreeting, .awaitingHello, .awaitingPlainHello, .awaitingStartTLS, .securing, .authenticating,
            .ready, .awaitingReset, .closed: 300
        case .awaitingBye: 10
        case .transaction(let transaction): transaction.timeoutSeconds
        }
    }
}

// MARK: Driving

extension ClientSession {
    /// Takes what the server sent. While content goes out as well: a server may refuse the rest of it.
    package mutating func receive(_ bytes: Span<UInt8>) { parser.receive(bytes) }

    /// The connection is gone. What the server said before counts.
    package mutating func connectionLost() {
        while !isClosed, let reply = try? parser.next() { take(reply) }
        fail(.connectionLost)
    }

    /// The server was silent for ``timeoutSeconds``.
    package mutating func timedOut() { fail(.timeout) }

    /// What to do now. After ``ClientStep/close(_:)`` it is always that.
    package mutating func next() -> ClientStep {
        while true {
            if !pending.isEmpty { return pending.removeFirst() }
            switch state {
            case .closed(let end):
                return .close(end)
            case .securing:
                return .startTLS
            case .ready:
                // A server that speaks unasked is about to leave, or out of step.
                guard parser.hasUnreadInput else { return .ready(capabilities) }
                takeUnasked()
            case .transaction(let transaction) where transaction.takesContent && !parser.hasUnreadInput:
                return .needsContent
            case .transaction(let transaction) where transaction.maySendCommands:
                sendCommands(transaction)
            case .awaitingGreeting, .awaitingHello, .awaitingPlainHello, .awaitingStartTLS, .authenticating, .transaction,
                .awaitingReset, .awaitingBye:
                do throws(ReplyParser.Failure) {
                    if let reply = try parser.next() {
                        take(reply)
                    } else {
                        return isTakingContent ? .needsContent : .needsInput
                    }
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

    private var isClosed: Bool { if case .closed = state { true } else { false } }

    private var isTakingContent: Bool {
        if case .transaction(let transaction) = state { transaction.takesContent } else { false }
    }

    /// A goodbye to an idle session is a refusal; anything else shows that we are out of step.
    private mutating func takeUnasked() {
        if let reply = try? parser.next(), reply.code == 421 {
            fail(.refused(reply))
        } else {
            fail(.unexpectedReply)
        }
    }

    /// Says goodbye, and ends the session without waiting for an answer.
    mutating func leave(_ failure: ClientFailure) {
        pending.append(.send(Array("QUIT\r\n".utf8)))
        fail(failure)
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
                let reason = failure.deliveryFailure
                pending.append(
                    .result(recipient: recipient, transaction.isSent ? .outcome(.temporary(reason)) : .unsent(reason)))
            }
            state = .closed(.failed(failure))
        case .awaitingGreeting, .awaitingHello, .awaitingPlainHello, .awaitingStartTLS, .securing, .authenticating, .ready,
            .awaitingReset:
            state = .closed(.failed(failure))
        }
    }

    /// Longest text of a reply in logs and reports; it fits the messages between processes with room to spare.
    static let maximumText = 3_000

    /// A reply with all its lines in one, cut only where a server tells a novel.
    static func line(_ reply: Reply) -> String { String(reply.text.prefix(maximumText)) }

    /// What a refusal means for a recipient (the first digit decides).
    static func outcome(of reply: Reply) -> DeliveryOutcome {
        let failure = DeliveryFailure(
            status: reply.status ?? (reply.isPermanent ? "5.0.0" : "4.0.0"), text: line(reply))
        return reply.isPermanent ? .permanent(failure) : .temporary(failure)
    }
}
