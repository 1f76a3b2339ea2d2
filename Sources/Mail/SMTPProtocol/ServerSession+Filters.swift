import MailSyntax

/// Asking filters before a command is carried out, and telling them what happens (smtpd-filters(7)).
///
/// A command that the server would refuse by itself is refused without them: only what would be done is asked about.
extension ServerSession {
    /// What waits for the word of filters.
    enum Held: Sendable {
        /// The greeting.
        case connection
        case command(Command)
        /// Making a message of so many octets durable.
        case message(size: Int64)
        /// Refusing a command that is unknown.
        case refusal(Reply)
    }

    mutating func tell(_ event: @autoclosure () -> SessionEvent) {
        if settings.isFiltered { pending.append(.event(event())) }
    }

    /// Tells of a line of the client, without what only this server may know.
    mutating func tellLine(_ line: ArraySlice<UInt8>) {
        guard settings.isFiltered else { return }
        let stars = Array("********".utf8)
        if case .awaitingResponse = state { return tell(.clientLine(stars)) }
        guard isAuthentication(line) else { return tell(.clientLine(Array(line))) }
        let words = line.split(separator: 0x20, maxSplits: 2)
        let shown = words.prefix(2) + (words.count > 2 ? [stars[...]] : [])
        tell(.clientLine(Array(shown.joined(separator: [0x20]))))
    }

    mutating func consult(_ held: Held, _ question: FilterQuestion) {
        state = .consulting(held, before: state)
        pending.append(.consult(question))
    }

    mutating func execute(_ command: Command) {
        guard settings.isFiltered, let question = question(about: command) else { return carryOut(command) }
        // What would come of it decides whether it is worth asking.
        var trial = self
        trial.carryOut(command)
        guard let refusal = Self.refusal(among: trial.pending[...]) else { return consult(.command(command), question) }
        self = trial
        tell(refusal, of: command)
    }

    private static func refusal(among steps: ArraySlice<ServerStep>) -> Reply? {
        steps.lazy.compactMap { if case .reply(let reply) = $0, !reply.isPositive { reply } else { nil } }.first
    }

    /// Tells that the server itself has refused a sender or a recipient.
    private mutating func tell(_ refusal: Reply, of command: Command) {
        // Out of order they are no part of any transaction.
        guard refusal != .notAllowed, let question = question(about: command) else { return }
        switch command {
        case .mail: tell(.refusedSender(question.argument, refusal))
        case .rcpt: tell(.refusedRecipient(question.argument, refusal))
        case .helo, .ehlo, .startTLS, .auth, .data, .bdat, .rset, .quit, .noop, .help, .vrfy, .expn, .wiz: break
        }
    }

    /// Refuses a line for its syntax; filters may have a word when no such command exists.
    mutating func refuse(_ line: ArraySlice<UInt8>, for error: Command.SyntaxError) {
        guard settings.isFiltered, error == .unrecognized else { return refuseCommand(error.reply) }
        consult(.refusal(error.reply), FilterQuestion(.unknown, argument: Array(line)))
    }

    /// What filters are asked about a command; nil for one that is none of their business.
    private func question(about command: Command) -> FilterQuestion? {
        switch command {
        case .helo(let name): FilterQuestion(.helo, argument: name)
        case .ehlo(let name): FilterQuestion(.ehlo, argument: name)
        case .startTLS: FilterQuestion(.startTLS)
        case .auth(let mechanism, let response):
            FilterQuestion(.auth, argument: mechanism + (response.map { [0x20] + $0 } ?? []))
        case .mail(let arguments): Self.question(.mailFrom, arguments)
        case .rcpt(let arguments): Self.question(.rcptTo, arguments)
        case .data: FilterQuestion(.data)
        case .bdat:
            // The first chunk is what DATA is; later ones belong to a message that was let in.
            if case .transaction = state { FilterQuestion(.data) } else { nil }
        case .rset: FilterQuestion(.rset)
        case .quit: FilterQuestion(.quit)
        case .noop: FilterQuestion(.noop)
        case .help: FilterQuestion(.help)
        case .vrfy, .expn, .wiz: nil
        }
    }

    private static func question(_ phase: FilterPhase, _ arguments: [UInt8]) -> FilterQuestion {
        let (address, rest) = pathAndRest(arguments)
        return FilterQuestion(phase, argument: Array(address), parameters: rest.split(separator: 0x20).map { Array($0) })
    }

    /// The address of a path without its brackets, and what stands behind it. Without a path at the beginning all is
    /// taken for the address.
    private static func pathAndRest(_ arguments: [UInt8]) -> (address: ArraySlice<UInt8>, rest: ArraySlice<UInt8>) {
        let parsed: ArraySlice<UInt8>?
        // Whoever reads it for its meaning finds the fault again and answers for it.
        do throws(AddressSyntaxError) {
            // Completed by any domain, for only the extent matters.
            let domain = try Domain(validating: Array("localhost".utf8))
            parsed = try MailPath.reversePath(arguments[...], completedBy: domain).rest
        } catch {
            parsed = nil
        }
        guard let rest = parsed else { return (arguments[...], []) }
        return (arguments[..<rest.startIndex].dropFirst().dropLast(), rest)
    }

