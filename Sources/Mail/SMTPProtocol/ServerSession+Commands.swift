import Envelopes
import MailSyntax

/// Carrying out commands (RFC 5321 section 4.1.1 and the extensions' own documents).
extension ServerSession {
    mutating func carryOut(_ command: Command) {
        guard hasPatience(with: command) else { return }
        switch command {
        case .helo(let name): hello(name, isExtended: false)
        case .ehlo(let name): hello(name, isExtended: true)
        case .startTLS: startTLS()
        case .auth(let mechanism, let response): authenticate(mechanism, response)
        case .mail(let arguments): mail(arguments)
        case .rcpt(let arguments): rcpt(arguments)
        case .data: data()
        case .bdat(let size, let isLast): bdat(Chunk(size: size, isLast: isLast))
        case .rset: reset()
        case .quit: end(.quit, reply: .bye)
        case .noop: pending.append(.reply(.ok))
        case .help: pending.append(.reply(.help))
        case .vrfy: pending.append(.reply(.cannotVerify))
        case .expn: refuseCommand(.notImplemented)
        case .wiz: refuseCommand(.noWizards)
        }
    }

    /// Who the client is, once it has said so.
    var clientName: ClientName? { Self.clientName(in: state) }

    private static func clientName(in state: State) -> ClientName? {
        switch state {
        case .idle(let name), .authenticating(let name), .awaitingResponse(let name), .checkingSender(let name, _),
            .committing(let name, _):
            name
        case .transaction(let transaction), .checkingRecipient(let transaction, _), .openingMessage(let transaction, _):
            transaction.client
        case .receiving(let reception), .betweenChunks(let reception), .received(let reception): reception.client
        case .consulting(_, let before): Self.clientName(in: before)
        case .notGreeted, .greeted, .startingTLS, .closed: nil
        }
    }

    /// HELO and EHLO; said again, they reset (section 4.1.4).
    private mutating func hello(_ name: [UInt8], isExtended: Bool) {
        let domain: Domain
        do throws(AddressSyntaxError) {
            domain = try Domain(validating: name)
        } catch {
            return refuseCommand(.invalidName)
        }
        // Names outside ASCII are said in their encoded form (RFC 6531 section 3.7.1).
        guard name.allSatisfy({ $0 < 0x80 }) else { return refuseCommand(.invalidName) }
        abandonTransaction()
        state = .idle(ClientName(name: domain.text, isExtended: isExtended))
        tell(.identified(method: isExtended ? "EHLO" : "HELO", name: domain.text))
        var lines = [Reply.helloText(settings, client, domain.text)]
        if isExtended { lines += extensions }
        pending.append(.reply(Reply(250, lines: lines)))
    }

    /// The extensions offered, one line each.
    private var extensions: [String] {
        var lines = ["8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "SIZE \(settings.limits.messageSize)"]
        if settings.offersDSN { lines.append("DSN") }
        lines += ["CHUNKING", "SMTPUTF8"]
        if settings.startTLS != .notOffered, !isSecure { lines.append("STARTTLS") }
        if offersAuthentication, authenticatedUser == nil {
            lines.append("AUTH \(settings.mechanisms.joined(separator: " "))")
        }
        lines.append("HELP")
        return lines
    }

    private mutating func startTLS() {
        switch (settings.startTLS, state) {
        case (.notOffered, _):
            refuseCommand(.notSupported)
        case (.offered, _) where isSecure, (.required, _) where isSecure:
            refuseCommand(.alreadySecured)
        case (.offered, .idle), (.required, .idle):
            // What was sent in clear behind the command must not be taken for the secured session's.
            position = input.count
            state = .startingTLS
            pending += [.reply(.startTLS), .startTLS]
        case (.offered, _), (.required, _):
            refuseCommand(.notAllowed)
        }
    }

    private mutating func mail(_ arguments: [UInt8]) {
        guard case .idle(let name) = state else { return refuseCommand(.notAllowed) }
        guard settings.startTLS != .required || isSecure else { return refuseCommand(.mustStartTLS) }
        guard settings.authentication != .required || isAuthenticated else { return refuseCommand(.mustAuthenticate) }
        guard mails < settings.limits.mails else {
            note(.tooManyMails)
            return pending.append(.reply(.tooManyMails))
        }
        let sender: ReversePath
        let rest: ArraySlice<UInt8>
        do throws(AddressSyntaxError) {
            (sender, rest) = try MailPath.reversePath(arguments[...], completedBy: settings.hostname)
        } catch {
            return refuseCommand(.senderSyntax)
        }
        let parameters: MailParameters
        do throws(ParameterError) {
            parameters = try MailParameters(parsing: rest, settings: settings)
        } catch {
            return refuseCommand(error.reply)
        }
        if let reply = Self.objection(to: sender.address, needsUTF8: parameters.needsUTF8) {
            return refuseCommand(reply)
        }
        // Declared with CR LF, counted with LF: what is within the limit here is within it there.
        if let size = parameters.size, size > settings.limits.messageSize {
            note(MessageFault.tooLarge.reply)
            return pending.append(.reply(MessageFault.tooLarge.reply))
        }
        let facts = Transaction(
            sender: sender, source: client.source, reverseName: client.reverseName, helo: name.name,
            serverName: settings.hostname.text, tag: settings.tag, user: authenticatedUser ?? client.user,
            isAuthenticated: isAuthenticated, usesTLS: isSecure, isInternal: client.isInternal,
            body: parameters.body, needsUTF8: parameters.needsUTF8, returnContent: parameters.returnContent,
            envelopeIdentifier: parameters.envelopeIdentifier)
        state = .checkingSender(name, facts)
        pending.append(.checkSender(facts))
    }

    private mutating func rcpt(_ arguments: [UInt8]) {
        guard case .transaction(let transaction) = state else { return refuseCommand(.notAllowed) }
        let address: MailAddress
        let rest: ArraySlice<UInt8>
        do throws(AddressSyntaxError) {
            (address, rest) = try MailPath.forwardPath(arguments[...], completedBy: settings.hostname)
        } catch {
            return refuseCommand(.recipientSyntax)
        }
        let parameters: RecipientParameters
        do throws(ParameterError) {
            parameters = try RecipientParameters(parsing: rest, settings: settings)
        } catch {
            return refuseCommand(error.reply)
        }
        if let reply = Self.objection(to: address, needsUTF8: transaction.facts.needsUTF8) {
            return refuseCommand(reply)
        }
        guard transaction.recipients < settings.limits.recipients else {
            note(.tooManyRecipients)
            return pending.append(.reply(.tooManyRecipients))
        }
        state = .checkingRecipient(transaction, address)
        pending.append(
            .checkRecipient(
                RecipientRequest(
                    address: address, notify: parameters.notify, originalRecipient: parameters.originalRecipient)))
    }

    /// What RFC 6531 section 3.5 has against an address, nil for nothing.
    private static func objection(to address: MailAddress?, needsUTF8: Bool) -> Reply? {
        guard let address else { return nil }
        let bytes = address.localPart.bytes + address.domain.bytes
        guard bytes.contains(where: { $0 >= 0x80 }) else { return nil }
        guard needsUTF8 else { return .needsUTF8 }
        return String(validating: bytes, as: UTF8.self) == nil ? .notUTF8 : nil
    }

    private mutating func reset() {
        abandonTransaction()
        state = clientName.map { .idle($0) } ?? .greeted
        pending.append(.reply(.resetState))
    }
}
