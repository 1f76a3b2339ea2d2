import WireFormat

/// What a key of the queue is for.
package enum QueueKeyUse: UInt8, CaseIterable, Hashable, Sendable {
    /// For what is written from now on, and what was written with it.
    case current = 1
    /// For what was written before, with another key.
    case backup = 2
}

/// What the parent tells every role over the link the role was born with.
package enum ParentToChild: WireMessage, Hashable {
    /// The role's view of the configuration, encoded (``LookupView`` and its like). Sent again after a reload.
    case configure([UInt8])
    /// The descriptor that comes along leads to this process.
    case connect(Role)
    /// To the queue alone: the file that comes along, in memory, holds a key. Before the view that makes use of it.
    case queueKey(QueueKeyUse)
    /// Every peer is connected and every view sent: serve.
    case serve
    /// Log debug messages too, or no longer.
    case setVerbose(Bool)
    /// Log what a subject has to tell, or no longer.
    case setTracing(subject: String, Bool)
    /// Finish or roll back what is under way, then exit with status 0.
    case shutdown

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .configure(let view):
            writer.write(UInt8(1))
            writer.write(view)
        case .connect(let role):
            writer.write(UInt8(2))
            role.encode(into: &writer)
        case .serve:
            writer.write(UInt8(3))
        case .setVerbose(let verbose):
            writer.write(UInt8(4))
            writer.write(verbose)
        case .shutdown:
            writer.write(UInt8(5))
        case .queueKey(let use):
            writer.write(UInt8(6))
            writer.write(use.rawValue)
        case .setTracing(let subject, let isOn):
            writer.write(UInt8(7))
            writer.write(subject)
            writer.write(isOn)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .configure(try reader.readBytes())
        case 2: self = .connect(try Role(from: &reader))
        case 3: self = .serve
        case 4: self = .setVerbose(try reader.readBool())
        case 5: self = .shutdown
        case 6:
            let number = try reader.readUInt8()
            guard let use = QueueKeyUse(rawValue: number) else { throw .unknownValue(UInt64(number), for: "queue key") }
            self = .queueKey(use)
        case 7: self = .setTracing(subject: try reader.readName(), try reader.readBool())
        case let kind: throw .unknownValue(UInt64(kind), for: "ParentToChild")
        }
    }
}

/// What every role tells the parent.
package enum ChildToParent: WireMessage, Hashable {
    /// Configured, connected, confined: the role serves.
    case ready
    /// What was left from before is known. Follows ``ready``.
    case recovered
    /// A view after the first one is in force.
    case reconfigured
    /// A view after the first one cannot be used, and why; the one before stays in force.
    case viewRefused(String)
    /// The role cannot go on, and why in one printable line; the parent logs it and ends the daemon.
    case fatal(String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .ready: writer.write(UInt8(1))
        case .reconfigured: writer.write(UInt8(2))
        case .fatal(let reason):
            writer.write(UInt8(3))
            writer.write(line: reason)
        case .viewRefused(let reason):
            writer.write(UInt8(4))
            writer.write(line: reason)
        case .recovered: writer.write(UInt8(5))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .ready
        case 2: self = .reconfigured
        case 3: self = .fatal(try reader.readLine())
        case 4: self = .viewRefused(try reader.readLine())
        case 5: self = .recovered
        case let kind: throw .unknownValue(UInt64(kind), for: "ChildToParent")
        }
    }
}
