import Envelopes
import WireFormat

/// What the queue tells the dispatcher: answers about new messages, and work.
package enum QueueToDispatcher: WireMessage, Hashable {
    /// The answer to ``DispatcherToQueue/begin(transfer:)``: the message has a name.
    case opened(transfer: UInt64, MessageID)
    /// Envelopes of a message that is durable, 1 to ``maximumAttempts``; in front of its `committed` when
    /// ``DispatcherToQueue/nameEnvelopes(transfer:)`` was said.
    case named(transfer: UInt64, [EnvelopeID])
    /// The answer to ``DispatcherToQueue/commit(transfer:_:)``: it is durable, 250 may be said.
    case committed(transfer: UInt64)
    /// Opening or committing failed; nothing of the message is kept.
    case refused(transfer: UInt64, QueueRefusal)
    /// Try these envelopes of one message now, 1 to ``maximumAttempts``. The body is inline, or in the file
    /// whose descriptor comes along.
    case deliver(Transaction, [Attempt], MessageBody)
    /// The answer to ``DispatcherToQueue/scratch(request:)``: the file comes with it unless it is refused.
    case scratch(request: UInt64, QueueRefusal?)

    /// An envelope to try.
    package struct Attempt: WireMessage, Hashable {
        /// For this machine or another. Never a report, which the queue writes itself.
        package var envelope: Envelope
        /// An earlier attempt may have reached the mailbox without our having recorded it: it was tried
        /// before, or was queued before this process began.
        package var isRepeat: Bool
        /// The number of the operator's order that made it due, larger for later ones: backoff is lifted once for each.
        package var order: UInt64?

        package init(envelope: Envelope, isRepeat: Bool, order: UInt64? = nil) {
            self.envelope = envelope
            self.isRepeat = isRepeat
            self.order = order
        }

        package func encode(into writer: inout WireWriter) {
            envelope.encode(into: &writer)
            writer.write(isRepeat)
            writer.write(order) { $1.write($0) }
        }

        package init(from reader: inout WireReader) throws(WireError) {
            self.init(
                envelope: try Envelope(from: &reader), isRepeat: try reader.readBool(),
                order: try reader.readOptional { reader throws(WireError) in try reader.readUInt64() })
            if case .bounce = envelope.kind { throw .invalid("report to deliver") }
        }
    }

    /// Envelopes of one `deliver` at most, so that a frame holds them.
    package static let maximumAttempts = 256

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .opened(let transfer, let id):
            writer.write(UInt8(1))
            writer.write(transfer)
            id.encode(into: &writer)
        case .named(let transfer, let ids):
            writer.write(UInt8(42))
            writer.write(transfer)
            writer.write(list: ids) { $0.encode(into: &$1) }
        case .committed(let transfer):
            writer.write(UInt8(2))
            writer.write(transfer)
        case .refused(let transfer, let refusal):
            writer.write(UInt8(3))
            writer.write(transfer)
            refusal.encode(into: &writer)
        case .deliver(let transaction, let attempts, let body):
            writer.write(UInt8(4))
            transaction.encode(into: &writer)
            writer.write(list: attempts) { $0.encode(into: &$1) }
            body.encode(into: &writer)
        case .scratch(let request, let refusal):
            writer.write(UInt8(40))
            writer.write(request)
            writer.write(refusal) { $0.encode(into: &$1) }
        }
    }

    /// - Throws: ``WireError/invalid(_:)`` for attempts of more than one message, besides what fields throw:
    ///   one body goes with all of them.
    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .opened(transfer: try reader.readUInt64(), try MessageID(from: &reader))
        case 2: self = .committed(transfer: try reader.readUInt64())
        case 3: self = .refused(transfer: try reader.readUInt64(), try QueueRefusal(from: &reader))
        case 4:
            let transaction = try Transaction(from: &reader)
            let attempts = try reader.readList(of: "attempts", maximum: Self.maximumAttempts) {
                reader throws(WireError) in try Attempt(from: &reader)
            }
            let message = attempts.first?.envelope.id.message
            guard attempts.allSatisfy({ $0.envelope.id.message == message }) else {
                throw .invalid("attempts of several messages")
            }
            self = .deliver(transaction, attempts, try MessageBody(from: &reader))
        case 40:
            self = .scratch(
                request: try reader.readUInt64(),
                try reader.readOptional { reader throws(WireError) in try QueueRefusal(from: &reader) })
        case 42:
            self = .named(
                transfer: try reader.readUInt64(),
                try reader.readList(of: "envelopes", maximum: Self.maximumAttempts) { reader throws(WireError) in
                    try EnvelopeID(from: &reader)
                })
        case let kind: throw .unknownValue(UInt64(kind), for: "QueueToDispatcher")
        }
    }
}

/// Why the queue did not take a message; always a temporary failure for the client.
package enum QueueRefusal: UInt8, WireMessage, Hashable {
    /// 452 4.3.1.
    case outOfSpace = 1
    /// 451 4.3.0.
    case failure = 2

    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let refusal = Self(rawValue: value) else { throw .unknownValue(UInt64(value), for: "refusal") }
        self = refusal
    }
}

/// A message's bytes on their way between processes.
package enum MessageBody: WireMessage, Hashable {
    /// All of it.
    case inline([UInt8])
    /// In the file that comes along with the message, from its start; in bytes.
    case file(size: UInt64)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .inline(let bytes):
            writer.write(UInt8(1))
            writer.write(bytes)
        case .file(let size):
            writer.write(UInt8(2))
            writer.write(size)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .inline(try reader.readBytes())
        case 2: self = .file(size: try reader.readFileSize())
        case let kind: throw .unknownValue(UInt64(kind), for: "message body")
        }
    }
}
