/// Rules as fields of lookup's view.
import Configuration
import WireFormat

extension Rule: WireMessage {
    package func encode(into writer: inout WireWriter) {
        location.encode(into: &writer)
        decision.encode(into: &writer)
        writer.write(tag) { $0.encode(into: &$1) }
        from.encode(into: &writer)
        destination.encode(into: &writer)
        writer.write(helo) { $0.encode(into: &$1) }
        writer.write(auth) { $0.encode(into: &$1) }
        writer.write(tls) { $0.encode(into: &$1) }
        writer.write(sender) { $0.encode(into: &$1) }
        writer.write(recipient) { $0.encode(into: &$1) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(location: try SourceLocation(from: &reader), decision: try Decision(from: &reader))
        tag = try reader.readCondition()
        from = try Condition(from: &reader)
        destination = try Condition(from: &reader)
        helo = try reader.readCondition()
        auth = try reader.readCondition()
        tls = try reader.readCondition()
        sender = try reader.readCondition()
        recipient = try reader.readCondition()
    }
}

extension WireReader {
    fileprivate mutating func readCondition<Criterion: WireMessage>() throws(WireError) -> Condition<Criterion>? {
        try readOptional { reader throws(WireError) in try Condition<Criterion>(from: &reader) }
    }
}

extension Condition: WireMessage where Criterion: WireMessage {
    package func encode(into writer: inout WireWriter) {
        criterion.encode(into: &writer)
        writer.write(isNegated)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(try Criterion(from: &reader), isNegated: try reader.readBool())
    }
}

extension Rule.Decision: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .reject:
            writer.write(UInt8(1))
        case .action(let name):
            writer.write(UInt8(2))
            writer.write(name)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .reject
        case 2: self = .action(try reader.readName())
        case let kind: throw .unknownValue(UInt64(kind), for: "decision")
        }
    }
}

extension Rule.Source: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .local(let countsAuthenticated):
            writer.write(UInt8(1))
            writer.write(countsAuthenticated)
        case .any:
            writer.write(UInt8(2))
        case .socket:
            writer.write(UInt8(3))
        case .addresses(let table, let authenticatedIsLocal):
            writer.write(UInt8(4))
            table.encode(into: &writer)
            writer.write(authenticatedIsLocal)
        case .reverseName(let table):
            writer.write(UInt8(5))
            writer.write(table) { $0.encode(into: &$1) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .local(countsAuthenticated: try reader.readBool())
        case 2: self = .any
        case 3: self = .socket
        case 4: self = .addresses(try TableReference(from: &reader), authenticatedIsLocal: try reader.readBool())
        case 5:
            self = .reverseName(
                try reader.readOptional { reader throws(WireError) in try TableReference(from: &reader) })
        case let kind: throw .unknownValue(UInt64(kind), for: "source")
        }
    }
}

extension Rule.Destination: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .local:
            writer.write(UInt8(1))
        case .any:
            writer.write(UInt8(2))
        case .domain(let table):
            writer.write(UInt8(3))
            table.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .local
        case 2: self = .any
        case 3: self = .domain(try TableReference(from: &reader))
        case let kind: throw .unknownValue(UInt64(kind), for: "destination")
        }
    }
}

extension Rule.Authentication: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .anyone:
            writer.write(UInt8(1))
        case .user(let table):
            writer.write(UInt8(2))
            table.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .anyone
        case 2: self = .user(try TableReference(from: &reader))
        case let kind: throw .unknownValue(UInt64(kind), for: "authentication")
        }
    }
}

extension Rule.TLSCriterion: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .used: writer.write(UInt8(1))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .used
        case let kind: throw .unknownValue(UInt64(kind), for: "TLS criterion")
        }
    }
}
