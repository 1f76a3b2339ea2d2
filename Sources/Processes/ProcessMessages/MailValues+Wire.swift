import Envelopes
import MailSyntax
import SMTPProtocol
import WireFormat

/// Mail's values as fields of messages. They are checked again on arrival: a role believes no other.

extension MailAddress: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(localPart.bytes)
        writer.write(domain.bytes)
    }

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

extension MessageID: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }
    package init(from reader: inout WireReader) throws(WireError) {
        guard let id = MessageID(rawValue: try reader.readUInt32()) else { throw .invalid("message id") }
        self = id
    }
}

extension EnvelopeID: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }
    package init(from reader: inout WireReader) throws(WireError) {
        guard let id = EnvelopeID(rawValue: try reader.readUInt64()) else { throw .invalid("envelope id") }
        self = id
    }
}

extension Timestamp: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(seconds) }
    package init(from reader: inout WireReader) throws(WireError) { self.init(seconds: try reader.readInt64()) }
}

extension Transaction: WireMessage {
    package func encode(into writer: inout WireWriter) {
        sender.encode(into: &writer)
        source.encode(into: &writer)
        writer.write(reverseName)
        writer.write(helo)
        writer.write(serverName)
        writer.write(tag)
        writer.write(user) { $1.write($0) }
        writer.write(isAuthenticated)
        writer.write(usesTLS)
        writer.write(isInternal)
        writer.write(body.rawValue)
        writer.write(needsUTF8)
        writer.write(returnContent?.rawValue ?? 0)
        writer.write(envelopeIdentifier) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let sender = try ReversePath(from: &reader)
        let source = try ClientSource(from: &reader)
        self.init(
            sender: sender, source: source, reverseName: try reader.readString(), helo: try reader.readString(),
            serverName: try reader.readString())
        tag = try reader.readString()
        user = try reader.readOptional { reader throws(WireError) in try reader.readString() }
        isAuthenticated = try reader.readBool()
        usesTLS = try reader.readBool()
        isInternal = try reader.readBool()
        let bodyValue = try reader.readUInt8()
        guard let body = BodyType(rawValue: bodyValue) else { throw .unknownValue(UInt64(bodyValue), for: "body type") }
        self.body = body
        needsUTF8 = try reader.readBool()
        let content = try reader.readUInt8()
        returnContent = ReturnContent(rawValue: content)
        guard content == 0 || returnContent != nil else { throw .unknownValue(UInt64(content), for: "RET") }
        envelopeIdentifier = try reader.readOptional { reader throws(WireError) in try reader.readBytes() }
    }
}

extension Envelope.Kind: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .local(let delivery):
            writer.write(UInt8(1))
            writer.write(delivery.user) { $1.write($0) }
            writer.write(delivery.subaddress) { $1.write($0) }
            switch delivery.method {
            case .action: writer.write(UInt8(1))
            case .pipe(let command):
                writer.write(UInt8(2))
                writer.write(command)
            case .file(let path):
                writer.write(UInt8(3))
                writer.write(path)
            }
        case .relay:
            writer.write(UInt8(2))
        case .bounce(let kind):
            writer.write(UInt8(3))
            switch kind {
            case .failed: writer.write(UInt8(1))
            case .delayed(let after):
                writer.write(UInt8(2))
                writer.write(after)
            case .delivered: writer.write(UInt8(3))
            }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            let user = try reader.readOptional { reader throws(WireError) in try reader.readString() }
            let subaddress = try reader.readOptional { reader throws(WireError) in try reader.readString() }
            let method: LocalDelivery.Method
            switch try reader.readUInt8() {
            case 1: method = .action
            case 2: method = .pipe(try reader.readString())
            case 3: method = .file(try reader.readString())
            case let kind: throw .unknownValue(UInt64(kind), for: "delivery method")
            }
            self = .local(LocalDelivery(user: user, subaddress: subaddress, method: method))
        case 2: self = .relay
        case 3:
            switch try reader.readUInt8() {
            case 1: self = .bounce(.failed)
            case 2: self = .bounce(.delayed(after: try reader.readInt64()))
            case 3: self = .bounce(.delivered)
            case let kind: throw .unknownValue(UInt64(kind), for: "bounce kind")
            }
        case let kind: throw .unknownValue(UInt64(kind), for: "envelope kind")
        }
    }
}

extension Envelope: WireMessage {
    package func encode(into writer: inout WireWriter) {
        id.encode(into: &writer)
        recipient.encode(into: &writer)
        destination.encode(into: &writer)
        writer.write(action)
        kind.encode(into: &writer)
        created.encode(into: &writer)
        writer.write(timeToLive)
        writer.write(notify?.rawValue) { $1.write($0) }
        writer.write(originalRecipient) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let id = try EnvelopeID(from: &reader)
        let recipient = try MailAddress(from: &reader)
        let destination = try MailAddress(from: &reader)
        let action = try reader.readString()
        let kind = try Kind(from: &reader)
        let created = try Timestamp(from: &reader)
        let timeToLive = try reader.readInt64()
        let notify = try reader.readOptional { reader throws(WireError) in NotifyOptions(rawValue: try reader.readUInt8()) }
        let original = try reader.readOptional { reader throws(WireError) in try reader.readBytes() }
        self.init(
            id: id, recipient: recipient, destination: destination, action: action, kind: kind, created: created,
            timeToLive: timeToLive, notify: notify, originalRecipient: original)
    }
}

extension DeliveryHistory: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(attempts)
        writer.write(lastAttempt) { $0.encode(into: &$1) }
        writer.write(lastNotice) { $0.encode(into: &$1) }
        writer.write(lastError)
        writer.write(isSuspended)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            attempts: try reader.readUInt32(),
            lastAttempt: try reader.readOptional { reader throws(WireError) in try Timestamp(from: &reader) },
            lastNotice: try reader.readOptional { reader throws(WireError) in try Timestamp(from: &reader) },
            lastError: try reader.readString(), isSuspended: try reader.readBool())
    }
}

extension DeliveryFailure: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(status)
        writer.write(text)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(status: try reader.readString(), text: try reader.readString())
    }
}

extension DeliveryOutcome: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .delivered(let text):
            writer.write(UInt8(1))
            writer.write(text)
        case .temporary(let failure):
            writer.write(UInt8(2))
            failure.encode(into: &writer)
        case .permanent(let failure):
            writer.write(UInt8(3))
            failure.encode(into: &writer)
        case .loop:
            writer.write(UInt8(4))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .delivered(try reader.readString())
        case 2: self = .temporary(try DeliveryFailure(from: &reader))
        case 3: self = .permanent(try DeliveryFailure(from: &reader))
        case 4: self = .loop
        case let kind: throw .unknownValue(UInt64(kind), for: "outcome")
        }
    }
}

extension Reply: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(code)
        writer.write(status) { $1.write($0) }
        writer.write(list: lines) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let code = try reader.readUInt16()
        let status = try reader.readOptional { reader throws(WireError) in try reader.readString() }
        let lines = try reader.readList { reader throws(WireError) in try reader.readString() }
        guard (200...599).contains(code), !lines.isEmpty else { throw .invalid("reply") }
        self.init(code, status, lines: lines)
    }
}
