import Envelopes
import WireFormat

/// The queue's answers to control.
package enum QueueToControl: WireMessage, Hashable {
    /// The answer to ``ControlToQueue/page(request:after:_:limit:)``, and behind which envelope to go on; nil at the end.
    case page(request: UInt64, ListedLines, next: EnvelopeID?)
    /// The answer to ``ControlToQueue/select(request:after:_:)``, likewise.
    case selected(request: UInt64, [EnvelopeID], next: EnvelopeID?)
    /// The answer to ``ControlToQueue/envelope(request:_:)``, nil for an unknown one.
    case envelope(request: UInt64, ListedEnvelope?)
    /// The answer to ``ControlToQueue/body(request:_:)``, nil for an unknown message. A file comes along as its
    /// descriptor.
    case body(request: UInt64, MessageBody?)
    /// The answer to ``ControlToQueue/statistics(request:)``.
    case statistics(request: UInt64, StatisticsReport)
    /// A part of the history, oldest first: whole lines, perhaps none, and nil when none is kept. Behind the last the reading
    /// is over.
    case history(request: UInt64, ListingText?, isLast: Bool)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .page(let request, let entries, let next):
            writer.write(UInt8(1))
            writer.write(request)
            entries.encode(into: &writer)
            writer.write(next) { $0.encode(into: &$1) }
        case .selected(let request, let ids, let next):
            writer.write(UInt8(5))
            writer.write(request)
            writer.write(list: ids) { $0.encode(into: &$1) }
            writer.write(next) { $0.encode(into: &$1) }
        case .envelope(let request, let envelope):
            writer.write(UInt8(2))
            writer.write(request)
            writer.write(envelope) { $0.encode(into: &$1) }
        case .body(let request, let body):
            writer.write(UInt8(3))
            writer.write(request)
            writer.write(body) { $0.encode(into: &$1) }
        case .statistics(let request, let report):
            writer.write(UInt8(4))
            writer.write(request)
            report.encode(into: &writer)
        case .history(let request, let text, let isLast):
            writer.write(UInt8(60))
            writer.write(request)
            writer.write(text) { $0.encode(into: &$1) }
            writer.write(isLast)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .page(
                request: try reader.readUInt64(), try ListedLines(from: &reader),
                next: try reader.readOptional { reader throws(WireError) in try EnvelopeID(from: &reader) })
        case 2:
            self = .envelope(
                request: try reader.readUInt64(),
                try reader.readOptional { reader throws(WireError) in try ListedEnvelope(from: &reader) })
        case 3:
            self = .body(
                request: try reader.readUInt64(),
                try reader.readOptional { reader throws(WireError) in try MessageBody(from: &reader) })
        case 4:
            self = .statistics(
                request: try reader.readUInt64(), try StatisticsReport(from: &reader))
        case 5:
            self = .selected(
                request: try reader.readUInt64(),
                try reader.readList { reader throws(WireError) in try EnvelopeID(from: &reader) },
                next: try reader.readOptional { reader throws(WireError) in try EnvelopeID(from: &reader) })
        case 60:
            self = .history(
                request: try reader.readUInt64(),
                try reader.readOptional { reader throws(WireError) in try ListingText(from: &reader) },
                isLast: try reader.readBool())
        case let kind: throw .unknownValue(UInt64(kind), for: "QueueToControl")
        }
    }
}

extension ListedLines: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(list: lines) { line, writer in
            line.id.encode(into: &writer)
            writer.write(UInt32(truncatingIfNeeded: line.flagsEnd))
            writer.write(UInt32(truncatingIfNeeded: line.stateStart))
            writer.write(UInt32(truncatingIfNeeded: line.end))
        }
        writer.write(text)
    }

    /// - Throws: ``WireError/invalid(_:)`` for places outside the text or out of order, and a text that no
    ///   terminal should get.
    package init(from reader: inout WireReader) throws(WireError) {
        let lines = try reader.readList { reader throws(WireError) in
            Line(
                id: try EnvelopeID(from: &reader), flagsEnd: Int(try reader.readUInt32()),
                stateStart: Int(try reader.readUInt32()), end: Int(try reader.readUInt32()))
        }
        guard let listed = ListedLines(lines: lines, text: try reader.readBytes()) else { throw .invalid("lines of a listing") }
        self = listed
    }
}

/// An envelope as the queue holds it, with all that a listing shows.
package struct ListedEnvelope: WireMessage, Hashable {
    /// What it shares with the message's other envelopes.
    package var transaction: Transaction
    package var envelope: Envelope
    /// What has happened to it so far.
    package var history: DeliveryHistory

    package init(transaction: Transaction, envelope: Envelope, history: DeliveryHistory) {
        self.transaction = transaction
        self.envelope = envelope
        self.history = history
    }

    package func encode(into writer: inout WireWriter) {
        transaction.encode(into: &writer)
        envelope.encode(into: &writer)
        history.encode(into: &writer)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            transaction: try Transaction(from: &reader),
            envelope: try Envelope(from: &reader),
            history: try DeliveryHistory(from: &reader))
    }
}
