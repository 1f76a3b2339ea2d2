import Envelopes
import MailSyntax
import WireFormat

/// An envelope before it has a name: what expansion found and the client asked for. The queue adds the
/// id and the time.
package struct EnvelopeDraft: WireMessage, Hashable {
    /// The address of RCPT.
    package var recipient: MailAddress
    /// The address after expansion.
    package var destination: MailAddress
    /// The name of the action that delivers it.
    package var action: String
    /// A delivery here or elsewhere. Never a report: those are the queue's own, and none is read from a peer.
    package var kind: Envelope.Kind
    /// Seconds it is tried, by its action or the queue's default.
    package var timeToLive: Int64
    /// RFC 3461 NOTIFY, nil when the client did not say.
    package var notify: NotifyOptions?
    /// RFC 3461 ORCPT as `type;xtext`.
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
        writer.write(notify) { $0.encode(into: &$1) }
        writer.write(originalRecipient) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            recipient: try MailAddress(from: &reader), destination: try MailAddress(from: &reader),
            action: try reader.readName(), kind: try Envelope.Kind(from: &reader),
            timeToLive: try reader.readDuration(),
            notify: try reader.readOptional { reader throws(WireError) in try NotifyOptions(from: &reader) },
            originalRecipient: try reader.readOptional { reader throws(WireError) in
                try reader.readOriginalRecipient()
            })
        if case .bounce = kind { throw .invalid("report as a draft") }
    }
}
