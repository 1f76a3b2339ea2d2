import MailSyntax
import SMTPProtocol
import WireFormat

/// What is known of the name of an address.
package enum ReverseNameVerdict: WireMessage, Hashable {
    /// Its name in ASCII, and whether that leads back to the address. Of several names, one that does.
    case found(Domain, ForwardConfirmation)
    /// The address has no name, or none that could be a host's.
    case missing
    /// The resolver could not say, and why in one printable line.
    case failed(String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .found(let name, let confirmation):
            writer.write(UInt8(1))
            name.encode(into: &writer)
            confirmation.encode(into: &writer)
        case .missing: writer.write(UInt8(2))
        case .failed(let reason):
            writer.write(UInt8(3))
            writer.write(line: reason)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .found(try Domain(from: &reader), try ForwardConfirmation(from: &reader))
        case 2: self = .missing
        case 3: self = .failed(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "reverse name verdict")
        }
    }
}

extension ForwardConfirmation: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .confirmed: writer.write(UInt8(1))
        case .unconfirmed: writer.write(UInt8(2))
        case .undecided: writer.write(UInt8(3))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .confirmed
        case 2: self = .unconfirmed
        case 3: self = .undecided
        case let kind: throw .unknownValue(UInt64(kind), for: "forward confirmation")
        }
    }
}
