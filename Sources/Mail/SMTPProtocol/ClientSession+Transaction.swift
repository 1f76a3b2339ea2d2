import Envelopes
import MailSyntax

/// Sending a message (RFC 5321 section 3.3).
extension ClientSession {
    /// Starts a transaction. Only when the step is ``ClientStep/ready(_:)``.
    package mutating func send(_ message: OutgoingMessage) {
        guard case .ready = state else { return }
        let recipients = Array(message.recipients.indices)
        if let objection = objection(to: message) {
            // The step after these is `ready` again: nothing was said to the server.
            for recipient in recipients {
                pending.append(.result(recipient: recipient, .outcome(.permanent(objection))))
            }
            return
        }
        var undecided: [Int] = []
        for recipient in recipients {
            if isSendable(message.recipients[recipient].path.bytes) {
                undecided.append(recipient)
            } else {
                pending.append(.result(recipient: recipient, .outcome(.permanent(Self.needsUTF8))))
            }
        }
        guard !undecided.isEmpty else { return }
        var commands: [ClientTransaction.Command] = [.mail] + undecided.map { .rcpt($0) }
        // An LMTP server that took no recipient but wants data would owe no reply behind it. It also sits
        // near, so the round trip for asking first is cheap.
        let isAhead = capabilities.pipelining && settings.kind == .smtp
        if isAhead, !capabilities.chunking { commands.append(.data) }
        state = .transaction(
            ClientTransaction(
                message: message, unsent: commands[...], undecided: undecided, isPipelining: capabilities.pipelining,
                isChunking: capabilities.chunking,
                isEager: isAhead && capabilities.chunking && message.size <= ClientTransaction.eagerSize
                    && commands.count < ClientTransaction.window))
    }

    /// Takes the next piece of the message, lines ended by LF. Only at ``ClientStep/needsContent``.
    package mutating func content(_ bytes: [UInt8]) {
        guard case .transaction(var transaction) = state else { return }
        switch transaction.phase {
        case .data(var encoder):
            var output: [UInt8] = []
            output.reserveCapacity(bytes.count + bytes.count / 16 + 16)
            encoder.encode(bytes, onto: &output)
            transaction.phase = .data(encoder)
            if !output.isEmpty { pending.append(.send(output)) }
        case .chunks(var encoder, var collected):
            // Out of the state while it grows, so that it is not copied.
            transaction.phase = .commands
            state = .closed(.quit)
            encoder.encode(bytes, onto: &collected)
            if collected.count >= ClientTransaction.chunkSize {
                pending.append(.send(transaction.takeHead() + Array("BDAT \(collected.count)\r\n".utf8) + collected))
                transaction.unanswered.append(.chunk)
                collected = []
            }
            transaction.phase = .chunks(encoder, collected: collected)
        case .commands, .awaitingVerdicts, .awaitingEmptyVerdict:
            break
        }
        state = .transaction(transaction)
    }

    /// All of the message is handed in. Only at ``ClientStep/needsContent``.
    package mutating func endOfContent() {
        guard case .transaction(var transaction) = state else { return }
        switch transaction.phase {
        case .data(var encoder):
            var output: [UInt8] = []
            encoder.finish(onto: &output)
            transaction.phase = .awaitingVerdicts
            pending.append(.send(output))
        case .chunks(var encoder, var collected):
            encoder.finish(onto: &collected)
            transaction.phase = .commands
            transaction.unanswered.append(.lastChunk)
            pending.append(.send(transaction.takeHead() + Array("BDAT \(collected.count) LAST\r\n".utf8) + collected))
        case .commands, .awaitingVerdicts, .awaitingEmptyVerdict:
            return
        }
        transaction.isSent = true
        state = .transaction(transaction)
    }

    /// The rest of the message cannot be read. The connection ends without the end of the message, so that the
    /// server drops what it has (RFC 5321 section 4.1.1.10).
    package mutating func contentFailed() { fail(.contentFailed) }

