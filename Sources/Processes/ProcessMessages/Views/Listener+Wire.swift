/// Listeners and limits of deliveries as fields of the dispatcher's view.
import Configuration
import MailSyntax
import WireFormat

extension Listener: WireMessage {
    /// Writes what the dispatcher serves a listener by. TLS, authentication, senders and filters are not
    /// part of it.
    package func encode(into writer: inout WireWriter) {
        endpoint.encode(into: &writer)
        writer.write(line: hostname)
        writer.write(port)
        families.encode(into: &writer)
        writer.write(list: addresses) { $0.encode(into: &$1) }
        writer.write(line: tag)
        writer.write(hostnames) { $1.write($0) }
        writer.write(masksSource)
        writer.write(offersDSN)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(endpoint: try Endpoint(from: &reader), hostname: try reader.readLine())
        port = try reader.readUInt16()
        families = try Families(from: &reader)
        addresses = try reader.readList { reader throws(WireError) in try IPAddress(from: &reader) }
        tag = try reader.readLine()
        hostnames = try reader.readOptional { reader throws(WireError) in try reader.readName() }
        masksSource = try reader.readBool()
        offersDSN = try reader.readBool()
    }
}

extension Listener.Endpoint: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .socket:
            writer.write(UInt8(1))
        case .network(let name):
            writer.write(UInt8(2))
            writer.write(line: name)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .socket
        case 2: self = .network(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "endpoint")
        }
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

extension MDALimits: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(count: maximumSessions)
        writer.write(count: maximumSessionsPerUser)
        writer.write(count: taskHighWater)
        writer.write(count: taskLowWater)
        writer.write(count: taskRelease)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init()
        maximumSessions = try reader.readCount()
        maximumSessionsPerUser = try reader.readCount()
        taskHighWater = try reader.readCount()
        taskLowWater = try reader.readCount()
        taskRelease = try reader.readCount()
    }
}
