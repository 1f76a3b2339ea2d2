import Envelopes
import WireFormat

/// What a delivery agent may say to the dispatcher: what became of the requests.
package enum AgentToDispatcher: Hashable, Sendable {
    /// One or more results, in the order they were reached. Everything reported delivered is on stable
    /// storage, or was taken by the command or the server.
    case outcomes([AgentOutcome])
}

/// The result of one request.
package struct AgentOutcome: Hashable, Sendable {
    /// ``DeliveryRequest/id``.
    package var request: UInt64
    package var outcome: DeliveryOutcome

    /// Takes any outcome and makes it fit to send: words from a server or a command may hold what the other
    /// side refuses.
    package init(request: UInt64, outcome: DeliveryOutcome) {
        self.request = request
        switch outcome {
        case .delivered(let text): self.outcome = .delivered(reportText(text))
        case .temporary(let failure): self.outcome = .temporary(fit(failure, class: 4))
        case .permanent(let failure): self.outcome = .permanent(fit(failure, class: 5))
        case .loop: self.outcome = .loop
        }
    }
}

private func fit(_ failure: DeliveryFailure, class digit: Int) -> DeliveryFailure {
    let status = EnhancedStatus.isValid(failure.status, class: digit) ? failure.status : "\(digit).0.0"
    return DeliveryFailure(status: status, text: reportText(failure.text))
}

private func reportText(_ text: String) -> String {
    var result = String(decoding: text.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    while result.utf8.count > AgentOutcome.maximumTextLength { result.unicodeScalars.removeLast() }
    return result
}

extension AgentToDispatcher: WireMessage {
    private enum Kind: UInt8 {
        case outcomes = 1
    }

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .outcomes(let outcomes):
            writer.write(Kind.outcomes.rawValue)
            writer.write(list: outcomes) { $0.encode(into: &$1) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let kind = try reader.readUInt8()
        switch Kind(rawValue: kind) {
        case .outcomes:
            self = .outcomes(
                try reader.readList { (reader: inout WireReader) throws(WireError) in
                    try AgentOutcome(from: &reader)
                })
        case nil: throw .unknownValue(UInt64(kind), for: "message from an agent")
        }
    }
}

extension AgentOutcome: WireMessage {
    private enum Kind: UInt8 {
        case delivered = 1
        case temporary = 2
        case permanent = 3
        case loop = 4
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(request)
        switch outcome {
        case .delivered(let text):
            writer.write(Kind.delivered.rawValue)
            writer.write(text)
        case .temporary(let failure):
            writer.write(Kind.temporary.rawValue)
            write(failure, into: &writer)
        case .permanent(let failure):
            writer.write(Kind.permanent.rawValue)
            write(failure, into: &writer)
        case .loop:
            writer.write(Kind.loop.rawValue)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        request = try reader.readUInt64()
        let kind = try reader.readUInt8()
        switch Kind(rawValue: kind) {
        case .delivered: outcome = .delivered(try readReportText(&reader))
        case .temporary: outcome = .temporary(try readFailure(&reader, class: 4))
        case .permanent: outcome = .permanent(try readFailure(&reader, class: 5))
        case .loop: outcome = .loop
        case nil: throw .unknownValue(UInt64(kind), for: "outcome")
        }
    }
}

private func write(_ failure: DeliveryFailure, into writer: inout WireWriter) {
    writer.write(failure.status)
    writer.write(failure.text)
}

/// The agent runs as a user who may have taken it over, and its words go into logs, the queue and reports:
/// the status has to be one of the right class and the text one printable line.
private func readFailure(_ reader: inout WireReader, class digit: Int) throws(WireError) -> DeliveryFailure {
    let status = try reader.readString()
    guard EnhancedStatus.isValid(status, class: digit) else { throw .invalid("enhanced status code") }
    return DeliveryFailure(status: status, text: try readReportText(&reader))
}

private func readReportText(_ reader: inout WireReader) throws(WireError) -> String {
    let text = try reader.readString()
    guard text.utf8.count <= AgentOutcome.maximumTextLength, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        throw .invalid("report text")
    }
    return text
}

extension AgentOutcome {
    /// The longest text of a result, in bytes.
    package static let maximumTextLength = 512
}
