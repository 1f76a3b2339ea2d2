import Envelopes
import MailSyntax

/// The payload of a `message` or `envelopes` record: a transaction once, and envelopes as short as they come.
///
/// Actions and domains are written once per record, the destination only where it differs from the recipient,
/// the times only where they differ from the first envelope's: some 25 bytes for one of a thousand recipients.
struct MessageRecord: Equatable, Sendable {
    var body: Body
    var transaction: Transaction
    var envelopes: [Entry]

    enum Body: Equatable, Sendable {
        /// In the record that begins `distance` bytes before this one.
        case inline(distance: Int, length: Int)
        /// In a file of its own.
        case file(size: Int64, checksum: UInt32)
        /// The same, wrapped (``WrappedBodyFile``): size and checksum are those of the file.
        case wrappedFile(size: Int64, checksum: UInt32)
        /// An `envelopes` record: the body is that of the message.
        case none
    }

    struct Entry: Equatable, Sendable {
        var envelope: Envelope
        var history = DeliveryHistory()
    }

    private static let version: UInt8 = 1

    private struct Flags: OptionSet {
        var rawValue: UInt8
        static let destination = Flags(rawValue: 1)
        static let notify = Flags(rawValue: 2)
        static let originalRecipient = Flags(rawValue: 4)
        static let times = Flags(rawValue: 8)
        static let history = Flags(rawValue: 16)
    }

    var encoded: [UInt8] {
        var actions = RecordTable<String>()
        // By bytes: the queue keeps a domain as it was written, and Domain compares without case.
        var domains = RecordTable<[UInt8]>()
        var list = RecordWriter()
        let created = envelopes.first?.envelope.created ?? Timestamp(seconds: 0)
        let timeToLive = envelopes.first?.envelope.timeToLive ?? 0
        for entry in envelopes {
            let envelope = entry.envelope
            var flags: Flags = []
            if !isSame(envelope.recipient, envelope.destination) { flags.insert(.destination) }
            if envelope.notify != nil { flags.insert(.notify) }
            if envelope.originalRecipient != nil { flags.insert(.originalRecipient) }
            if envelope.created != created || envelope.timeToLive != timeToLive { flags.insert(.times) }
            if entry.history != DeliveryHistory() { flags.insert(.history) }
            list.write(envelope.id.number)
            list.write(flags.rawValue)
            list.write(short: envelope.recipient.localPart.bytes)
            list.write(varint: domains.place(of: envelope.recipient.domain.bytes))
            if flags.contains(.destination) {
                list.write(short: envelope.destination.localPart.bytes)
                list.write(varint: domains.place(of: envelope.destination.domain.bytes))
            }
            list.write(varint: actions.place(of: envelope.action))
            envelope.kind.encode(into: &list)
            if let notify = envelope.notify { list.write(notify.rawValue) }
            if let original = envelope.originalRecipient { list.write(short: original) }
            if flags.contains(.times) {
                list.write(envelope.created.seconds)
                list.write(envelope.timeToLive)
            }
            if flags.contains(.history) { entry.history.encode(into: &list) }
        }

        var writer = RecordWriter()
        writer.write(Self.version)
        switch body {
        case .inline(let distance, let length):
            writer.write(UInt8(0))
            writer.write(UInt32(distance))
            writer.write(UInt32(length))
        case .file(let size, let checksum):
            writer.write(UInt8(1))
            writer.write(size)
            writer.write(checksum)
        case .none:
            writer.write(UInt8(2))
        case .wrappedFile(let size, let checksum):
            writer.write(UInt8(3))
            writer.write(size)
            writer.write(checksum)
        }
        transaction.encode(into: &writer)
        writer.write(created.seconds)
        writer.write(timeToLive)
        writer.write(varint: actions.values.count)
        for action in actions.values { writer.write(short: action) }
        writer.write(varint: domains.values.count)
        for domain in domains.values { writer.write(short: domain) }
        writer.write(varint: envelopes.count)
        return writer.bytes + list.bytes
    }

    init(body: Body, transaction: Transaction, envelopes: [Entry]) {
        self.body = body
        self.transaction = transaction
        self.envelopes = envelopes
    }

