// Actions.

extension Action: BinaryRecord {
    static var blank: Action { Action(name: "", kind: .local(.blank)) }
    static var fields: [BinaryField<Self>] { [.init(\.name), .init(\.kind), .init(\.timeToLive)] }
}

extension Action.Kind: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .local(let local):
            bytes.append(1)
            local.encode(into: &bytes)
        case .relay(let relay):
            bytes.append(2)
            relay.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .local(try LocalAction(from: &reader))
        case 2: self = .relay(try RelayAction(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension LocalAction: BinaryRecord {
    static var blank: LocalAction { LocalAction(method: .mbox) }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.method), .init(\.user), .init(\.aliases), .init(\.virtual), .init(\.userbase), .init(\.wrapper),
            .init(\.everyFailureIsTemporary),
        ]
    }
}

extension LocalAction.Method: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .mbox: bytes.append(1)
        case .maildir(let path, let junk):
            bytes.append(2)
            path.encode(into: &bytes)
            junk.encode(into: &bytes)
        case .lmtp(let destination, let usesRecipientAddress):
            bytes.append(3)
            destination.encode(into: &bytes)
            usesRecipientAddress.encode(into: &bytes)
        case .command(let command):
            bytes.append(4)
            command.encode(into: &bytes)
        case .forwardOnly: bytes.append(5)
        case .expandOnly: bytes.append(6)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .mbox
        case 2: self = .maildir(try String?(from: &reader), junk: try Bool(from: &reader))
        case 3: self = .lmtp(try String(from: &reader), usesRecipientAddress: try Bool(from: &reader))
        case 4: self = .command(try String(from: &reader))
        case 5: self = .forwardOnly
        case 6: self = .expandOnly
        default: throw .invalidValue
        }
    }
}

extension RelayAction: BinaryRecord {
    static var blank: RelayAction { RelayAction() }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.helo), .init(\.heloNames), .init(\.keyPair), .init(\.authority), .init(\.ciphers),
            .init(\.protocols), .init(\.sources), .init(\.sender), .init(\.rewriting), .init(\.backup), .init(\.hosts),
            .init(\.tls), .init(\.auth), .init(\.tokens), .init(\.filter), .init(\.usesSRS),
        ]
    }
}

extension RelayAction.TokenSource: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .table: bytes.append(1)
        case .command(let line, let user):
            bytes.append(2)
            line.encode(into: &bytes)
            user.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .table
        case 2: self = .command(try String(from: &reader), user: try String?(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension RelayAction.SenderRewriting: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .address(let address):
            bytes.append(1)
            address.encode(into: &bytes)
        case .table(let table):
            bytes.append(2)
            table.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .address(try String(from: &reader))
        case 2: self = .table(try String(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension RelayAction.Backup: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .ownName: bytes.append(1)
        case .named(let name):
            bytes.append(2)
            name.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .ownName
        case 2: self = .named(try String(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension RelayAction.Hosts: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .smarthosts(let table):
            bytes.append(1)
            table.encode(into: &bytes)
        case .byDomain(let table):
            bytes.append(2)
            table.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .smarthosts(try String(from: &reader))
        case 2: self = .byDomain(try String(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension RelayAction.TLSPolicy: BinaryValue {}
