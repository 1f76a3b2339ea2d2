/// Mail and network addresses as fields of messages, checked again on arrival: a role believes no other.
import Envelopes
import MailSyntax
import WireFormat

extension MailAddress: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(localPart.bytes)
        writer.write(domain.bytes)
    }

    /// - Throws: ``WireError/invalid(_:)`` for what ``LocalPart`` or ``Domain`` refuses.
    package init(from reader: inout WireReader) throws(WireError) {
        let local = try reader.readBytes()
        let domain = try reader.readBytes()
        do throws(AddressSyntaxError) {
            self.init(try LocalPart(validating: local), at: try Domain(validating: domain))
        } catch {
            throw .invalid("mail address")
        }
    }
}

extension Domain: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(bytes) }

    /// - Throws: ``WireError/invalid(_:)`` for what ``Domain/init(validating:)`` refuses.
    package init(from reader: inout WireReader) throws(WireError) {
        let bytes = try reader.readBytes()
        do throws(AddressSyntaxError) {
            try self.init(validating: bytes)
        } catch {
            throw .invalid("domain")
        }
    }
}

extension ReversePath: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(address) { $0.encode(into: &$1) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let address = try reader.readOptional { reader throws(WireError) in try MailAddress(from: &reader) }
        self = address.map { .mailbox($0) } ?? .null
    }
}

extension IPAddress: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .v4(let value):
            writer.write(UInt8(4))
            writer.write(value)
        case .v6(let high, let low):
            writer.write(UInt8(6))
            writer.write(high)
            writer.write(low)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 4: self = .v4(try reader.readUInt32())
        case 6: self = .v6(high: try reader.readUInt64(), low: try reader.readUInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "address family")
        }
    }
}

extension ClientSource: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .local: writer.write(false)
        case .network(let address):
            writer.write(true)
            address.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self = try reader.readBool() ? .network(try IPAddress(from: &reader)) : .local
    }
}
