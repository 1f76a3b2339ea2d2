import Envelopes
import MailSyntax

/// One SMTP client's conversation with us (RFC 5321 section 4), without sockets, clocks or files.
///
/// The driver calls ``connected(over:)``, then in turns ``next()`` and what its step asks for: it sends
/// replies, answers questions with the method named in ``ServerStep``, stores message bytes, and hands
/// in what the client sent with ``receive(_:)`` when the step is ``ServerStep/needsInput``. No matter how
/// the input is cut into pieces, the steps are the same.
///
/// At ``ServerStep/needsInput`` less than one command line is held. The parts of the machine:
/// `+Input` cuts lines, `+Commands` carries commands out,
/// `+Authentication` is AUTH, `+Content` takes messages in, `+Filters` asks filters first.
package struct ServerSession: Sendable {
    enum State: Sendable {
        /// Before ``connected(over:)``.
        case notGreeted
        /// Greeted; the client has not said who it is.
        case greeted
        /// Identified, no transaction. Left by MAIL.
        case idle(ClientName)
        /// The driver was asked about a message of SASL. Left by its answer (to `awaitingResponse` or `idle`).
        case authenticating(ClientName)
        /// A challenge was sent. Left by the next line, whatever it says (to `authenticating` or `idle`).
        case awaitingResponse(ClientName)
        /// The driver was asked about a sender. Left by its verdict (to `idle` or `transaction`).
        case checkingSender(ClientName, Transaction)
        /// MAIL was accepted. Left by DATA and BDAT (to `openingMessage`) and by all that resets.
        case transaction(OpenTransaction)
        /// The driver was asked about a recipient. Left by its verdict (to `transaction`).
        case checkingRecipient(OpenTransaction, MailAddress)
        /// The driver was asked to open the message. Left by its answer (to `receiving` or `idle`).
        case openingMessage(OpenTransaction, Chunk?)
        /// Content comes in: the data until the dot, or a chunk until its size.
        case receiving(Reception)
        /// A chunk is complete, and it was not the last (RFC 3030). Left by BDAT and by all that resets.
        case betweenChunks(Reception)
        /// All content of a message is there and goes through filters. Left by the driver's answer (to `consulting`
        /// or `idle`).
        case received(Reception)
        /// Filters were asked whether the client may do what is held. Left by their answer (to the state before, in
        /// which it is then done or refused).
        indirect case consulting(Held, before: State)
        /// The driver was asked to make the message durable. Left by its answer (to `idle`).
        case committing(ClientName, identifier: String)
        /// The driver was asked to shake hands. Left by ``ServerSession/tlsStarted(over:)`` (to `greeted`).
        case startingTLS
        /// Nothing more is read or sent.
        case closed(DisconnectReason)
    }

    /// Who the client says it is.
    struct ClientName: Sendable {
        var name: String
        /// It used EHLO.
        var isExtended: Bool
    }

    /// A transaction whose sender was accepted.
    struct OpenTransaction: Sendable {
        var client: ClientName
        var facts: Transaction
        var recipients = 0
        /// The recipient when there is exactly one.
        var soleRecipient: MailAddress?
    }

    /// A piece of a message as BDAT announced it.
    struct Chunk: Sendable {
        let size: Int64
        let isLast: Bool
    }

    /// A message on its way in.
    struct Reception: Sendable {
        var client: ClientName
        var identifier: String
        var decoder: ContentDecoder
        var intake: MessageIntake
        /// The content goes through filters, in whole lines.
        var isFiltered = false
        /// The beginning of a line whose end has not come, for filters; the decoder bounds it.
        var partialLine: [UInt8] = []
        /// The chunk that comes now; nil for DATA.
        var chunk: Chunk?
        /// Octets of the chunk still to come.
        var remaining: Int64 = 0
        /// The driver already knows that nothing becomes of the message.
        var isRolledBack = false

        var fault: MessageFault? { decoder.fault ?? intake.fault }
    }

    package let settings: ServerSettings
    let client: ClientIdentity
    var state = State.notGreeted
    /// What secures the channel; nil in clear.
    var channel: ChannelSecurity?
    var isSecure: Bool { channel != nil }
    /// Steps already decided on, given out first.
    var pending: [ServerStep] = []
    /// What was received and not used up, from `position` on.
    var input: [UInt8] = []
    var position = 0
    /// An over-long command line is passed over up to its end.
    var isDiscardingLine = false
    /// Octets of a chunk that nobody wants, passed over before the next command.
    var chunkToDiscard: Int64 = 0
    /// The beginning of the command being carried out, for the log.
    var currentLine: [UInt8] = []
    var mails = 0
    var badCommands = 0
    var refusedRecipients = 0
    /// Commands of the kinds that bring no mail nearer, since the last message.
    var idleCommands = 0
    /// Commands carried out and steps of content taken so far: while it stays the same, the client has done
    /// nothing worth waiting for.
    package internal(set) var progress: UInt64 = 0
    /// Octets of content that make no whole step yet.
    var contentSinceProgress: Int64 = 0
    /// A filter took the session, or the transaction under way, for spam.
    var isJunk = false
    var isTransactionJunk = false
    /// Who the client proved to be with AUTH.
    var authenticatedUser: String?
    var failedAuthentications = 0
    var failures: [FailedCommand] = []

    package init(settings: ServerSettings, client: ClientIdentity) {
        self.settings = settings
        self.client = client
    }
}

