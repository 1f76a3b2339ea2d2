import MailSyntax

/// Taking messages in: DATA (RFC 5321 section 4.1.1.4) and BDAT (RFC 3030).
extension ServerSession {
    mutating func data() {
        switch state {
        case .transaction(let transaction) where transaction.recipients > 0:
            state = .openingMessage(transaction, nil)
            pending.append(.beginMessage)
        case .transaction:
            refuseData(.noRecipient)
        case .notGreeted, .greeted, .idle, .authenticating, .awaitingResponse, .checkingSender, .checkingRecipient, .openingMessage, .receiving,
            .betweenChunks, .received, .consulting, .committing, .startingTLS, .closed:
            refuseData(.notAllowed)
        }
    }

    /// Refuses DATA for its order.
    private mutating func refuseData(_ reply: Reply) {
        refuseCommand(reply)
        closeIfContentFollows()
    }

    /// DATA ends a group of commands (RFC 2920 section 3.1), so whatever stands behind a refused one is a
    /// message whose lines would be taken for commands.
    mutating func closeIfContentFollows() {
        if position < input.count { end(.protocolViolation, reply: nil) }
    }

    mutating func bdat(_ chunk: Chunk) {
        switch state {
        case .transaction(let transaction) where transaction.recipients > 0:
            state = .openingMessage(transaction, chunk)
            pending.append(.beginMessage)
        case .betweenChunks(var reception):
            reception.chunk = chunk
            reception.remaining = chunk.size
            state = .receiving(reception)
        case .transaction:
            refuseChunk(chunk, .noRecipient)
        case .notGreeted, .greeted, .idle, .authenticating, .awaitingResponse, .checkingSender, .checkingRecipient, .openingMessage, .receiving,
            .received, .consulting, .committing, .startingTLS, .closed:
            refuseChunk(chunk, .notAllowed)
        }
    }

    /// The octets come all the same (RFC 3030 section 2).
    private mutating func refuseChunk(_ chunk: Chunk, _ reply: Reply) {
        chunkToDiscard = chunk.size
        refuseCommand(reply)
    }

    /// Takes the answer to ``ServerStep/beginMessage``.
    package mutating func messageOpened(_ answer: MessageOpening) {
        guard case .openingMessage(let transaction, let chunk) = state else { return }
        switch answer {
        case .opened(let opened):
            let trace = TraceHeader(
                transaction: transaction.facts, isExtended: transaction.client.isExtended,
                identifier: opened.identifier, soleRecipient: transaction.soleRecipient, date: opened.date,
                masksSource: settings.masksSource, channel: channel, recordsAuthentication: settings.recordsAuthentication,
                isJunk: isJunk || isTransactionJunk)
            let policy = MessageIntake.Policy(
                hostname: settings.hostname, completesHeader: settings.completesHeader,
                masquerade: settings.masquerades && isAuthenticated ? transaction.facts.sender.address : nil, opened: opened,
                limits: settings.limits)
            let decoder = ContentDecoder(
                chunk == nil ? .dotStuffed : .counted, acceptsBareLineFeed: settings.acceptsBareLineFeed,
                textLineLimit: settings.limits.textLine)
            state = .receiving(
                Reception(
                    client: transaction.client, identifier: opened.identifier, decoder: decoder,
                    intake: MessageIntake(trace: trace, policy: policy), isFiltered: opened.isFiltered, chunk: chunk,
                    remaining: chunk?.size ?? 0))
            if chunk == nil { pending.append(.reply(.enterMail)) }
        case .refused(let reply):
            abandonTransaction()
            state = .idle(transaction.client)
            refuse(reply)
            if let chunk { chunkToDiscard = chunk.size } else { closeIfContentFollows() }
        }
    }

    /// Takes what is there of the content; false when nothing came of it and more has to come.
    mutating func takeContent(_ received: consuming Reception) -> Bool {
        var reception = received
        let available = input.count - position
        let end = reception.chunk == nil ? input.count : position + Int(min(reception.remaining, Int64(available)))
        let start = position
        var content: [UInt8] = []
        content.reserveCapacity(end - start)
        let sawDot = reception.decoder.decode(input, from: &position, to: end, onto: &content)
        reception.remaining -= Int64(position - start)
        contentSinceProgress += Int64(position - start)
        if sawDot || contentSinceProgress >= settings.limits.contentStep {
            contentSinceProgress = 0
            progress &+= 1
        }
        let isChunkComplete = reception.chunk != nil && reception.remaining == 0
        let isMessageComplete = sawDot || (isChunkComplete && reception.chunk?.isLast == true)
        if isMessageComplete { reception.decoder.finish(onto: &content) }
        if sawDot { tell(.clientLine([UInt8(ascii: ".")])) }

        var stored = reception.intake.append(content)
        if isMessageComplete { stored += reception.intake.finish() }
        if let fault = reception.fault {
            if !reception.isRolledBack {
                reception.isRolledBack = true
                pending.append(.rollbackMessage)
            }
            if isMessageComplete || isChunkComplete {
                state = .idle(reception.client)
                currentLine = []
                refuse(fault.reply)
                return true
            }
        } else {
            if reception.isFiltered {
                stored = reception.wholeLines(of: stored)
                if !stored.isEmpty { pending.append(.filterContent(stored)) }
            } else if !stored.isEmpty {
                pending.append(.messageBytes(stored))
            }
            if isMessageComplete {
                let size = reception.intake.storedSize
                let isFiltered = reception.isFiltered
                state = .received(reception)
                if isFiltered { pending.append(.finishContent) } else { complete(size: size) }
                return true
            }
        }
        if isChunkComplete, let chunk = reception.chunk {
            state = .betweenChunks(reception)
            pending.append(.reply(.chunkReceived(chunk.size)))
            return true
        }
        state = .receiving(reception)
        return !pending.isEmpty
    }
}
