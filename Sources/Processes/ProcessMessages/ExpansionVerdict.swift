import SMTPProtocol
import WireFormat

/// What became of a recipient, with the rule and reason in one printable line for the log.
package enum ExpansionVerdict: WireMessage, Hashable {
    /// One envelope at least, and ``maximumDrafts`` at most.
    case accepted([EnvelopeDraft], trace: String)
    /// A reply of 400 to 599.
    case refused(Reply, trace: String)

    /// Envelopes of one recipient at most: as many as expansion ever makes.
    package static let maximumDrafts = 10_000

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .accepted(let drafts, let trace):
            writer.write(UInt8(1))
            writer.write(list: drafts) { $0.encode(into: &$1) }
            writer.write(line: trace)
        case .refused(let reply, let trace):
            writer.write(UInt8(2))
            reply.encode(into: &writer)
            writer.write(line: trace)
        }
    }

    /// - Throws: ``WireError/invalid(_:)`` for an acceptance without envelopes, which would lose the message,
    ///   and for a refusal that the client would take for an acceptance.
    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .accepted(
                try reader.readList(of: "drafts", maximum: Self.maximumDrafts) { reader throws(WireError) in
                    try EnvelopeDraft(from: &reader)
                },
                trace: try reader.readLine())
        case 2:
            let reply = try Reply(from: &reader)
            guard reply.isTemporary || reply.isPermanent else { throw .invalid("refusal") }
            self = .refused(reply, trace: try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "expansion verdict")
        }
    }
}
