import MailSyntax
import Tables

// Tables, addresses and places.

extension IPAddress: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .v4(let value):
            bytes.append(4)
            value.encode(into: &bytes)
        case .v6(let high, let low):
            bytes.append(6)
            high.encode(into: &bytes)
            low.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 4: self = .v4(try UInt32(from: &reader))
        case 6: self = .v6(high: try UInt64(from: &reader), low: try UInt64(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension TableDefinition: BinaryRecord {
    static var blank: TableDefinition { TableDefinition(name: "", content: .list([])) }
    static var fields: [BinaryField<Self>] { [.init(\.name), .init(\.content), .init(\.cacheLifetime)] }
}

extension TableDefinition.Entry: BinaryRecord {
    static var blank: Self { Self(key: "", value: "") }
    static var fields: [BinaryField<Self>] { [.init(\.key), .init(\.value)] }
}

extension TableDefinition.Content: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .list(let list):
            bytes.append(1)
            list.encode(into: &bytes)
        case .mapping(let entries):
            bytes.append(2)
            entries.encode(into: &bytes)
        case .backend(let type, let path):
            bytes.append(3)
            type.encode(into: &bytes)
            path.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .list(try [String](from: &reader))
        case 2: self = .mapping(try [TableDefinition.Entry](from: &reader))
        case 3: self = .backend(type: try String(from: &reader), path: try String?(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension TableReference: BinaryRecord {
    static var blank: TableReference { TableReference("") }
    static var fields: [BinaryField<Self>] { [.init(\.table), .init(\.isRegex)] }
}

extension SourceLocation: BinaryRecord {
    static var blank: SourceLocation { SourceLocation(file: "", line: 1, column: 1) }
    static var fields: [BinaryField<Self>] { [.init(\.file), .init(\.line), .init(\.column)] }
}

extension Generation: BinaryValue {}
