import WireFormat

/// What the crypto process answers control.
package enum CryptoToControl: WireMessage, Hashable {
    /// The answer to ``ControlToCrypto/statistics(request:)``.
    case statistics(request: UInt64, StatisticsReport)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .statistics(let request, let report):
            writer.write(UInt8(1))
            writer.write(request)
            report.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .statistics(request: try reader.readUInt64(), try StatisticsReport(from: &reader))
        case let kind: throw .unknownValue(UInt64(kind), for: "CryptoToControl")
        }
    }
}
