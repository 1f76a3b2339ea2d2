import MailSyntax
import Platform

extension IPAddress {
    /// From four or sixteen octets in network order; nil for any other number.
    package init?(octets: [UInt8]) {
        guard let address = SocketAddress(octets: octets, port: 0) else { return nil }
        self.init(address)
    }

    /// Four or sixteen octets in network order.
    package var octets: [UInt8] {
        func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
            stride(from: Value.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> Value($0)) }
        }
        return switch self {
        case .v4(let value): bytes(value)
        case .v6(let high, let low): bytes(high) + bytes(low)
        }
    }

    /// The address of an internet socket; nil for a Unix one.
    package init?(_ address: SocketAddress) {
        let octets = address.octets
        switch octets.count {
        case 4:
            self = .v4(octets.reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        case 16:
            self = .v6(
                high: octets[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) },
                low: octets[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        default: return nil
        }
    }
}
