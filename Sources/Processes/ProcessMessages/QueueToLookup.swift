import Envelopes
import MailSyntax
import WireFormat

/// What the queue asks of lookup: where its reports go.
package enum QueueToLookup: WireMessage, Hashable {
    /// Decide about the sender of a message, to whom a report goes. Answered by
    /// ``LookupToQueue/expanded(request:_:)``.
    case expand(request: UInt64, recipient: MailAddress, transaction: Transaction)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .expand(let request, let recipient, let transaction):
            writer.write(UInt8(1))
            writer.write(request)
            recipient.encode(into: &writer)
            transaction.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .expand(
                request: try reader.readUInt64(),
                recipient: try MailAddress(from: &reader),
                transaction: try Transaction(from: &reader))
        case let kind: throw .unknownValue(UInt64(kind), for: "QueueToLookup")
        }
    }
}