// MARK: Driving

extension ServerSession {
    /// The connection is there, and the client may be greeted.
    ///
    /// - Parameter channel: What secures it from the first octet on (RFC 8314 section 3.3); nil in clear.
    package mutating func connected(over channel: ChannelSecurity? = nil) {
        guard case .notGreeted = state else { return }
        state = .greeted
        self.channel = channel
        guard !settings.isFiltered else { return consult(.connection, FilterQuestion(.connect)) }
        greet()
    }

    mutating func greet() {
        pending.append(.reply(.greeting(settings.hostname)))
        tell(.greeted)
    }

    /// In place of ``connected(over:)``: a client of the network sent octets before it was greeted, which only
    /// programs do that do not listen.
    package mutating func clientSpokeFirst() {
        guard case .notGreeted = state else { return }
        pending.append(.reply(.clientSpokeFirst))
        state = .closed(.protocolViolation)
    }

    /// Takes what the client sent. Only after ``ServerStep/needsInput``.
    package mutating func receive(_ bytes: Span<UInt8>) {
        if position > 0 {
            input.removeSubrange(..<position)
            position = 0
        }
        input.append(octets: bytes)
    }

    /// The client is gone. What it had begun is rolled back; ``next()`` then closes.
    package mutating func connectionLost() { end(.clientLeft, reply: nil) }

    /// The client was silent for ``SessionLimits/idleSeconds``.
    package mutating func timedOut() {
        tell(.timedOut)
        end(.timeout, reply: .timeout)
    }

    /// This server stops.
    package mutating func shutDown() { end(.shutdown, reply: .shuttingDown) }

    /// What to do now. After ``ServerStep/close(_:)`` it is always that, but for the roll-back of a sender
    /// that is accepted too late.
    ///
    /// - Precondition: The question of the step before, if it was one, is answered.
    package mutating func next() -> ServerStep {
        while true {
            if !pending.isEmpty { return pending.removeFirst() }
            switch state {
            case .notGreeted:
                return .needsInput
            case .greeted, .idle, .awaitingResponse, .transaction, .betweenChunks:
                guard discardChunk(), executeLine() else {
                    releaseInput()
                    return .needsInput
                }
            case .receiving(let reception):
                // Out of the state while it changes, so that its buffers are not copied.
                state = .greeted
                guard takeContent(reception) else { return .needsInput }
            case .authenticating, .checkingSender, .checkingRecipient, .openingMessage, .received, .consulting, .committing,
                .startingTLS:
                preconditionFailure("the driver went on without answering a question")
            case .closed(let reason):
                return .close(reason)
            }
        }
    }

    /// The commands refused since the last call, the latest ones when there were very many.
    package mutating func takeFailedCommands() -> [FailedCommand] {
        defer { failures.removeAll() }
        return failures
    }
}

// MARK: Answers

