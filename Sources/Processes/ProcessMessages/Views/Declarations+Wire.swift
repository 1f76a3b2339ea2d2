import Configuration
import MailSyntax
import Tables
import WireFormat

/// Tables, actions and listeners as fields of views.

extension TableDefinition.Entry: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(key)
        writer.write(value)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(key: try reader.readString(), value: try reader.readString())
    }
}

extension TableDefinition.Content: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .list(let items):
            writer.write(UInt8(1))
            writer.write(list: items) { $1.write($0) }
        case .mapping(let entries):
            writer.write(UInt8(2))
            writer.write(list: entries) { $0.encode(into: &$1) }
        case .backend(let type, let path):
            writer.write(UInt8(3))
            writer.write(type)
            writer.write(path) { $1.write($0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .list(try reader.readList { reader throws(WireError) in try reader.readString() })
        case 2:
            self = .mapping(
                try reader.readList { reader throws(WireError) in try TableDefinition.Entry(from: &reader) })
        case 3:
            self = .backend(
                type: try reader.readString(),
                path: try reader.readOptional { reader throws(WireError) in try reader.readString() })
        case let kind: throw .unknownValue(UInt64(kind), for: "table content")
        }
    }
}

extension TableDefinition: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(name)
        content.encode(into: &writer)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(name: try reader.readString(), content: try TableDefinition.Content(from: &reader))
    }
}

extension LocalAction.Method: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .mbox:
            writer.write(UInt8(1))
        case .maildir(let path, let junk):
            writer.write(UInt8(2))
            writer.write(path) { $1.write($0) }
            writer.write(junk)
        case .lmtp(let destination, let usesRecipientAddress):
            writer.write(UInt8(3))
            writer.write(destination)
            writer.write(usesRecipientAddress)
        case .command(let template):
            writer.write(UInt8(4))
            writer.write(template)
        case .forwardOnly:
            writer.write(UInt8(5))
        case .expandOnly:
            writer.write(UInt8(6))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .mbox
        case 2:
            self = .maildir(
                try reader.readOptional { reader throws(WireError) in try reader.readString() },
                junk: try reader.readBool())
        case 3: self = .lmtp(try reader.readString(), usesRecipientAddress: try reader.readBool())
        case 4: self = .command(try reader.readString())
        case 5: self = .forwardOnly
        case 6: self = .expandOnly
        case let kind: throw .unknownValue(UInt64(kind), for: "delivery method")
        }
    }
}

extension LocalAction: WireMessage {
    package func encode(into writer: inout WireWriter) {
        method.encode(into: &writer)
        writer.write(user) { $1.write($0) }
        writer.write(aliases) { $1.write($0) }
        writer.write(virtual) { $1.write($0) }
        writer.write(userbase)
        writer.write(wrapper) { $1.write($0) }
        writer.write(everyFailureIsTemporary)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(method: try LocalAction.Method(from: &reader))
        user = try reader.readOptional { reader throws(WireError) in try reader.readString() }
        aliases = try reader.readOptional { reader throws(WireError) in try reader.readString() }
        virtual = try reader.readOptional { reader throws(WireError) in try reader.readString() }
        userbase = try reader.readString()
        wrapper = try reader.readOptional { reader throws(WireError) in try reader.readString() }
        everyFailureIsTemporary = try reader.readBool()
    }
}

extension Listener.Endpoint: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .socket:
            writer.write(UInt8(1))
        case .network(let name):
            writer.write(UInt8(2))
            writer.write(name)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .socket
        case 2: self = .network(try reader.readString())
        case let kind: throw .unknownValue(UInt64(kind), for: "endpoint")
        }
    }
}

extension Listener: WireMessage {
    package func encode(into writer: inout WireWriter) {
        endpoint.encode(into: &writer)
        writer.write(hostname)
        writer.write(port)
        families.encode(into: &writer)
        writer.write(list: addresses) { $0.encode(into: &$1) }
        writer.write(tag)
        writer.write(hostnames) { $1.write($0) }
        writer.write(masksSource)
        writer.write(offersDSN)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(endpoint: try Listener.Endpoint(from: &reader), hostname: try reader.readString())
        port = try reader.readUInt16()
        families = try Listener.Families(from: &reader)
        addresses = try reader.readList { reader throws(WireError) in try IPAddress(from: &reader) }
        tag = try reader.readString()
        hostnames = try reader.readOptional { reader throws(WireError) in try reader.readString() }
        masksSource = try reader.readBool()
        offersDSN = try reader.readBool()
    }
}

extension MDALimits: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(Int64(maximumSessions))
        writer.write(Int64(maximumSessionsPerUser))
        writer.write(Int64(taskHighWater))
        writer.write(Int64(taskLowWater))
        writer.write(Int64(taskRelease))
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init()
        maximumSessions = try readCount(&reader)
        maximumSessionsPerUser = try readCount(&reader)
        taskHighWater = try readCount(&reader)
        taskLowWater = try readCount(&reader)
        taskRelease = try readCount(&reader)
    }
}
