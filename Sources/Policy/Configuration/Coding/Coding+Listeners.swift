// Listeners, key pairs and filters.
import Authentication

extension Listener: BinaryRecord {
    static var blank: Listener { Listener(endpoint: .socket, hostname: "") }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.endpoint), .init(\.port), .init(\.families), .init(\.addresses), .init(\.tls),
            .init(\.verifiesClients), .init(\.keyPairs), .init(\.authority), .init(\.ciphers), .init(\.protocols),
            .init(\.authentication), .init(\.tag), .init(\.hostname), .init(\.hostnames), .init(\.senders),
            .init(\.masksSource), .init(\.offersDSN), .init(\.recordsAuthentication), .init(\.expectsProxyHeader),
            .init(\.filter), .init(\.location),
        ]
    }
}

extension Listener.Endpoint: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .socket: bytes.append(1)
        case .network(let name):
            bytes.append(2)
            name.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .socket
        case 2: self = .network(try String(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension Listener.Families: BinaryValue {}
extension Listener.TLSMode: BinaryValue {}

extension Listener.Authentication: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .none: bytes.append(1)
        case .required(let source):
            bytes.append(2)
            source.encode(into: &bytes)
        case .optional(let source):
            bytes.append(3)
            source.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .none
        case 2: self = .required(try CredentialSource(from: &reader))
        case 3: self = .optional(try CredentialSource(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension CredentialSource: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .systemUsers: bytes.append(1)
        case .table(let name):
            bytes.append(2)
            name.encode(into: &bytes)
        case .dovecot(let path):
            bytes.append(3)
            path.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .systemUsers
        case 2: self = .table(try String(from: &reader))
        case 3: self = .dovecot(try String(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension Listener.Senders: BinaryRecord {
    static var blank: Self { Self(table: "", masquerades: false) }
    static var fields: [BinaryField<Self>] { [.init(\.table), .init(\.masquerades)] }
}

extension KeyPair: BinaryRecord {
    static var blank: KeyPair { KeyPair(name: "") }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.name), .init(\.certificate), .init(\.key), .init(\.ephemeralDH), .init(\.authority),
            .init(\.dhParameters),
        ]
    }
}

extension KeyPair.EphemeralDH: BinaryValue {}

extension CertificateAuthority: BinaryRecord {
    static var blank: Self { Self(name: "", certificate: "") }
    static var fields: [BinaryField<Self>] { [.init(\.name), .init(\.certificate)] }
}

extension FilterReference: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .named(let name):
            bytes.append(1)
            name.encode(into: &bytes)
        case .chain(let names):
            bytes.append(2)
            names.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .named(try String(from: &reader))
        case 2: self = .chain(try [String](from: &reader))
        default: throw .invalidValue
        }
    }
}

extension FilterProcess: BinaryRecord {
    static var blank: FilterProcess { FilterProcess(name: "", command: "") }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.name), .init(\.command), .init(\.user), .init(\.group), .init(\.chroot), .init(\.onFailure),
            .init(\.timeout), .init(\.spoken),
        ]
    }
}

extension FilterProcess.FailurePolicy: BinaryValue {}
extension FilterProcess.ProtocolVersion: BinaryValue {}

extension FilterDefinition: BinaryRecord {
    static var blank: FilterDefinition { FilterDefinition(name: "", kind: .legacy) }
    static var fields: [BinaryField<Self>] { [.init(\.name), .init(\.kind)] }
}

extension FilterDefinition.Kind: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .process(let name):
            bytes.append(1)
            name.encode(into: &bytes)
        case .chain(let names):
            bytes.append(2)
            names.encode(into: &bytes)
        case .builtin(let filter):
            bytes.append(3)
            filter.encode(into: &bytes)
        case .legacy: bytes.append(4)
        case .milter(let settings):
            bytes.append(5)
            settings.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .process(try String(from: &reader))
        case 2: self = .chain(try [String](from: &reader))
        case 3: self = .builtin(try BuiltinFilter(from: &reader))
        case 4: self = .legacy
        case 5: self = .milter(try MilterSettings(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension BuiltinFilter: BinaryRecord {
    static var blank: BuiltinFilter { BuiltinFilter(phase: .connect, conditions: [], decision: .junk) }
    static var fields: [BinaryField<Self>] { [.init(\.phase), .init(\.conditions), .init(\.decision)] }
}

extension BuiltinFilter.Phase: BinaryValue {}

extension BuiltinFilter.Criterion: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .fcrdns: bytes.append(1)
        case .rdns(let table):
            bytes.append(2)
            table.encode(into: &bytes)
        case .source(let table):
            bytes.append(3)
            table.encode(into: &bytes)
        case .helo(let table):
            bytes.append(4)
            table.encode(into: &bytes)
        case .auth(let table):
            bytes.append(5)
            table.encode(into: &bytes)
        case .mailFrom(let table):
            bytes.append(6)
            table.encode(into: &bytes)
        case .rcptTo(let table):
            bytes.append(7)
            table.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .fcrdns
        case 2: self = .rdns(try TableReference?(from: &reader))
        case 3: self = .source(try TableReference(from: &reader))
        case 4: self = .helo(try TableReference(from: &reader))
        case 5: self = .auth(try TableReference?(from: &reader))
        case 6: self = .mailFrom(try TableReference(from: &reader))
        case 7: self = .rcptTo(try TableReference(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension BuiltinFilter.Decision: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .reject(let text):
            bytes.append(1)
            text.encode(into: &bytes)
        case .disconnect(let text):
            bytes.append(2)
            text.encode(into: &bytes)
        case .rewrite(let text):
            bytes.append(3)
            text.encode(into: &bytes)
        case .report(let text):
            bytes.append(4)
            text.encode(into: &bytes)
        case .junk: bytes.append(5)
        case .bypass: bytes.append(6)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .reject(try String(from: &reader))
        case 2: self = .disconnect(try String(from: &reader))
        case 3: self = .rewrite(try String(from: &reader))
        case 4: self = .report(try String(from: &reader))
        case 5: self = .junk
        case 6: self = .bypass
        default: throw .invalidValue
        }
    }
}
