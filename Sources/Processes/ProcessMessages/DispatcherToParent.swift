import WireFormat

/// What the dispatcher may ask of the parent: a delivery agent for a user it names, and the end of a filter program.
package enum DispatcherToParent: WireMessage, Hashable {
    /// Answered by ``ParentToDispatcher/agent(request:user:)`` or
    /// ``ParentToDispatcher/agentRefused(request:isPermanent:reason:)``.
    case startAgent(request: UInt64, identity: AgentIdentity)
    /// This start of a filter program is of no more use. One that is configured is started again.
    case endFilter(instance: UInt32)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .startAgent(let request, let identity):
            writer.write(UInt8(1))
            writer.write(request)
            identity.encode(into: &writer)
        case .endFilter(let instance):
            writer.write(UInt8(40))
            writer.write(instance)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .startAgent(request: try reader.readUInt64(), identity: try AgentIdentity(from: &reader))
        case 40: self = .endFilter(instance: try reader.readUInt32())
        case let kind: throw .unknownValue(UInt64(kind), for: "DispatcherToParent")
        }
    }
}

/// As whom a delivery agent runs. A name, never a uid: the parent looks it up and refuses root.
package enum AgentIdentity: WireMessage, Hashable {
    /// The daemon's own user: pipes and files reached from an alias.
    case daemon
    /// A user of a userbase.
    case user(String, userbase: String)
    /// The same user with the group of the system mail directory, for the mailbox there and nothing else.
    case mailbox(String, userbase: String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .daemon:
            writer.write(UInt8(1))
        case .user(let name, let userbase):
            writer.write(UInt8(2))
            writer.write(name)
            writer.write(userbase)
        case .mailbox(let name, let userbase):
            writer.write(UInt8(3))
            writer.write(name)
            writer.write(userbase)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .daemon
        case 2: self = .user(try reader.readName(), userbase: try reader.readName())
        case 3: self = .mailbox(try reader.readName(), userbase: try reader.readName())
        case let kind: throw .unknownValue(UInt64(kind), for: "AgentIdentity")
        }
    }
}
