import Envelopes
import MailSyntax

/// Reading a server's answers.
extension ClientSession {
    mutating func take(_ reply: Reply) {
        switch state {
        case .awaitingGreeting: takeGreeting(reply)
        case .awaitingHello: takeHello(reply)
        case .awaitingPlainHello: takePlainHello(reply)
        case .awaitingStartTLS: takeStartTLSReply(reply)
        case .authenticating(let exchange): takeLoginReply(reply, in: exchange)
        case .transaction(let transaction): take(reply, in: transaction)
        case .awaitingReset:
            guard reply.code < 300 else { return refusedSession(reply) }
            state = .ready
        case .awaitingBye:
            state = .closed(.quit)
        case .securing, .ready, .closed:
            fail(.unexpectedReply)
        }
    }

    private mutating func take(_ reply: Reply, in started: ClientTransaction) {
        var transaction = started
        if reply.code == 421 { return fail(.refused(reply)) }
        switch transaction.phase {
        case .commands, .chunks:
            guard !transaction.unanswered.isEmpty else { return fail(.unexpectedReply) }
            if transaction.unanswered.first == .lastChunk, !transaction.accepted.isEmpty {
                transaction.unanswered.removeFirst()
                transaction.phase = .awaitingVerdicts
                return takeVerdict(reply, transaction)
            }
            let command = transaction.unanswered.removeFirst()
            guard takeCommandReply(reply, to: command, &transaction) else { return fail(.unexpectedReply) }
            proceed(transaction)
        case .data:
            // A verdict before the end of the message can only be a no, and what follows would be commands to
            // the server.
            guard reply.code >= 400 else { return fail(.unexpectedReply) }
            refuse(transaction.accepted, reply)
            state = .closed(.failed(.refused(reply)))
        case .awaitingVerdicts:
            takeVerdict(reply, transaction)
        case .awaitingEmptyVerdict:
            finishWithoutContent(transaction)
        }
    }

    /// The server says what it did with the message.
    private mutating func takeVerdict(_ reply: Reply, _ sent: ClientTransaction) {
        var transaction = sent
        state = .transaction(transaction)
        guard reply.code < 300 || reply.code >= 400 else { return fail(.unexpectedReply) }
        let outcome: DeliveryOutcome = reply.code < 300 ? .delivered(Self.line(reply)) : Self.outcome(of: reply)
        let count = settings.kind == .lmtp ? 1 : transaction.accepted.count
        for recipient in transaction.accepted.prefix(count) {
            pending.append(.result(recipient: recipient, .outcome(outcome)))
        }
        transaction.accepted.removeFirst(min(count, transaction.accepted.count))
        state = transaction.accepted.isEmpty ? .ready : .transaction(transaction)
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
            if reply.code < 300 {
                transaction.accepted.append(index)
            } else if isEnough(reply), !transaction.accepted.isEmpty {
                pending.append(.result(recipient: index, .tooManyRecipients))
            } else {
                refuse([index], reply)
            }
        case .data:
            guard reply.code >= 300 else { return false }
            if reply.code >= 400 {
                refuse(transaction.accepted, reply)
                transaction.accepted = []
            } else if transaction.accepted.isEmpty {
                pending.append(.send(Array(".\r\n".utf8)))
                transaction.phase = .awaitingEmptyVerdict
            } else {
                transaction.phase = .data(ContentEncoder(.dot))
            }
        case .chunk:
            guard reply.code < 300 || reply.code >= 400 else { return false }
            guard reply.code >= 400 else { break }
            refuse(transaction.accepted, reply)
            transaction.accepted = []
            // The replies to chunks that are under way are read; no more are sent.
            transaction.phase = .commands
        case .lastChunk:
            // There was nobody to take it for, and what the server says to that does not matter.
            break
        }
        return true
    }

    /// A server that takes no further recipient (RFC 5321 section 4.5.3.1.10, where 552 counts as 452), rather
    /// than one whose mailbox is full.
    private func isEnough(_ reply: Reply) -> Bool {
        guard reply.code == 452 || reply.code == 552 else { return false }
        guard let status = reply.status else { return settings.kind == .smtp }
        return status.hasSuffix(".5.3")
    }

    private mutating func refuse(_ recipients: [Int], _ reply: Reply) {
        for recipient in recipients { pending.append(.result(recipient: recipient, .outcome(Self.outcome(of: reply)))) }
    }

    /// Goes on when a command was answered.
    private mutating func proceed(_ answered: ClientTransaction) {
        var transaction = answered
        guard case .commands = transaction.phase, transaction.unanswered.isEmpty, transaction.unsent.isEmpty else {
            state = .transaction(transaction)
            return
        }
        // Accepted recipients are left when the message has not been asked for: that settles them one way or the
        // other.
        if transaction.accepted.isEmpty {
            finishWithoutContent(transaction)
        } else if transaction.isChunking {
            transaction.phase = .chunks(ContentEncoder(.counted), collected: [])
            state = .transaction(transaction)
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
