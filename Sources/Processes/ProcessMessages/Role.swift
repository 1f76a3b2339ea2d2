import WireFormat

/// The processes of the daemon, one role each.
package enum Role: UInt8, Hashable, Sendable, CaseIterable {
    /// Owns the rights of root: starts the others, binds sockets, starts delivery agents.
    case parent = 1
    /// Serves the control socket.
    case control
    /// Answers from tables and rules.
    case lookup
    /// Owns the spool.
    case queue
    /// Knows what is due.
    case scheduler
    /// Talks to the network and to delivery agents.
    case dispatcher
    /// Owns the private keys.
    case crypto

    /// The word in process titles, logs and the hidden `-x` option.
    package var name: String {
        switch self {
        case .parent: "parent"
        case .control: "control"
        case .lookup: "lookup"
        case .queue: "queue"
        case .scheduler: "scheduler"
        case .dispatcher: "dispatcher"
        case .crypto: "crypto"
        }
    }

    /// The role of a name, nil for a word that is none.
    package init?(name: String) {
        guard let role = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = role
    }

    /// Every role but the parent.
    package static var children: [Role] { allCases.filter { $0 != .parent } }

    /// Which two processes talk to each other, apart from the parent's supervision of each.
    package static let pairs: [(Role, Role)] = [
        (.parent, .control), (.parent, .lookup), (.parent, .dispatcher), (.parent, .crypto),
        (.dispatcher, .lookup), (.dispatcher, .queue), (.dispatcher, .crypto),
        (.queue, .lookup), (.queue, .scheduler),
        (.control, .dispatcher), (.control, .lookup), (.control, .queue), (.control, .scheduler),
        (.control, .crypto),
    ]
}

extension Role: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let role = Role(rawValue: value) else { throw .unknownValue(UInt64(value), for: "role") }
        self = role
    }
}
