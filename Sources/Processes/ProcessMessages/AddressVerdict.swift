import MailSyntax
import WireFormat

/// What is known of the addresses of a host.
package enum AddressVerdict: WireMessage, Hashable {
    /// One address at least and ``maximumAddresses`` at most, both families, in the order of the answers: IPv6
    /// first. Whether they were validated by DNSSEC; never without a resolver that validates.
    case found([IPAddress], isAuthenticated: Bool)
    /// The host exists and has no address, or it does not exist.
    case missing(hostExists: Bool)
    /// The name is none that can be asked for: a label or the whole is too long once written for the DNS, or is
    /// not allowed in an internationalized name.
    case invalidName
    /// The resolver could not say, and why in one printable line: try again later.
    case failed(String)

    /// Addresses of one host that are passed on; beyond them, no more is believed to be of use.
    package static let maximumAddresses = 32

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .found(let addresses, let isAuthenticated):
            writer.write(UInt8(1))
            writer.write(list: addresses) { $0.encode(into: &$1) }
            writer.write(isAuthenticated)
        case .missing(let hostExists):
            writer.write(UInt8(2))
            writer.write(hostExists)
        case .invalidName:
            writer.write(UInt8(3))
        case .failed(let reason):
            writer.write(UInt8(4))
            writer.write(line: reason)
        }
    }

    /// - Throws: ``WireError/invalid(_:)`` for no address or too many.
    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .found(
                try reader.readList(of: "addresses", maximum: Self.maximumAddresses) { reader throws(WireError) in
                    try IPAddress(from: &reader)
                },
                isAuthenticated: try reader.readBool())
        case 2: self = .missing(hostExists: try reader.readBool())
        case 3: self = .invalidName
        case 4: self = .failed(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "address verdict")
        }
    }
}
