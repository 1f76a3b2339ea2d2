import Envelopes
import MailSyntax

/// The SMTP client that hands one message to the daemon (RFC 5321), as a machine without a socket.
///
/// The driver calls ``next()`` in turns with what its step asks for. Good recipients get the message even if
/// others are refused. Recipients beyond what one transaction holds go into further ones, when the message
/// can be sent again.
package struct SubmissionDialogue {
    /// What the message is sent with.
    package struct Content: Hashable, Sendable {
        package var isEightBit: Bool
        /// With LF line ends, in bytes; nil when it is not known before the end.
        package var size: Int?
        /// ``Step/sendMessage`` may come more than once.
        package var canRepeat: Bool

        package init(isEightBit: Bool, size: Int?, canRepeat: Bool) {
            self.isEightBit = isEightBit
            self.size = size
            self.canRepeat = canRepeat
        }
    }

    /// What the driver is to do.
    package enum Step: Hashable, Sendable {
        case send([UInt8])
        /// Read a reply and hand it to ``take(_:)``.
        case awaitReply
        /// Send the message, encoded by ``DataEncoder``; what follows comes with the next step.
        case sendMessage
        case finish(SubmissionOutcome)
    }

    private enum State {
        case greeting
        case hello
        case envelope(Exchange)
        /// DATA was answered with 354.
        case message(Exchange)
        /// The message and its end were sent.
        case sent(Exchange)
        case finished
    }

    /// One transaction on its way.
    private struct Exchange {
        /// MAIL, one RCPT per recipient, DATA.
        var recipients: [MailAddress]
        var sent = 0
        var answered = 0
        var accepted: [MailAddress] = []
        var deferred: [(MailAddress, SubmissionReply)] = []
        var commands: Int
        /// No recipient was accepted, and the server wants data all the same (RFC 2920 section 3.1).
        var isEmptied = false
    }

    /// Recipients of one transaction, when there can be further ones. Servers take a thousand.
    private static let recipientsAtOnce = 1000
    /// Commands sent before their replies are read: what fits the buffers of both directions of a socket.
    private static let commandsAtOnce = 200

    private let envelope: SubmissionEnvelope
    private let content: Content
    private let verifies: Bool
    private var state = State.greeting
    private var toSend: [UInt8] = []
    private var extensions: Extensions = []
    private var waiting: ArraySlice<MailAddress>
    private var outcome = SubmissionOutcome()

    /// - Parameter verifies: Ask about the recipients, and send no message.
    package init(_ envelope: SubmissionEnvelope, content: Content, verifies: Bool = false) {
        self.envelope = envelope
        self.content = content
        self.verifies = verifies
        // The daemon's own socket: nobody there minds that it comes before the greeting, and a wait is saved.
        toSend = Array("EHLO localhost\r\n".utf8)
        waiting = envelope.recipients[...]
    }

    package mutating func next() -> Step {
        if !toSend.isEmpty {
            defer { toSend = [] }
            return .send(toSend)
        }
        switch state {
        case .greeting, .hello, .sent:
            return .awaitReply
        case .envelope(var exchange):
            if exchange.answered < exchange.sent { return .awaitReply }
            let commands = commands(for: &exchange)
            state = .envelope(exchange)
            return .send(commands)
        case .message(let exchange):
            if exchange.isEmptied {
                toSend = DataEncoder.end
                state = .sent(exchange)
                return next()
            }
            return .sendMessage
        case .finished:
            return .finish(outcome)
        }
    }

    /// The driver has carried out ``Step/sendMessage``.
    package mutating func messageSent() {
        guard case .message(let exchange) = state else { return }
        toSend = DataEncoder.end
        if waiting.isEmpty, exchange.deferred.isEmpty { toSend += Array("QUIT\r\n".utf8) }
        state = .sent(exchange)
    }

    /// Takes a reply.
    package mutating func take(_ reply: SubmissionReply) {
        switch state {
        case .greeting:
            guard reply.isPositive else { return refuseEverything(reply) }
            state = .hello
        case .hello:
            guard reply.isPositive else { return refuseEverything(reply) }
            for line in reply.lines.dropFirst() { extensions.formUnion(Extensions(line: line)) }
            beginTransaction()
        case .envelope(var exchange):
            let index = exchange.answered
            exchange.answered += 1
            if index == 0 {
                // What the server says of the commands behind a refused MAIL does not matter.
                guard reply.isPositive else { return refuseEverything(reply, exchange) }
            } else if index <= exchange.recipients.count {
                let recipient = exchange.recipients[index - 1]
                if reply.isPositive {
                    exchange.accepted.append(recipient)
                } else if reply.isTemporary {
                    exchange.deferred.append((recipient, reply))
                } else {
                    outcome.refused.append(.init(recipient: recipient, reply: reply))
                }
            }
            guard exchange.answered == exchange.commands else {
                state = .envelope(exchange)
                return
            }
            if verifies || exchange.accepted.isEmpty && reply.code != 354 {
                endTransaction(exchange)
            } else if reply.code == 354 {
                exchange.isEmptied = exchange.accepted.isEmpty
                state = .message(exchange)
            } else {
                refuseEverything(reply, exchange)
            }
        case .sent(let exchange):
            guard exchange.isEmptied || reply.isPositive else {
                outcome.isContentRefused = true
                return refuseEverything(reply, exchange)
            }
            endTransaction(exchange)
        case .message, .finished:
            // The server speaks unasked: the end of the connection, most likely, which shows soon.
            break
        }
    }

    /// The connection ended, or the server said what is no reply.
    package mutating func connectionLost() {
        switch state {
        case .greeting, .hello: refuseEverything(.lost)
        case .envelope(let exchange), .message(let exchange): refuseEverything(.lost, exchange)
        case .sent(let exchange):
            outcome.isInDoubt = true
            refuseEverything(.lost, exchange)
        case .finished: break
        }
    }
}