    /// Sends as many commands as may be under way.
    mutating func sendCommands(_ started: ClientTransaction) {
        var transaction = started
        var output: [UInt8] = []
        let room = transaction.isPipelining ? ClientTransaction.window - transaction.unanswered.count : 1
        for command in transaction.unsent.prefix(room) {
            output += line(of: command, transaction.message)
            transaction.unanswered.append(command)
        }
        transaction.unsent = transaction.unsent.dropFirst(room)
        if transaction.isEager, transaction.unsent.isEmpty {
            // The commands are sent along with the message.
            transaction.phase = .chunks(ContentEncoder(.counted), collected: [])
            transaction.head = output
            output = []
        }
        state = .transaction(transaction)
        if !output.isEmpty { pending.append(.send(output)) }
    }

    private func line(of command: ClientTransaction.Command, _ message: OutgoingMessage) -> [UInt8] {
        switch command {
        case .mail: mailLine(message)
        case .rcpt(let index): rcptLine(message.recipients[index])
        case .data: Array("DATA\r\n".utf8)
        // Sent with their content.
        case .chunk, .lastChunk: []
        }
    }

    private func mailLine(_ message: OutgoingMessage) -> [UInt8] {
        var line = Array("MAIL FROM:<".utf8) + (message.sender.address?.bytes ?? [])
        line.append(UInt8(ascii: ">"))
        if capabilities.size { line += " SIZE=\(message.size)".utf8 }
        if capabilities.eightBitMIME, message.body != .sevenBit { line += " BODY=8BITMIME".utf8 }
        if capabilities.smtpUTF8, message.needsUTF8 { line += " SMTPUTF8".utf8 }
        if capabilities.dsn {
            switch message.returnContent {
            case .full: line += " RET=FULL".utf8
            case .headers: line += " RET=HDRS".utf8
            case nil: break
            }
            if let identifier = message.envelopeIdentifier { line += Array(" ENVID=".utf8) + Xtext.encoded(identifier) }
        }
        return line + [0x0D, 0x0A]
    }

    private func rcptLine(_ recipient: OutgoingMessage.Recipient) -> [UInt8] {
        var line = Array("RCPT TO:<".utf8) + recipient.path.bytes
        line.append(UInt8(ascii: ">"))
        if capabilities.dsn {
            if let notify = recipient.notify, !notify.isEmpty {
                let words = [(NotifyOptions.never, "NEVER"), (.success, "SUCCESS"), (.failure, "FAILURE"), (.delay, "DELAY")]
                line += " NOTIFY=\(words.filter { notify.contains($0.0) }.map(\.1).joined(separator: ","))".utf8
            }
            // It was checked when it came in; what comes back from a queue is checked once more before it
            // stands in a command.
            if let original = recipient.originalRecipient, original.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
                line += Array(" ORCPT=".utf8) + original
            }
        }
        return line + [0x0D, 0x0A]
    }

    /// What makes a message undeliverable to this server before a word is said.
    private func objection(to message: OutgoingMessage) -> DeliveryFailure? {
        if let limit = capabilities.maximumSize, message.size > limit {
            return DeliveryFailure(status: "5.3.4", text: "message too large for peer")
        }
        guard isSendable(message.sender.address?.bytes ?? []) else { return Self.needsUTF8 }
        // A local server that does not say so takes eight bits all the same.
        if message.body != .sevenBit, !capabilities.eightBitMIME, settings.kind == .smtp {
            return DeliveryFailure(status: "5.6.3", text: "The server takes 7-bit messages only, and this one cannot be converted")
        }
        return nil
    }

    /// Addresses outside ASCII need the extension (RFC 6531 section 3.2). Header fields outside ASCII are
    /// sent without it too: servers that do not offer it pass them on.
    private func isSendable(_ path: [UInt8]) -> Bool {
        capabilities.smtpUTF8 || !path.contains { $0 >= 0x80 }
    }

    private static let needsUTF8 = DeliveryFailure(
        status: "5.6.7", text: "Address is not ASCII, and the server does not offer SMTPUTF8")
}
