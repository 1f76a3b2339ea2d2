import EventLoop
import MailSyntax
import Platform
import ProcessMessages
import Resolver
import SMTPProtocol

/// Names and addresses of other hosts as mail wants them: the exchangers of a domain, the addresses of a host, the
/// confirmed name of a client. They come from hosts(5) and the DNS.
@EventLoopActor
package final class MailResolver {
    private let resolver: Resolver

    package init(_ resolver: Resolver) { self.resolver = resolver }

    /// The hosts that take mail for a domain (RFC 5321 section 5.1, RFC 7505).
    package func exchangers(of domain: Domain) async -> ExchangerVerdict {
        if let literal = Self.literal(domain) {
            return .itself(domain, .found([literal], isAuthenticated: false))
        }
        guard let (name, domain) = Self.name(domain) else { return .invalidName }
        // Nobody is asked about this machine (RFC 6761 section 6.3).
        guard !name.isWithin(Self.localhost) else {
            return .itself(domain, AddressVerdict(await resolver.inquire(addressesOf: name).value()))
        }
        switch await resolver.resolve(name, .mailExchange) {
        case .failed(let failure): return .failed(failure.text)
        case .noSuchName: return .noSuchDomain
        case .noData:
            // No search list: the domain is a stranger's, and complete.
            let addresses = AddressVerdict(await resolver.inquire(addressesOf: name).value())
            if case .missing(hostExists: false) = addresses { return .noSuchDomain }
            return .itself(domain, addresses)
        case .found(let answer): return await exchangers(in: answer)
        }
    }

    private func exchangers(in answer: DNSAnswer) async -> ExchangerVerdict {
        var records: [(preference: UInt16, host: DNSName)] = []
        for case .mailExchange(let preference, let host) in answer.data { records.append((preference, host)) }
        // Neither the root nor the own machine of whoever asks is a host of the domain.
        let hosts = records.filter { !$0.host.isRoot && !$0.host.isWithin(Self.localhost) }
            .sorted { $0.preference < $1.preference }
        guard !hosts.isEmpty else { return .acceptsNoMail }
        // All questions are under way before the first answer is waited for.
        let asked = hosts.prefix(ExchangerVerdict.maximumExchangers).map { ($0, resolver.inquire(addressesOf: $0.host)) }
        var exchangers: [MailExchanger] = []
        for (record, inquiry) in asked {
            guard let text = record.host.hostName, let host = try? Domain(validating: text) else { continue }
            let addresses = AddressVerdict(await inquiry.value())
            exchangers.append(MailExchanger(preference: record.preference, host: host, addresses: addresses))
        }
        guard !exchangers.isEmpty else { return .failed("no exchanger of the domain has the name of a host") }
        return .exchangers(exchangers, isImplicit: false, isAuthenticated: answer.isAuthenticated)
    }

    /// The addresses of a host that the operator wrote, so with the search list.
    package func addresses(of host: Domain) async -> AddressVerdict {
        if let literal = Self.literal(host) ?? IPAddress(host.bytes) { return .found([literal], isAuthenticated: false) }
        guard let (_, ascii) = Self.name(host) else { return .invalidName }
        return AddressVerdict(await resolver.addresses(ofWritten: ascii.bytes))
    }

    /// Names of one address that are looked at.
    private static let maximumNames = 8

    /// The name of a client, confirmed when it leads back to the address.
    package func reverseName(of address: IPAddress) async -> ReverseNameVerdict {
        switch await resolver.names(of: address.octets) {
        case .failed(let failure): return .failed(failure.text)
        case .noData, .noSuchName: return .missing
        case .found(let answer):
            var first: (Domain, ForwardConfirmation)?
            for case .pointer(let name) in answer.data.prefix(Self.maximumNames) {
                guard let text = name.hostName, let domain = try? Domain(validating: text) else { continue }
                switch await resolver.inquire(addressesOf: name).value() {
                case .found(let addresses, _):
                    if addresses.contains(address.octets) { return .found(domain, .confirmed) }
                    first = first ?? (domain, .unconfirmed)
                case .missing: first = first ?? (domain, .unconfirmed)
                case .failed: first = first ?? (domain, .undecided)
                }
            }
            return first.map { .found($0.0, $0.1) } ?? .missing
        }
    }

    private static func literal(_ domain: Domain) -> IPAddress? {
        domain.isLiteral ? IPAddress(literal: domain.bytes.dropFirst().dropLast()) : nil
    }

    /// The domain as the DNS has it, in both forms; nil for what cannot be asked for.
    private static func name(_ domain: Domain) -> (DNSName, Domain)? {
        // Why it has no form in ASCII makes no difference to whoever asks.
        guard let ascii = try? domain.inASCII(), let name = DNSName(ascii.bytes), !name.isRoot else { return nil }
        return (name, ascii)
    }

    // A constant that is a name.
    private static let localhost = DNSName(Array("localhost".utf8))!
}

extension ExchangerVerdict {
    /// A domain that is its own exchanger.
    fileprivate static func itself(_ domain: Domain, _ addresses: AddressVerdict) -> ExchangerVerdict {
        .exchangers(
            [MailExchanger(preference: 0, host: domain, addresses: addresses)], isImplicit: true, isAuthenticated: false)
    }

    /// In words for an operator.
    package var text: String {
        switch self {
        case .exchangers(let exchangers, let isImplicit, _):
            (isImplicit ? "itself: " : "")
                + exchangers.map { "\($0.preference) \($0.host.text) (\($0.addresses.text))" }.joined(separator: ", ")
        case .acceptsNoMail: "takes no mail"
        case .noSuchDomain: "no such domain"
        case .invalidName: "no name that can be asked for"
        case .failed(let reason): reason
        }
    }
}

extension ReverseNameVerdict {
    /// In words for an operator.
    package var text: String {
        switch self {
        case .found(let name, let confirmation): "\(name.text), \(confirmation)"
        case .missing: "none"
        case .failed(let reason): reason
        }
    }
}

extension AddressVerdict {
    /// What a resolver found, as far as a message carries it.
    package init(_ addresses: HostAddresses) {
        switch addresses {
        case .found(let octets, let isAuthenticated):
            let found = octets.compactMap(IPAddress.init(octets:)).prefix(Self.maximumAddresses)
            self = found.isEmpty ? .missing(hostExists: true) : .found(Array(found), isAuthenticated: isAuthenticated)
        case .missing(let hostExists): self = .missing(hostExists: hostExists)
        case .failed(let failure): self = .failed(failure.text)
        }
    }

    /// In words for an operator.
    package var text: String {
        switch self {
        case .found(let addresses, _): addresses.map(\.description).joined(separator: " ")
        case .missing(let hostExists): hostExists ? "no address" : "no such host"
        case .invalidName: "no name that can be asked for"
        case .failed(let reason): reason
        }
    }
}

extension ResolverFiles {
    /// Those of the system. A rootless installation may bring files of its own, named as those and below its directory.
    package convenience init(of installation: InstallationPaths) {
        self.init(settings: installation.place(of: "/etc/resolv.conf"), hosts: installation.place(of: "/etc/hosts"))
    }
}

extension InstallationPaths {
    /// Where a file of the system is that a rootless installation may bring with it.
    package func place(of path: String) -> String {
        let own = spool + path
        // What cannot be looked at is not brought.
        guard isRootless, (try? Files.status(own)) ?? nil != nil else { return path }
        return own
    }
}