    init(decoding bytes: ArraySlice<UInt8>, of message: MessageID) throws(RecordError) {
        var reader = RecordReader(bytes)
        let version = try reader.readUInt8()
        guard version == Self.version else { throw .unknownValue(UInt64(version), for: "record version") }
        switch try reader.readUInt8() {
        case 0: body = .inline(distance: Int(try reader.readUInt32()), length: Int(try reader.readUInt32()))
        case 1: body = .file(size: try reader.readInt64(), checksum: try reader.readUInt32())
        case 2: body = .none
        case 3: body = .wrappedFile(size: try reader.readInt64(), checksum: try reader.readUInt32())
        case let other: throw .unknownValue(UInt64(other), for: "body")
        }
        transaction = try Transaction(from: &reader)
        let created = Timestamp(seconds: try reader.readInt64())
        let timeToLive = try reader.readInt64()
        var actions: [String] = []
        for _ in 0..<(try reader.readCount()) { actions.append(try reader.readShortText()) }
        var domains: [Domain] = []
        for _ in 0..<(try reader.readCount()) { domains.append(try reader.readDomain()) }

        func address(_ reader: inout RecordReader) throws(RecordError) -> MailAddress {
            let localPart = try reader.readLocalPart()
            let place = try reader.readVarint()
            guard place < domains.count else { throw .invalid("domain") }
            return MailAddress(localPart, at: domains[place])
        }
        envelopes = []
        for _ in 0..<(try reader.readCount()) {
            guard let id = EnvelopeID(message, try reader.readUInt32()) else { throw .invalid("envelope id") }
            let flags = Flags(rawValue: try reader.readUInt8())
            guard flags.rawValue < 32 else { throw .unknownValue(UInt64(flags.rawValue), for: "envelope") }
            let recipient = try address(&reader)
            let destination = flags.contains(.destination) ? try address(&reader) : recipient
            let action = try reader.readVarint()
            guard action < actions.count else { throw .invalid("action") }
            var envelope = Envelope(
                id: id, recipient: recipient, destination: destination, action: actions[action],
                kind: try Envelope.Kind(from: &reader), created: created, timeToLive: timeToLive)
            if flags.contains(.notify) { envelope.notify = NotifyOptions(rawValue: try reader.readUInt8()) }
            if flags.contains(.originalRecipient) { envelope.originalRecipient = try reader.readShortBytes() }
            if flags.contains(.times) {
                envelope.created = Timestamp(seconds: try reader.readInt64())
                envelope.timeToLive = try reader.readInt64()
            }
            let history = flags.contains(.history) ? try DeliveryHistory(from: &reader) : DeliveryHistory()
            envelopes.append(Entry(envelope: envelope, history: history))
        }
        try reader.finish()
    }

    private func isSame(_ a: MailAddress, _ b: MailAddress) -> Bool {
        a.localPart.bytes == b.localPart.bytes && a.domain.bytes == b.domain.bytes
    }
}

extension Envelope.Kind {
    fileprivate func encode(into writer: inout RecordWriter) {
        switch self {
        case .relay:
            writer.write(UInt8(0))
        case .bounce(.failed):
            writer.write(UInt8(1))
        case .bounce(.delayed(let after)):
            writer.write(UInt8(2))
            writer.write(after)
        case .bounce(.delivered):
            writer.write(UInt8(3))
        case .bounce(.relayed):
            writer.write(UInt8(5))
        case .local(let local):
            writer.write(UInt8(4))
            writer.write(UInt8((local.user == nil ? 0 : 1) | (local.subaddress == nil ? 0 : 2)))
            if let user = local.user { writer.write(short: user) }
            if let subaddress = local.subaddress { writer.write(short: subaddress) }
            switch local.method {
            case .action:
                writer.write(UInt8(0))
            case .pipe(let command):
                writer.write(UInt8(1))
                writer.write(short: command)
            case .file(let path):
                writer.write(UInt8(2))
                writer.write(short: path)
            }
        }
    }

