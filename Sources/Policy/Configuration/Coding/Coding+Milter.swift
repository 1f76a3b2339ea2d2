// Milters.

extension MilterSettings: BinaryRecord {
    static var blank: MilterSettings { MilterSettings(address: .local(path: "")) }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.address), .init(\.onFailure), .init(\.connectTimeout), .init(\.timeout), .init(\.messageTimeout),
        ]
    }
}

extension MilterSettings.FailurePolicy: BinaryValue {}

extension MilterAddress: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .network(let host, let port, let isV6):
            bytes.append(1)
            host.encode(into: &bytes)
            port.encode(into: &bytes)
            isV6.encode(into: &bytes)
        case .local(let path):
            bytes.append(2)
            path.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1:
            self = .network(
                host: try String(from: &reader), port: try UInt16(from: &reader), isV6: try Bool(from: &reader))
        case 2: self = .local(path: try String(from: &reader))
        default: throw .invalidValue
        }
    }
}
