import Envelopes
import MailSyntax

/// Reading a server's answers.
extension ClientSession {
    mutating func take(_ reply: Reply) {
        switch state {
        case .awaitingGreeting:
            guard reply.code < 300 else { return refusedSession(reply) }
            say(settings.kind == .lmtp ? "LHLO" : "EHLO", .awaitingHello)
        case .awaitingHello:
            if reply.code < 300 {
                capabilities = ServerCapabilities(reply)
                introduced()
            } else if reply.isPermanent, settings.kind == .smtp, credentials == nil, isSecured || settings.startTLS != .always {
                say("HELO", .awaitingPlainHello)
            } else {
                refusedSession(reply)
            }
        case .awaitingPlainHello:
            guard reply.code < 300 else { return refusedSession(reply) }
            state = .ready
        case .awaitingTLS:
            guard reply.code < 300 else {
                // It was offered. Another connection may go on without.
                return leave(.tlsUnavailable("STARTTLS refused: \(Self.line(reply))"))
            }
            // In clear, and behind the last word in clear: somebody on the way wants to be heard as the server.
            guard !parser.hasUnreadInput else { return fail(.unexpectedReply) }
            pending.append(.startTLS)
            state = .startingTLS
        case .authenticating(let client):
            take(reply, of: client)
        case .awaitingCancellation(let reason):
            leave(.authenticationFailed(reason))
        case .transaction(let transaction):
            take(reply, in: transaction)
        case .awaitingReset:
            guard reply.code < 300 else { return refusedSession(reply) }
            state = .ready
        case .awaitingBye:
            state = .closed(.quit)
        case .startingTLS, .ready, .closed:
            fail(.unexpectedReply)
        }
    }

    /// Says who we are. A server that spoke ahead of that is out of step.
    mutating func say(_ verb: String, _ next: State) {
        guard !parser.hasUnreadInput else { return fail(.unexpectedReply) }
        pending.append(.send(Array("\(verb) \(settings.helo.text)\r\n".utf8)))
        state = next
    }

    /// Gives the session up politely.
    mutating func leave(_ failure: ClientFailure) {
        pending.append(.send(Array("QUIT\r\n".utf8)))
        fail(failure)
    }

    private mutating func refusedSession(_ reply: Reply) {
        // It is polite to say so, and a server that said 421 does not listen.
        if reply.code != 421 { pending.append(.send(Array("QUIT\r\n".utf8))) }
        fail(.refused(reply))
    }

    private mutating func take(_ reply: Reply, in started: ClientTransaction) {
        var transaction = started
        if reply.code == 421 { return fail(.refused(reply)) }
        switch transaction.phase {
        case .commands:
            guard !transaction.unanswered.isEmpty else { return fail(.unexpectedReply) }
            let command = transaction.unanswered.removeFirst()
            guard takeCommandReply(reply, to: command, &transaction) else { return fail(.unexpectedReply) }
            proceed(transaction)
        case .content:
            fail(.unexpectedReply)
        case .awaitingVerdicts:
            guard reply.code < 300 || reply.code >= 400 else { return fail(.unexpectedReply) }
            let outcome: DeliveryOutcome =
                reply.code < 300 ? .delivered(Self.line(reply)) : Self.outcome(of: reply)
            let count = settings.kind == .lmtp ? 1 : transaction.accepted.count
            for recipient in transaction.accepted.prefix(count) {
                pending.append(.result(recipient: recipient, outcome))
            }
            transaction.accepted.removeFirst(min(count, transaction.accepted.count))
            state = transaction.accepted.isEmpty ? .ready : .transaction(transaction)
        case .awaitingEmptyVerdict:
            finishWithoutContent(transaction)
        }
    }

    /// Notes the answer to one command; false when it does not fit.
    private mutating func takeCommandReply(
        _ reply: Reply, to command: ClientTransaction.Command, _ transaction: inout ClientTransaction
    ) -> Bool {
        switch command {
        case .mail:
            guard reply.code < 300 || reply.code >= 400 else { return false }
            if reply.code < 300 {
                transaction.isOpen = true
            } else {
                refuse(transaction.undecided, reply)
                transaction.undecided = []
                // What is under way is answered; nothing more of it is sent.
                transaction.unsent = []
            }
        case .rcpt(let index):
            // Without a transaction the recipients have their results, and these replies mean nothing.
            guard transaction.isOpen else { return true }
            guard reply.code < 300 || reply.code >= 400 else { return false }
            transaction.undecided.removeAll { $0 == index }
            if reply.code < 300 { transaction.accepted.append(index) } else { refuse([index], reply) }
        case .data:
            guard reply.code >= 300 else { return false }
            if reply.code >= 400 {
                refuse(transaction.accepted, reply)
                transaction.accepted = []
            } else if transaction.accepted.isEmpty {
                pending.append(.send(Array(".\r\n".utf8)))
                transaction.phase = .awaitingEmptyVerdict
            } else {
                transaction.phase = .content(DotStuffer())
            }
        }
        return true
    }

    private mutating func refuse(_ recipients: [Int], _ reply: Reply) {
        for recipient in recipients { pending.append(.result(recipient: recipient, Self.outcome(of: reply))) }
    }

    /// Goes on when a command was answered.
    private mutating func proceed(_ answered: ClientTransaction) {
        var transaction = answered
        guard case .commands = transaction.phase, transaction.unanswered.isEmpty, transaction.unsent.isEmpty else {
            state = .transaction(transaction)
            return
        }
        // Accepted recipients are left when DATA has not been asked: it settles them one way or the other.
        if transaction.accepted.isEmpty {
            finishWithoutContent(transaction)
        } else {
            transaction.unsent = [.data]
            state = .transaction(transaction)
        }
    }

    /// Clears what the server still holds of a transaction that came to nothing.
    private mutating func finishWithoutContent(_ transaction: ClientTransaction) {
        guard transaction.isOpen else {
            state = .ready
            return
        }
        pending.append(.send(Array("RSET\r\n".utf8)))
        state = .awaitingReset
    }
}
