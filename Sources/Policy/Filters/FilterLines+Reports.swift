import Configuration
import Envelopes
import SMTPProtocol

/// `report|VERSION|TIME|SUBSYSTEM|EVENT|SESSION|FIELDS`, the fields in the order of the protocol.
extension FilterLines {
    package static func report(
        _ event: ReportEvent, of session: UInt64, in subsystem: FilterSubsystem, at time: FilterTime,
        in version: FilterProcess.ProtocolVersion = .current
    ) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(160)
        line += "report|".utf8
        line += version.text.utf8
        line.append(separator)
        time.append(onto: &line)
        line.append(separator)
        line += subsystem.rawValue.utf8
        line.append(separator)
        line += event.name.word.utf8
        line.append(separator)
        appendHexadecimal(session, 16, onto: &line)
        let fields = fields(of: event, in: version)
        for (index, field) in fields.enumerated() {
            line.append(separator)
            append(field, onto: &line, isLast: index == fields.count - 1)
        }
        line.append(0x0A)
        return line
    }

    private static func fields(of event: ReportEvent, in version: FilterProcess.ProtocolVersion) -> [[UInt8]] {
        func text(_ words: String...) -> [[UInt8]] { words.map { Array($0.utf8) } }
        switch event {
        case .connected(let name, let confirmation, let source, let destination):
            return text(name, confirmation.reportWord, source, destination)
        case .greeted(let hostname): return text(hostname)
        case .identified(let method, let name): return text(method, name)
        case .tls(let parameters): return text(parameters)
        case .authenticated(let outcome, let user):
            return version < .v0_7 ? text(user, outcome.authenticationWord) : text(outcome.authenticationWord, user)
        case .disconnected, .timedOut: return []
        case .transactionReset(let message): return [message.map(digits) ?? hexadecimal(0, 8)]
        case .transactionBegun(let message), .rolledBack(let message): return [digits(message)]
        case .mail(let message, let outcome, let address):
            return [message.map(digits) ?? hexadecimal(0, 8)] + answered(address, outcome, in: version)
        case .recipient(let message, let outcome, let address): return [digits(message)] + answered(address, outcome, in: version)
        case .envelope(let envelope): return [digits(envelope.message), digits(envelope.rawValue)]
        case .data(let message, let outcome): return [digits(message), Array(outcome.transactionWord.utf8)]
        case .committed(let message, let size): return [digits(message), Array(String(size).utf8)]
        case .clientLine(let line), .serverLine(let line): return [line]
        case .filterReport(let author, let name, let text): return [Array(author.rawValue.utf8), Array(name.utf8), text]
        case .filterResponse(let phase, let response, let parameter):
            // This one phase has another name here than in questions.
            let word = phase == .connect ? "connected" : phase == .startTLS ? "tls" : phase.word
            return [Array(word.utf8), Array(response.utf8)] + (parameter.map { [$0] } ?? [])
        }
    }

    /// An address and what became of it.
    private static func answered(
        _ address: [UInt8], _ outcome: ReportEvent.Outcome, in version: FilterProcess.ProtocolVersion
    ) -> [[UInt8]] {
        let word = Array(outcome.transactionWord.utf8)
        return version < .v0_6 ? [address, word] : [word, address]
    }

    private static func digits(_ message: MessageID) -> [UInt8] { hexadecimal(UInt64(message.rawValue), 8) }
}

extension ForwardConfirmation {
    fileprivate var reportWord: String {
        switch self {
        case .confirmed: "pass"
        case .unconfirmed: "fail"
        case .undecided: "error"
        }
    }
}

extension ReportEvent.Outcome {
    fileprivate var authenticationWord: String {
        switch self {
        case .accepted: "pass"
        case .refused: "fail"
        case .unavailable: "error"
        }
    }

    fileprivate var transactionWord: String {
        switch self {
        case .accepted: "ok"
        case .refused: "permfail"
        case .unavailable: "tempfail"
        }
    }

    /// How a reply reads.
    package init(_ reply: Reply) { self = reply.isPositive ? .accepted : reply.isPermanent ? .refused : .unavailable }
}
