import MailSyntax

/// What a proxy says of its client before anything else: version 2 of the PROXY protocol (HAProxy's
/// `proxy-protocol.txt`, section 2.2).
///
/// The header must be read to its last octet and no further, since TLS may follow it at once: whoever reads
/// gives ``Reader`` exactly as many octets as it asks for.
package enum ProxyHeader: Hashable, Sendable {
    /// The proxy itself speaks, such as for a health check, or for a client it knows no address of: the
    /// connection's own address counts.
    case local
    /// A client at this address and port.
    case client(IPAddress, port: UInt16)

    /// Why the octets are no header.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case notAHeader
        case unknownVersion(UInt8)
        case unknownCommand(UInt8)
        /// Addresses and extensions take more octets than ``maximumLength``.
        case tooLong(Int)
        /// Fewer octets than the addresses of its family need.
        case tooShort(Int)

        package var description: String {
            switch self {
            case .notAHeader: "no PROXY header"
            case .unknownVersion(let version): "unknown version \(version) of the PROXY protocol"
            case .unknownCommand(let command): "unknown PROXY command \(command)"
            case .tooLong(let length): "PROXY header of \(length) octets"
            case .tooShort(let length): "PROXY header with \(length) octets for the addresses"
            }
        }
    }

    /// Octets behind the fixed part that are read: addresses and extensions, of which none is used.
    package static let maximumLength = 2_048

    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
    private static let fixedLength = 16

    /// Takes the header piece by piece.
    package struct Reader: Hashable, Sendable {
        private var bytes: [UInt8] = []
        private var length = ProxyHeader.fixedLength

        package init() {}

        /// Octets it takes next, at least one until the header is complete.
        package var needed: Int { length - bytes.count }

        /// Takes octets, 1 to ``needed`` of them.
        ///
        /// - Returns: The header once it is complete.
        package mutating func receive(_ input: [UInt8]) throws(Failure) -> ProxyHeader? {
            precondition((1...needed).contains(input.count), "more than was asked for")
            bytes += input
            guard zip(bytes, signature).allSatisfy({ $0 == $1 }) else { throw .notAHeader }
            if bytes.count == ProxyHeader.fixedLength, length == ProxyHeader.fixedLength {
                let rest = Int(bytes[14]) << 8 | Int(bytes[15])
                guard rest <= ProxyHeader.maximumLength else { throw .tooLong(rest) }
                length += rest
            }
            return bytes.count == length ? try ProxyHeader(complete: bytes) : nil
        }
    }

    /// - Parameter bytes: At least the fixed part, with the signature.
    private init(complete bytes: [UInt8]) throws(Failure) {
        guard bytes[12] >> 4 == 2 else { throw .unknownVersion(bytes[12] >> 4) }
        switch bytes[12] & 0xF {
        case 0:
            self = .local
            return
        case 1: break
        case let command: throw .unknownCommand(command)
        }
        let addresses = bytes[Self.fixedLength...]
        // The transport says stream or datagram; a connection we have accepted is a stream whatever it says.
        switch bytes[13] >> 4 {
        case 1:
            guard addresses.count >= 12 else { throw .tooShort(addresses.count) }
            let octets = Array(addresses)
            self = .client(.v4(UInt32(Self.number(octets[0..<4]))), port: UInt16(Self.number(octets[8..<10])))
        case 2:
            guard addresses.count >= 36 else { throw .tooShort(addresses.count) }
            let octets = Array(addresses)
            let address = IPAddress.v6(high: Self.number(octets[0..<8]), low: Self.number(octets[8..<16]))
            self = .client(address, port: UInt16(Self.number(octets[32..<34])))
        default:
            self = .local
        }
    }

    private static func number(_ octets: ArraySlice<UInt8>) -> UInt64 {
        octets.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
