// Rules and their conditions.

extension Rule: BinaryRecord {
    static var blank: Rule { Rule(location: .blank, decision: .reject) }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.location), .init(\.tag), .init(\.from), .init(\.destination), .init(\.helo), .init(\.auth),
            .init(\.tls), .init(\.sender), .init(\.recipient), .init(\.decision),
        ]
    }
}

extension Condition: BinaryValue where Criterion: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        isNegated.encode(into: &bytes)
        criterion.encode(into: &bytes)
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        let isNegated = try Bool(from: &reader)
        self.init(try Criterion(from: &reader), isNegated: isNegated)
    }
}

extension Rule.Decision: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .reject: bytes.append(1)
        case .action(let name):
            bytes.append(2)
            name.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .reject
        case 2: self = .action(try String(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension Rule.Source: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .local(let countsAuthenticated):
            bytes.append(1)
            countsAuthenticated.encode(into: &bytes)
        case .any: bytes.append(2)
        case .socket: bytes.append(3)
        case .addresses(let table, let authenticatedIsLocal):
            bytes.append(4)
            table.encode(into: &bytes)
            authenticatedIsLocal.encode(into: &bytes)
        case .reverseName(let table):
            bytes.append(5)
            table.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .local(countsAuthenticated: try Bool(from: &reader))
        case 2: self = .any
        case 3: self = .socket
        case 4:
            self = .addresses(try TableReference(from: &reader), authenticatedIsLocal: try Bool(from: &reader))
        case 5: self = .reverseName(try TableReference?(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension Rule.Destination: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .local: bytes.append(1)
        case .any: bytes.append(2)
        case .domain(let table):
            bytes.append(3)
            table.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .local
        case 2: self = .any
        case 3: self = .domain(try TableReference(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension Rule.Authentication: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .anyone: bytes.append(1)
        case .user(let table):
            bytes.append(2)
            table.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .anyone
        case 2: self = .user(try TableReference(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension Rule.TLSCriterion: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .used: bytes.append(1)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        guard try reader.byte() == 1 else { throw .invalidValue }
        self = .used
    }
}
