import WireFormat

/// What control may ask of the crypto process: how much it has signed, and nothing about its keys.
package enum ControlToCrypto: WireMessage, Hashable {
    /// Answered by ``CryptoToControl/statistics(request:_:)``.
    case statistics(request: UInt64)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .statistics(let request):
            writer.write(UInt8(1))
            writer.write(request)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .statistics(request: try reader.readUInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlToCrypto")
        }
    }
}