    /// Takes the answer to ``ServerStep/consult(_:)``.
    package mutating func filtersAnswered(_ verdict: PhaseVerdict) {
        guard case .consulting(let held, let before) = state else {
            // The session ended meanwhile.
            return
        }
        state = before
        switch verdict {
        case .proceed(let isJunk):
            mark(held, asJunk: isJunk)
            goOn(held)
        case .rewrite(let argument):
            mark(held, asJunk: false)
            rewrite(held, argument)
        case .refuse(let reply):
            refuse(held, reply)
        case .disconnect(let reply):
            note(reply)
            end(.filtered, reply: reply)
        }
    }

    private mutating func goOn(_ held: Held) {
        switch held {
        case .connection: greet()
        case .command(let command): carryOut(command)
        case .message(let size): commit(size: size)
        case .refusal(let reply): refuseCommand(reply)
        }
    }

    /// Junk belongs to a transaction from MAIL on, to the session before.
    private mutating func mark(_ held: Held, asJunk isMarked: Bool) {
        if case .command(.mail) = held {
            isTransactionJunk = isMarked
        } else if isMarked {
            if isInTransaction { isTransactionJunk = true } else { isJunk = true }
        }
    }

    private var isInTransaction: Bool {
        switch state {
        case .transaction, .checkingRecipient, .openingMessage, .receiving, .betweenChunks, .received: true
        case .notGreeted, .greeted, .idle, .authenticating, .awaitingResponse, .checkingSender, .consulting, .committing,
            .startingTLS, .closed:
            false
        }
    }

    private mutating func rewrite(_ held: Held, _ argument: [UInt8]) {
        guard case .command(let command) = held else { return goOn(held) }
        guard !argument.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return refuseCommand(.controlCharacter) }
        switch command {
        case .helo: carryOut(.helo(name: argument))
        case .ehlo: carryOut(.ehlo(name: argument))
        case .mail(let old): carryOutRewritten(.mail(Self.rewritten(old, argument)))
        case .rcpt(let old): carryOutRewritten(.rcpt(Self.rewritten(old, argument)))
        case .auth:
            do throws(Command.SyntaxError) {
                carryOut(try Command(parsing: ("AUTH ".utf8 + argument)[...]))
            } catch {
                refuseCommand(error.reply)
            }
        case .startTLS, .data, .bdat, .rset, .quit, .noop, .help, .vrfy, .expn, .wiz: carryOut(command)
        }
    }

    /// Nobody has seen yet whether the server takes what a filter wrote.
    private mutating func carryOutRewritten(_ command: Command) {
        let before = pending.count
        carryOut(command)
        if let refusal = Self.refusal(among: pending.dropFirst(before)) { tell(refusal, of: command) }
    }

    /// The argument of MAIL or RCPT with another path. Brackets may be left out, and the client's parameters stay
    /// unless others are given: a rewritten message is as large, and in the same encoding, as before.
    private static func rewritten(_ old: [UInt8], _ argument: [UInt8]) -> [UInt8] {
        let path = argument.first == UInt8(ascii: "<") ? argument : [UInt8(ascii: "<")] + argument + [UInt8(ascii: ">")]
        return path.last == UInt8(ascii: ">") ? path + pathAndRest(old).rest : path
    }

    private mutating func refuse(_ held: Held, _ reply: Reply) {
        switch held {
        case .connection:
            note(reply)
            end(.filtered, reply: reply)
        case .refusal:
            refuseCommand(reply)
        case .message:
            let name = clientName
            abandonTransaction()
            state = name.map { .idle($0) } ?? .greeted
            currentLine = []
            refuse(reply)
        case .command(let command):
            refuse(reply)
            switch command {
            case .rcpt: if reply.code >= 500 { countRefusedRecipient() }
            case .data: closeIfContentFollows()
            case .bdat(let size, _): chunkToDiscard = size
            case .helo, .ehlo, .startTLS, .auth, .mail, .rset, .quit, .noop, .help, .vrfy, .expn, .wiz: break
            }
        }
    }

    /// Takes the answer to ``ServerStep/finishContent``.
    package mutating func contentFiltered(_ answer: FilteredMessage) {
        guard case .received(let reception) = state else { return }
        switch answer {
        case .complete(let size):
            complete(size: size)
        case .refused(let reply):
            abandonTransaction()
            state = .idle(reception.client)
            currentLine = []
            refuse(reply)
        }
    }

    /// All content of a message is stored.
    mutating func complete(size: Int64) {
        if settings.isFiltered { consult(.message(size: size), FilterQuestion(.commit)) } else { commit(size: size) }
    }

    private mutating func commit(size: Int64) {
        guard case .received(let reception) = state else { return }
        state = .committing(reception.client, identifier: reception.identifier)
        pending.append(.commitMessage(size: size))
    }
}

extension ServerSession.Reception {
    /// The whole lines of content so far; what follows the last line end is kept for the next call.
    mutating func wholeLines(of content: [UInt8]) -> [UInt8] {
        guard let end = content.lastIndex(of: 0x0A) else {
            partialLine += content
            return []
        }
        var lines = partialLine
        // Never at the end of a message: the decoder ends its last line.
        partialLine = Array(content[(end + 1)...])
        if lines.isEmpty, partialLine.isEmpty { return content }
        lines += content[...end]
        return lines
    }
}
