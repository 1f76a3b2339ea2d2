import Envelopes
import MailSyntax
import WireFormat

/// An envelope before it has a name: what expansion found and the client asked for. The queue adds the
/// id and the time.
package struct EnvelopeDraft: WireMessage, Hashable {
    package var recipient: MailAddress
    package var destination: MailAddress
    package var action: String
    package var kind: Envelope.Kind
    /// Seconds it is tried, by its action or the queue's default.
    package var timeToLive: Int64
    package var notify: NotifyOptions?
    package var originalRecipient: [UInt8]?

    package init(
        recipient: MailAddress, destination: MailAddress, action: String, kind: Envelope.Kind, timeToLive: Int64,
        notify: NotifyOptions? = nil, originalRecipient: [UInt8]? = nil
    ) {
        self.recipient = recipient
        self.destination = destination
        self.action = action
        self.kind = kind
        self.timeToLive = timeToLive
        self.notify = notify
        self.originalRecipient = originalRecipient
    }

    package func encode(into writer: inout WireWriter) {
        recipient.encode(into: &writer)
        destination.encode(into: &writer)
        writer.write(action)
        kind.encode(into: &writer)
        writer.write(timeToLive)
        writer.write(notify?.rawValue) { $1.write($0) }
        writer.write(originalRecipient) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let recipient = try MailAddress(from: &reader)
        let destination = try MailAddress(from: &reader)
        let action = try reader.readString()
        let kind = try Envelope.Kind(from: &reader)
        let timeToLive = try reader.readInt64()
        let notify = try reader.readOptional { reader throws(WireError) in NotifyOptions(rawValue: try reader.readUInt8()) }
        let original = try reader.readOptional { reader throws(WireError) in try reader.readBytes() }
        self.init(
            recipient: recipient, destination: destination, action: action, kind: kind, timeToLive: timeToLive,
            notify: notify,
            originalRecipient: original)
    }
}