    fileprivate init(from reader: inout RecordReader) throws(RecordError) {
        switch try reader.readUInt8() {
        case 0: self = .relay
        case 1: self = .bounce(.failed)
        case 2: self = .bounce(.delayed(after: try reader.readInt64()))
        case 3: self = .bounce(.delivered)
        case 5: self = .bounce(.relayed)
        case 4:
            let flags = try reader.readUInt8()
            guard flags < 4 else { throw .unknownValue(UInt64(flags), for: "local delivery") }
            let user = flags & 1 != 0 ? try reader.readShortText() : nil
            let subaddress = flags & 2 != 0 ? try reader.readShortText() : nil
            let method: LocalDelivery.Method
            switch try reader.readUInt8() {
            case 0: method = .action
            case 1: method = .pipe(try reader.readShortText())
            case 2: method = .file(try reader.readShortText())
            case let other: throw .unknownValue(UInt64(other), for: "method")
            }
            self = .local(LocalDelivery(user: user, subaddress: subaddress, method: method))
        case let other: throw .unknownValue(UInt64(other), for: "envelope kind")
        }
    }
}

extension Transaction {
    private struct Flags: OptionSet {
        var rawValue: UInt8
        static let authenticated = Flags(rawValue: 1)
        static let tls = Flags(rawValue: 2)
        static let isInternal = Flags(rawValue: 4)
        static let utf8 = Flags(rawValue: 8)
        static let user = Flags(rawValue: 16)
        static let envelopeIdentifier = Flags(rawValue: 32)
        static let sender = Flags(rawValue: 64)
    }

    fileprivate func encode(into writer: inout RecordWriter) {
        var flags: Flags = []
        if isAuthenticated { flags.insert(.authenticated) }
        if usesTLS { flags.insert(.tls) }
        if isInternal { flags.insert(.isInternal) }
        if needsUTF8 { flags.insert(.utf8) }
        if user != nil { flags.insert(.user) }
        if envelopeIdentifier != nil { flags.insert(.envelopeIdentifier) }
        if sender != .null { flags.insert(.sender) }
        writer.write(flags.rawValue)
        if let address = sender.address {
            writer.write(short: address.localPart.bytes)
            writer.write(short: address.domain.bytes)
        }
        switch source {
        case .local:
            writer.write(UInt8(0))
        case .network(.v4(let value)):
            writer.write(UInt8(4))
            writer.write(value)
        case .network(.v6(let high, let low)):
            writer.write(UInt8(6))
            writer.write(high)
            writer.write(low)
        }
        for text in [reverseName, helo, serverName, tag] { writer.write(short: text) }
        if let user { writer.write(short: user) }
        writer.write(body.rawValue)
        writer.write(returnContent?.rawValue ?? 0)
        if let envelopeIdentifier { writer.write(short: envelopeIdentifier) }
    }

    fileprivate init(from reader: inout RecordReader) throws(RecordError) {
        let flags = Flags(rawValue: try reader.readUInt8())
        guard flags.rawValue < 128 else { throw .unknownValue(UInt64(flags.rawValue), for: "transaction") }
        var sender = ReversePath.null
        if flags.contains(.sender) {
            sender = .mailbox(MailAddress(try reader.readLocalPart(), at: try reader.readDomain()))
        }
        let source: ClientSource
        switch try reader.readUInt8() {
        case 0: source = .local
        case 4: source = .network(.v4(try reader.readUInt32()))
        case 6: source = .network(.v6(high: try reader.readUInt64(), low: try reader.readUInt64()))
        case let other: throw .unknownValue(UInt64(other), for: "source")
        }
        self.init(
            sender: sender, source: source, reverseName: try reader.readShortText(), helo: try reader.readShortText(),
            serverName: try reader.readShortText(), tag: try reader.readShortText(),
            user: flags.contains(.user) ? try reader.readShortText() : nil,
            isAuthenticated: flags.contains(.authenticated), usesTLS: flags.contains(.tls),
            isInternal: flags.contains(.isInternal), needsUTF8: flags.contains(.utf8))
        let bodyType = try reader.readUInt8()
        guard let known = BodyType(rawValue: bodyType) else { throw .unknownValue(UInt64(bodyType), for: "body type") }
        body = known
        let content = try reader.readUInt8()
        if content != 0 {
            guard let known = ReturnContent(rawValue: content) else {
                throw .unknownValue(UInt64(content), for: "return content")
            }
            returnContent = known
        }
        if flags.contains(.envelopeIdentifier) { envelopeIdentifier = try reader.readShortBytes() }
    }
}