/// What of the daemon's extensions a submission makes use of.
private struct Extensions: OptionSet {
    let rawValue: UInt8

    static let pipelining = Self(rawValue: 1 << 0)
    static let size = Self(rawValue: 1 << 1)
    static let eightBitMIME = Self(rawValue: 1 << 2)
    static let smtpUTF8 = Self(rawValue: 1 << 3)
    static let dsn = Self(rawValue: 1 << 4)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// - Parameter line: One of the reply to EHLO.
    init(line: [UInt8]) {
        self =
            switch String(decoding: line.prefix { $0 != 0x20 }, as: UTF8.self).uppercased() {
            case "PIPELINING": .pipelining
            case "SIZE": .size
            case "8BITMIME": .eightBitMIME
            case "SMTPUTF8": .smtpUTF8
            case "DSN": .dsn
            default: []
            }
    }
}

// MARK: Transactions

extension SubmissionDialogue {
    private mutating func beginTransaction() {
        let count = content.canRepeat ? Self.recipientsAtOnce : waiting.count
        let recipients = Array(waiting.prefix(count))
        waiting = waiting.dropFirst(count)
        state = .envelope(Exchange(recipients: recipients, commands: recipients.count + (verifies ? 1 : 2)))
    }

    /// The next commands, as many as may be under way together.
    private func commands(for exchange: inout Exchange) -> [UInt8] {
        let limit = extensions.contains(.pipelining) ? Self.commandsAtOnce : 1
        var result: [UInt8] = []
        let end = min(exchange.commands, exchange.sent + limit)
        while exchange.sent < end {
            switch exchange.sent {
            case 0: result += mailCommand
            case 1...exchange.recipients.count: result += rcptCommand(exchange.recipients[exchange.sent - 1])
            default: result += Array("DATA\r\n".utf8)
            }
            exchange.sent += 1
        }
        return result
    }

    private var mailCommand: [UInt8] {
        var command = Array("MAIL FROM:<".utf8) + (envelope.sender.address?.bytes ?? []) + Array(">".utf8)
        if let size = content.size, extensions.contains(.size) { command += Array(" SIZE=\(size)".utf8) }
        if content.isEightBit, extensions.contains(.eightBitMIME) { command += Array(" BODY=8BITMIME".utf8) }
        if envelope.needsUTF8, extensions.contains(.smtpUTF8) { command += Array(" SMTPUTF8".utf8) }
        if extensions.contains(.dsn) {
            switch envelope.returnContent {
            case .full: command += Array(" RET=FULL".utf8)
            case .headers: command += Array(" RET=HDRS".utf8)
            case nil: break
            }
            if let identifier = encodedIdentifier { command += Array(" ENVID=".utf8) + identifier }
        }
        return command + [0x0D, 0x0A]
    }

    /// The ENVID value. One that RFC 3461 section 4.4 does not allow, not printable or above 100 characters, is
    /// left out: the options for notification are never a reason to refuse mail.
    private var encodedIdentifier: [UInt8]? {
        guard let identifier = envelope.envelopeIdentifier, identifier.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            return nil
        }
        let encoded = Xtext.encoded(identifier)
        return encoded.isEmpty || encoded.count > 100 ? nil : encoded
    }

    private func rcptCommand(_ recipient: MailAddress) -> [UInt8] {
        var command = Array("RCPT TO:<".utf8) + recipient.bytes + Array(">".utf8)
        if let notify = envelope.notify, extensions.contains(.dsn) {
            let words = [
                (NotifyOptions.success, "SUCCESS"), (.failure, "FAILURE"), (.delay, "DELAY"), (.never, "NEVER")
            ]
            .filter { notify.contains($0.0) }.map { $0.1 }
            command += Array(" NOTIFY=\(words.joined(separator: ","))".utf8)
        }
        return command + [0x0D, 0x0A]
    }

    private mutating func endTransaction(_ exchange: Exchange) {
        outcome.accepted += exchange.accepted
        // A server that took some and defers the rest has too many for one transaction (RFC 5321 section
        // 4.5.3.1.10). Without progress there is no point in asking again.
        if content.canRepeat, !verifies, !exchange.accepted.isEmpty {
            waiting = (exchange.deferred.map { $0.0 } + waiting)[...]
        } else {
            outcome.refused += exchange.deferred.map { .init(recipient: $0.0, reply: $0.1) }
        }
        if waiting.isEmpty { state = .finished } else { beginTransaction() }
    }

    /// Nothing becomes of the transaction, nor of those that would have followed.
    private mutating func refuseEverything(_ reply: SubmissionReply, _ exchange: Exchange? = nil) {
        outcome.failure = reply
        if let exchange {
            let refused = Set(outcome.refused.map(\.recipient))
            outcome.abandoned += exchange.recipients.filter { !refused.contains($0) }
        }
        outcome.abandoned += waiting
        state = .finished
    }
}
