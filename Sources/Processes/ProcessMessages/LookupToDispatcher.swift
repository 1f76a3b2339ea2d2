import Envelopes
import MailSyntax
import SMTPProtocol
import WireFormat

/// Lookup's answers to the dispatcher, one for each question.
package enum LookupToDispatcher: WireMessage, Hashable {
    case expanded(request: UInt64, ExpansionVerdict)
    case user(request: UInt64, UserVerdict)
    /// Nil when the table has no entry or could not say.
    case hostname(request: UInt64, String?)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .expanded(let request, let verdict):
            writer.write(UInt8(1))
            writer.write(request)
            verdict.encode(into: &writer)
        case .user(let request, let verdict):
            writer.write(UInt8(2))
            writer.write(request)
            verdict.encode(into: &writer)
        case .hostname(let request, let name):
            writer.write(UInt8(3))
            writer.write(request)
            writer.write(name) { $1.write($0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .expanded(request: try reader.readUInt64(), try ExpansionVerdict(from: &reader))
        case 2: self = .user(request: try reader.readUInt64(), try UserVerdict(from: &reader))
        case 3:
            self = .hostname(
                request: try reader.readUInt64(),
                try reader.readOptional { reader throws(WireError) in try reader.readString() })
        case let kind: throw .unknownValue(UInt64(kind), for: "LookupToDispatcher")
        }
    }
}

/// What became of a recipient, with the rule and reason in a line for the log.
package enum ExpansionVerdict: WireMessage, Hashable {
    case accepted([EnvelopeDraft], trace: String)
    case refused(Reply, trace: String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .accepted(let drafts, let trace):
            writer.write(UInt8(1))
            writer.write(list: drafts) { $0.encode(into: &$1) }
            writer.write(trace)
        case .refused(let reply, let trace):
            writer.write(UInt8(2))
            reply.encode(into: &writer)
            writer.write(trace)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .accepted(
                try reader.readList { reader throws(WireError) in try EnvelopeDraft(from: &reader) },
                trace: try reader.readString())
        case 2: self = .refused(try Reply(from: &reader), trace: try reader.readString())
        case let kind: throw .unknownValue(UInt64(kind), for: "expansion verdict")
        }
    }
}

/// A user as a userbase knows him.
package struct UserEntry: WireMessage, Hashable {
    package var name: String
    package var uid: UInt32
    package var gid: UInt32
    package var directory: String

    package init(name: String, uid: UInt32, gid: UInt32, directory: String) {
        self.name = name
        self.uid = uid
        self.gid = gid
        self.directory = directory
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(name)
        writer.write(uid)
        writer.write(gid)
        writer.write(directory)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.readString(), uid: try reader.readUInt32(), gid: try reader.readUInt32(),
            directory: try reader.readString())
    }
}

package enum UserVerdict: WireMessage, Hashable {
    case found(UserEntry)
    case missing
    /// The userbase could not say: try again later.
    case failed(String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .found(let user):
            writer.write(UInt8(1))
            user.encode(into: &writer)
        case .missing: writer.write(UInt8(2))
        case .failed(let reason):
            writer.write(UInt8(3))
            writer.write(reason)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .found(try UserEntry(from: &reader))
        case 2: self = .missing
        case 3: self = .failed(try reader.readString())
        case let kind: throw .unknownValue(UInt64(kind), for: "user verdict")
        }
    }
}
