import WireFormat

/// What control passes to the dispatcher: clients who want to submit mail, and orders about SMTP.
package enum ControlToDispatcher: WireMessage, Hashable {
    /// A client of the control socket wants to submit mail. Its socket comes along; the ids are the kernel's word.
    case submission(uid: UInt32, gid: UInt32)
    /// Accept no new sessions, or accept them again.
    case setPaused(Bool)
    /// Answered by `statistics`.
    case statistics(request: UInt64)
    /// Say what an action does, and how its relays stand. Answered by ``DispatcherToControl/explained(request:_:)``.
    case explain(request: UInt64, action: String)

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
        case .explain(let request, let action):
            writer.write(UInt8(60))
            writer.write(request)
            writer.write(action)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .submission(uid: try reader.readUInt32(), gid: try reader.readUInt32())
        case 2: self = .setPaused(try reader.readBool())
        case 3: self = .statistics(request: try reader.readUInt64())
        case 60: self = .explain(request: try reader.readUInt64(), action: try reader.readName())
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlToDispatcher")
        }
    }
}
