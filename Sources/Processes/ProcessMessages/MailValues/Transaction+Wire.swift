/// The facts of a transaction as a field of messages.
///
/// Names and the client's words go into logs, listings and header fields in every process they reach, so
/// each is one printable line, whoever sent it.
import Envelopes
import MailSyntax
import WireFormat

extension Transaction: WireMessage {
    package func encode(into writer: inout WireWriter) {
        sender.encode(into: &writer)
        source.encode(into: &writer)
        writer.write(line: reverseName)
        writer.write(line: helo)
        writer.write(line: serverName)
        writer.write(line: tag)
        writer.write(user) { $1.write(line: $0) }
        writer.write(isAuthenticated)
        writer.write(usesTLS)
        writer.write(isInternal)
        body.encode(into: &writer)
        writer.write(needsUTF8)
        writer.write(returnContent) { $0.encode(into: &$1) }
        writer.write(envelopeIdentifier) { $1.write($0) }
    }

    /// - Throws: ``WireError/invalid(_:)`` for an identifier that is not printable ASCII (RFC 3461
    ///   section 4.4), besides what its fields throw.
    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            sender: try ReversePath(from: &reader), source: try ClientSource(from: &reader),
            reverseName: try reader.readLine(), helo: try reader.readLine(), serverName: try reader.readLine(),
            tag: try reader.readLine(),
            user: try reader.readOptional { reader throws(WireError) in try reader.readLine() },
            isAuthenticated: try reader.readBool(), usesTLS: try reader.readBool(), isInternal: try reader.readBool(),
            body: try BodyType(from: &reader), needsUTF8: try reader.readBool(),
            returnContent: try reader.readOptional { reader throws(WireError) in try ReturnContent(from: &reader) },
            envelopeIdentifier: try reader.readOptional { reader throws(WireError) in try reader.readBytes() })
        guard envelopeIdentifier?.allSatisfy({ (0x20..<0x7F).contains($0) }) != false else {
            throw .invalid("envelope identifier")
        }
    }
}

extension BodyType: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let known = Self(rawValue: value) else { throw .unknownValue(UInt64(value), for: "body type") }
        self = known
    }
}

extension ReturnContent: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let known = Self(rawValue: value) else { throw .unknownValue(UInt64(value), for: "RET") }
        self = known
    }
}
