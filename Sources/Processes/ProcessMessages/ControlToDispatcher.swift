import MailSyntax
import Routing
import WireFormat

/// What control passes to the dispatcher: clients who want to submit mail, and orders about SMTP.
package enum ControlToDispatcher: WireMessage, Hashable {
    /// A client of the control socket wants to submit mail. Its socket comes along; the ids are the kernel's word.
    case submission(uid: UInt32, gid: UInt32)
    /// Accept no new sessions, or accept them again.
    case setPaused(Bool)
    /// Answered by `statistics`.
    case statistics(request: UInt64)
    /// What the router knows, in lines of text or of JSON. Answered by `listing`, once or more often.
    case list(request: UInt64, RoutingList, asJSON: Bool)
    /// Use a route again that errors have disabled. Answered by `ordered`, as the next one.
    case resumeRoute(request: UInt64, id: UInt64)
    /// No connections from a source or to a domain any more, or again; nil stands for any.
    case setBlocked(request: UInt64, source: IPAddress?, domain: String?, Bool)
    /// Say what an action does, and how its relays stand. Answered by ``DispatcherToControl/explained(request:_:)``.
    case explain(request: UInt64, action: String)
    /// Say what is known of a listener. Answered by ``DispatcherToControl/listener(request:_:)``.
    case explainListener(request: UInt64, name: String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .submission(let uid, let gid):
            writer.write(UInt8(1))
            writer.write(uid)
            writer.write(gid)
        case .setPaused(let paused):
            writer.write(UInt8(2))
            writer.write(paused)
        case .statistics(let request):
            writer.write(UInt8(3))
            writer.write(request)
        case .list(let request, let list, let asJSON):
            writer.write(UInt8(4))
            writer.write(request)
            list.encode(into: &writer)
            writer.write(asJSON)
        case .resumeRoute(let request, let id):
            writer.write(UInt8(5))
            writer.write(request)
            writer.write(id)
        case .setBlocked(let request, let source, let domain, let blocked):
            writer.write(UInt8(6))
            writer.write(request)
            writer.write(source) { $0.encode(into: &$1) }
            writer.write(domain) { $1.write($0) }
            writer.write(blocked)
        case .explain(let request, let action):
            writer.write(UInt8(60))
            writer.write(request)
            writer.write(action)
        case .explainListener(let request, let name):
            writer.write(UInt8(61))
            writer.write(request)
            writer.write(name)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .submission(uid: try reader.readUInt32(), gid: try reader.readUInt32())
        case 2: self = .setPaused(try reader.readBool())
        case 3: self = .statistics(request: try reader.readUInt64())
        case 4:
            self = .list(request: try reader.readUInt64(), try RoutingList(from: &reader), asJSON: try reader.readBool())
        case 5: self = .resumeRoute(request: try reader.readUInt64(), id: try reader.readUInt64())
        case 6:
            self = .setBlocked(
                request: try reader.readUInt64(),
                source: try reader.readOptional { reader throws(WireError) in try IPAddress(from: &reader) },
                domain: try reader.readOptional { reader throws(WireError) in try reader.readName() },
                try reader.readBool())
        case 60: self = .explain(request: try reader.readUInt64(), action: try reader.readName())
        case 61: self = .explainListener(request: try reader.readUInt64(), name: try reader.readName())
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlToDispatcher")
        }
    }
}

extension RoutingList: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let list = Self(rawValue: value) else { throw .unknownValue(UInt64(value), for: "list of the router") }
        self = list
    }
}
