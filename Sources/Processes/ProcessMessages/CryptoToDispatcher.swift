import WireFormat

/// What the crypto process answers the dispatcher.
package enum CryptoToDispatcher: WireMessage, Hashable {
    case signed(request: UInt64, [UInt8])
    /// There is no such key, or it does not sign such a thing.
    case refused(request: UInt64)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .signed(let request, let signature):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(signature)
        case .refused(let request):
            writer.write(UInt8(2))
            writer.write(request)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .signed(request: try reader.readUInt64(), try reader.readSignatureOctets())
        case 2: self = .refused(request: try reader.readUInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "CryptoToDispatcher")
        }
    }
}
