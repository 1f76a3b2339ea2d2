import MailSyntax
import Platform

extension IPAddress {
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
