/// Envelopes as fields of messages.
import Envelopes
import MailSyntax
import SMTPProtocol
import WireFormat

extension Envelope: WireMessage {
    package func encode(into writer: inout WireWriter) {
        id.encode(into: &writer)
        recipient.encode(into: &writer)
        destination.encode(into: &writer)
        writer.write(action)
        kind.encode(into: &writer)
        created.encode(into: &writer)
        writer.write(timeToLive)
        writer.write(notify) { $0.encode(into: &$1) }
        writer.write(originalRecipient) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            id: try EnvelopeID(from: &reader), recipient: try MailAddress(from: &reader),
            destination: try MailAddress(from: &reader), action: try reader.readName(),
            kind: try Kind(from: &reader), created: try Timestamp(from: &reader),
            timeToLive: try reader.readDuration(),
            notify: try reader.readOptional { reader throws(WireError) in try NotifyOptions(from: &reader) },
            originalRecipient: try reader.readOptional { reader throws(WireError) in
                try reader.readOriginalRecipient()
            })
    }
}

extension Envelope.Kind: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .local(let delivery):
            writer.write(UInt8(1))
            delivery.encode(into: &writer)
        case .relay:
            writer.write(UInt8(2))
        case .bounce(let kind):
            writer.write(UInt8(3))
            kind.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .local(try LocalDelivery(from: &reader))
        case 2: self = .relay
        case 3: self = .bounce(try BounceKind(from: &reader))
        case let kind: throw .unknownValue(UInt64(kind), for: "envelope kind")
        }
    }
}

extension LocalDelivery: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(user) { $1.write($0) }
        writer.write(subaddress) { $1.write($0) }
        method.encode(into: &writer)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            user: try reader.readOptional { reader throws(WireError) in try reader.readName() },
            subaddress: try reader.readOptional { reader throws(WireError) in try reader.readSystemText() },
            method: try Method(from: &reader))
    }
}

extension LocalDelivery.Method: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .action:
            writer.write(UInt8(1))
        case .pipe(let command):
            writer.write(UInt8(2))
            writer.write(command)
        case .file(let path):
            writer.write(UInt8(3))
            writer.write(path)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .action
        case 2: self = .pipe(try reader.readSystemText())
        case 3: self = .file(try reader.readPath())
        case let kind: throw .unknownValue(UInt64(kind), for: "delivery method")
        }
    }
}

extension BounceKind: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .failed:
            writer.write(UInt8(1))
        case .delayed(let after):
            writer.write(UInt8(2))
            writer.write(after)
        case .delivered:
            writer.write(UInt8(3))
        case .relayed:
            writer.write(UInt8(4))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .failed
        case 2: self = .delayed(after: try reader.readDuration())
        case 3: self = .delivered
        case 4: self = .relayed
        case let kind: throw .unknownValue(UInt64(kind), for: "bounce kind")
        }
    }
}

extension NotifyOptions: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    /// - Throws: ``WireError/unknownValue(_:for:)`` for a bit without a meaning, no bit at all, and NEVER
    ///   together with others (RFC 3461 section 4.1).
    package init(from reader: inout WireReader) throws(WireError) {
        let options = Self(rawValue: try reader.readUInt8())
        let others: Self = [.success, .failure, .delay]
        guard options == .never || (!options.isEmpty && options.isSubset(of: others)) else {
            throw .unknownValue(UInt64(options.rawValue), for: "NOTIFY")
        }
        self = options
    }
}

extension WireReader {
    /// ORCPT as `type;xtext` (RFC 3461 section 4.2).
    ///
    /// - Throws: ``WireError/invalid(_:)`` for anything else.
    mutating func readOriginalRecipient() throws(WireError) -> [UInt8] {
        let value = try readBytes()
        guard RecipientParameters.isOriginalRecipient(value[...]) else { throw .invalid("original recipient") }
        return value
    }
}
