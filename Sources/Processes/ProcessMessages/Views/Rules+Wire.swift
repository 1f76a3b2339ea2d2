import Configuration
import MailSyntax
import Tables
import WireFormat

/// The configuration's values as fields of views.

/// A count that fits this machine.
func readCount(_ reader: inout WireReader) throws(WireError) -> Int {
    guard let count = Int(exactly: try reader.readInt64()) else { throw .invalid("count") }
    return count
}

extension Generation: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }
    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let known = Self(rawValue: value) else { throw .unknownValue(UInt64(value), for: "generation") }
        self = known
    }
}

extension Listener.Families: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }
    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let known = Self(rawValue: value) else { throw .unknownValue(UInt64(value), for: "families") }
        self = known
    }
}

extension Listener.TLSMode: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }
    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let known = Self(rawValue: value) else { throw .unknownValue(UInt64(value), for: "TLS mode") }
        self = known
    }
}

extension SourceLocation: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(file)
        writer.write(Int64(line))
        writer.write(Int64(column))
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(file: try reader.readString(), line: try readCount(&reader), column: try readCount(&reader))
    }
}

extension TableReference: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(table)
        writer.write(isRegex)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(try reader.readString(), isRegex: try reader.readBool())
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
        case 2: self = .action(try reader.readString())
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
        case .used:
            writer.write(UInt8(1))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .used
        case let kind: throw .unknownValue(UInt64(kind), for: "TLS criterion")
        }
    }
}

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
        self.init(location: try SourceLocation(from: &reader), decision: try Rule.Decision(from: &reader))
        tag = try reader.readOptional { reader throws(WireError) in try Condition<TableReference>(from: &reader) }
        from = try Condition<Rule.Source>(from: &reader)
        destination = try Condition<Rule.Destination>(from: &reader)
        helo = try reader.readOptional { reader throws(WireError) in try Condition<TableReference>(from: &reader) }
        auth = try reader.readOptional { reader throws(WireError) in try Condition<Rule.Authentication>(from: &reader) }
        tls = try reader.readOptional { reader throws(WireError) in try Condition<Rule.TLSCriterion>(from: &reader) }
        sender = try reader.readOptional { reader throws(WireError) in try Condition<TableReference>(from: &reader) }
        recipient = try reader.readOptional { reader throws(WireError) in try Condition<TableReference>(from: &reader) }
    }
}
