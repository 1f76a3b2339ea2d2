import Envelopes
import MailSyntax
import WireFormat

/// The envelope of a message that waits in the offline directory, or travels to the daemon's socket.
package struct SubmissionEnvelope: Hashable, Sendable {
    package var sender: ReversePath
    package var recipients: [MailAddress]
    package var notify: NotifyOptions?
    package var returnContent: ReturnContent?
    /// Decoded; see RFC 3461 section 4.4.
    package var envelopeIdentifier: [UInt8]?

    package init(
        sender: ReversePath, recipients: [MailAddress], notify: NotifyOptions? = nil,
        returnContent: ReturnContent? = nil, envelopeIdentifier: [UInt8]? = nil
    ) {
        self.sender = sender
        self.recipients = recipients
        self.notify = notify
        self.returnContent = returnContent
        self.envelopeIdentifier = envelopeIdentifier
    }

    /// Some address needs SMTPUTF8 (RFC 6531).
    package var needsUTF8: Bool {
        (recipients + (sender.address.map { [$0] } ?? [])).contains { address in
            (address.localPart.bytes + address.domain.bytes).contains { $0 >= 0x80 }
        }
    }
}

// Functions, not a conformance to WireMessage: how addresses travel between processes is decided elsewhere.
extension SubmissionEnvelope {
    package var wireBytes: [UInt8] {
        var writer = WireWriter()
        writer.write(sender.address) { $0.write(to: &$1) }
        writer.write(list: recipients) { $0.write(to: &$1) }
        writer.write(notify) { $1.write($0.rawValue) }
        writer.write(returnContent) { $1.write($0.rawValue) }
        writer.write(envelopeIdentifier) { $1.write($0) }
        return writer.bytes
    }

    package init(wireBytes: [UInt8]) throws(WireError) {
        var reader = WireReader(wireBytes)
        let address = try reader.readOptional { reader throws(WireError) in try MailAddress(readingFrom: &reader) }
        sender = address.map { .mailbox($0) } ?? .null
        recipients = try reader.readList { reader throws(WireError) in try MailAddress(readingFrom: &reader) }
        guard !recipients.isEmpty else { throw .invalid("no recipients") }
        notify = try reader.readOptional { reader throws(WireError) in
            let options = NotifyOptions(rawValue: try reader.readUInt8())
            guard !options.isEmpty, options.isSubset(of: [.success, .failure, .delay]) || options == .never else {
                throw .unknownValue(UInt64(options.rawValue), for: "NotifyOptions")
            }
            return options
        }
        returnContent = try reader.readOptional { reader throws(WireError) in
            let raw = try reader.readUInt8()
            guard let content = ReturnContent(rawValue: raw) else {
                throw .unknownValue(UInt64(raw), for: "ReturnContent")
            }
            return content
        }
        envelopeIdentifier = try reader.readOptional { reader throws(WireError) in try reader.readBytes() }
        try reader.finish()
    }
}

extension MailAddress {
    fileprivate func write(to writer: inout WireWriter) {
        writer.write(localPart.bytes)
        writer.write(domain.bytes)
    }

    fileprivate init(readingFrom reader: inout WireReader) throws(WireError) {
        let local = try reader.readBytes()
        let domain = try reader.readBytes()
        do throws(AddressSyntaxError) {
            self.init(try LocalPart(validating: local), at: try Domain(validating: domain))
        } catch {
            throw .invalid("mail address")
        }
    }
}
