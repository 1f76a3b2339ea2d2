import Envelopes
import MailSyntax
import WireFormat

/// What control asks of lookup.
package enum ControlToLookup: WireMessage, Hashable {
    /// Read a table again. Answered by ``LookupToControl/tableUpdated(request:failure:)``.
    case updateTable(request: UInt64, name: String)
    /// Answered by ``LookupToControl/statistics(request:_:)``.
    case statistics(request: UInt64)
    /// Say how it would decide about a recipient, and where that leads, with or without the DNS. Answered by
    /// ``LookupToControl/explained(request:_:actions:)``.
    case explain(request: UInt64, recipient: MailAddress, transaction: Transaction, asksDNS: Bool)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .updateTable(let request, let name):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(name)
        case .statistics(let request):
            writer.write(UInt8(2))
            writer.write(request)
        case .explain(let request, let recipient, let transaction, let asksDNS):
            writer.write(UInt8(60))
            writer.write(request)
            recipient.encode(into: &writer)
            transaction.encode(into: &writer)
            writer.write(asksDNS)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .updateTable(request: try reader.readUInt64(), name: try reader.readName())
        case 2: self = .statistics(request: try reader.readUInt64())
        case 60:
            self = .explain(
                request: try reader.readUInt64(), recipient: try MailAddress(from: &reader),
                transaction: try Transaction(from: &reader), asksDNS: try reader.readBool())
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlToLookup")
        }
    }
}
