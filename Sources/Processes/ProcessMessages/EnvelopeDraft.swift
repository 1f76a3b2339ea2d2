import Envelopes
import MailSyntax
import WireFormat

/// An envelope before it has a name: what expansion found and the client asked for. The queue adds the
/// id, the time and the action's time to live.
package struct EnvelopeDraft: WireMessage, Hashable {
    package var recipient: MailAddress
    package var destination: MailAddress
    package var action: String
    package var kind: Envelope.Kind
    package var notify: NotifyOptions?
    package var originalRecipient: [UInt8]?

    package init(
        recipient: MailAddress, destination: MailAddress, action: String, kind: Envelope.Kind,
        notify: NotifyOptions? = nil, originalRecipient: [UInt8]? = nil
    ) {
        self.recipient = recipient
        self.destination = destination
        self.action = action
        self.kind = kind
        self.notify = notify
        self.originalRecipient = originalRecipient
    }

    package func encode(into writer: inout WireWriter) {
        recipient.encode(into: &writer)
        destination.encode(into: &writer)
        writer.write(action)
        kind.encode(into: &writer)
        writer.write(notify?.rawValue) { $1.write($0) }
        writer.write(originalRecipient) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let recipient = try MailAddress(from: &reader)
        let destination = try MailAddress(from: &reader)
        let action = try reader.readString()
        let kind = try Envelope.Kind(from: &reader)
        let notify = try reader.readOptional { reader throws(WireError) in NotifyOptions(rawValue: try reader.readUInt8()) }
        let original = try reader.readOptional { reader throws(WireError) in try reader.readBytes() }
        self.init(
            recipient: recipient, destination: destination, action: action, kind: kind, notify: notify,
            originalRecipient: original)
    }
}