extension ServerSession {
    /// Takes the answer to ``ServerStep/checkSender(_:)``.
    package mutating func senderChecked(_ verdict: Verdict) {
        guard case .checkingSender(let name, let facts) = state else {
            // The session ended meanwhile, but what the acceptance opened must not stay open.
            if verdict == .accept, case .closed = state { pending.append(.rollbackMessage) }
            return
        }
        switch verdict {
        case .accept:
            mails += 1
            state = .transaction(OpenTransaction(client: name, facts: facts))
            pending.append(.reply(.ok))
        case .refuse(let reply):
            state = .idle(name)
            refuse(reply)
        }
    }

    /// Takes the answer to ``ServerStep/checkRecipient(_:)``.
    package mutating func recipientChecked(_ verdict: Verdict) {
        guard case .checkingRecipient(var transaction, let address) = state else { return }
        switch verdict {
        case .accept:
            transaction.recipients += 1
            transaction.soleRecipient = transaction.recipients == 1 ? address : nil
            state = .transaction(transaction)
            pending.append(.reply(.recipientOk))
        case .refuse(let reply):
            state = .transaction(transaction)
            refuse(reply)
            if reply.code >= 500 { countRefusedRecipient() }
        }
    }

    /// A client that guesses addresses is not to find many.
    mutating func countRefusedRecipient() {
        refusedRecipients += 1
        guard refusedRecipients > settings.limits.refusedRecipients else { return }
        note(.tooManyRefusedRecipients)
        end(.tooManyRefusedRecipients, reply: .tooManyRefusedRecipients)
    }

    /// Takes the answer to ``ServerStep/commitMessage(size:)``.
    package mutating func messageCommitted(_ verdict: Verdict) {
        guard case .committing(let name, let identifier) = state else { return }
        state = .idle(name)
        switch verdict {
        case .accept:
            idleCommands = 0
            pending.append(.reply(.messageAccepted(identifier)))
        case .refuse(let reply): refuse(reply)
        }
    }

    /// Takes the end of the handshake that ``ServerStep/startTLS`` asked for: all said before is void
    /// (RFC 3207 section 4.2).
    package mutating func tlsStarted(over channel: ChannelSecurity) {
        guard case .startingTLS = state else { return }
        self.channel = channel
        state = .greeted
    }

    /// There was no handshake, or it came to nothing: nothing can be said on this connection any more.
    package mutating func tlsFailed() { end(.handshakeFailed, reply: nil) }
}

// MARK: Endings

extension ServerSession {
    /// Gives a refusal that is the answer to a question, and notes it. Code 421 closes, as
    /// RFC 5321 section 3.8 has it.
    mutating func refuse(_ reply: Reply) {
        note(reply)
        if reply.code == 421 {
            end(.serviceUnavailable, reply: reply)
        } else {
            pending.append(.reply(reply))
        }
    }

    /// Ends the session from whatever state it is in.
    mutating func end(_ reason: DisconnectReason, reply: Reply?) {
        if case .closed = state { return }
        if case .consulting(_, let before) = state { state = before }
        abandonTransaction()
        if let reply { pending.append(.reply(reply)) }
        state = .closed(reason)
    }

    /// Tells the driver that a transaction is gone, if one is open, and leaves the state to the caller.
    mutating func abandonTransaction() {
        switch state {
        case .transaction, .checkingRecipient, .openingMessage:
            pending.append(.rollbackMessage)
        case .receiving(let reception), .betweenChunks(let reception), .received(let reception):
            if !reception.isRolledBack { pending.append(.rollbackMessage) }
        case .authenticating, .awaitingResponse:
            pending.append(.abandonAuthentication)
        case .notGreeted, .greeted, .idle, .checkingSender, .consulting, .committing, .startingTLS, .closed:
            break
        }
    }

    /// Keeps a refused command for the log.
    mutating func note(_ reply: Reply) {
        // More than a driver lets come together; the bound is for one that never asks.
        if failures.count >= 32 { failures.removeFirst() }
        let text = currentLine.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }
        failures.append(FailedCommand(command: String(decoding: text, as: UTF8.self), reply: reply))
    }
}
