import MailSyntax
import WireFormat

/// A host that takes mail for a domain (RFC 5321 section 5.1).
package struct MailExchanger: WireMessage, Hashable {
    /// Lower is tried first; 0 for a domain that is its own exchanger.
    package var preference: UInt16
    /// Its name in ASCII as the DNS has it, or the literal of the domain that was asked for.
    package var host: Domain
    package var addresses: AddressVerdict

    package init(preference: UInt16, host: Domain, addresses: AddressVerdict) {
        self.preference = preference
        self.host = host
        self.addresses = addresses
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(preference)
        host.encode(into: &writer)
        addresses.encode(into: &writer)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            preference: try reader.readUInt16(), host: try Domain(from: &reader),
            addresses: try AddressVerdict(from: &reader))
    }
}

/// What is known of the hosts that take mail for a domain.
package enum ExchangerVerdict: WireMessage, Hashable {
    /// One host at least and ``maximumExchangers`` at most, ordered by preference, equals in no order that means
    /// anything. Implicit: the domain has no MX record, and is its own exchanger at preference 0. Authenticated:
    /// the list was validated by DNSSEC; each host's addresses say so for themselves.
    case exchangers([MailExchanger], isImplicit: Bool, isAuthenticated: Bool)
    /// The domain says that it takes no mail (null MX, RFC 7505): a permanent failure.
    case acceptsNoMail
    /// The domain does not exist: a permanent failure.
    case noSuchDomain
    /// The name is none that can be asked for: a permanent failure.
    case invalidName
    /// The resolver could not say, and why in one printable line: try again later.
    case failed(String)

    /// Hosts of one domain that are passed on, the preferred ones; a domain with more wants to make us work.
    package static let maximumExchangers = 32

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .exchangers(let exchangers, let isImplicit, let isAuthenticated):
            writer.write(UInt8(1))
            writer.write(list: exchangers) { $0.encode(into: &$1) }
            writer.write(isImplicit)
            writer.write(isAuthenticated)
        case .acceptsNoMail: writer.write(UInt8(2))
        case .noSuchDomain: writer.write(UInt8(3))
        case .invalidName: writer.write(UInt8(4))
        case .failed(let reason):
            writer.write(UInt8(5))
            writer.write(line: reason)
        }
    }

    /// - Throws: ``WireError/invalid(_:)`` for no exchanger or too many.
    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .exchangers(
                try reader.readList(of: "exchangers", maximum: Self.maximumExchangers) { reader throws(WireError) in
                    try MailExchanger(from: &reader)
                },
                isImplicit: try reader.readBool(), isAuthenticated: try reader.readBool())
        case 2: self = .acceptsNoMail
        case 3: self = .noSuchDomain
        case 4: self = .invalidName
        case 5: self = .failed(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "exchanger verdict")
        }
    }
}
