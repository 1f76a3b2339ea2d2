/// The names of messages and envelopes, and moments, as fields of messages.
import Envelopes
import WireFormat

extension MessageID: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    /// - Throws: ``WireError/invalid(_:)`` for zero.
    package init(from reader: inout WireReader) throws(WireError) {
        guard let id = MessageID(rawValue: try reader.readUInt32()) else { throw .invalid("message id") }
        self = id
    }
}

extension EnvelopeID: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    /// - Throws: ``WireError/invalid(_:)`` when either half is zero.
    package init(from reader: inout WireReader) throws(WireError) {
        guard let id = EnvelopeID(rawValue: try reader.readUInt64()) else { throw .invalid("envelope id") }
        self = id
    }
}

extension Timestamp: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(seconds) }

    /// - Throws: ``WireError/invalid(_:)`` for a moment before 1970, which no clock of ours has shown.
    package init(from reader: inout WireReader) throws(WireError) { self.init(seconds: try reader.readDuration()) }
}
