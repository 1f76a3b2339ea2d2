import MailSyntax
import Platform
import ProcessMessages
import Resolver
import RoleProcess
import SMTPProtocol

/// Names and addresses of other hosts, from hosts(5) and the DNS.
extension LookupProcess {
    /// A rootless installation may bring files of its own, named as in /etc, below `etc` of its directory.
    func makeResolver() -> Resolver {
        func place(_ name: String) -> String {
            let own = context.installation.spool + "/etc/" + name
            guard context.installation.isRootless, (try? Files.status(own)) ?? nil != nil else { return "/etc/" + name }
            return own
        }
        return Resolver(
            files: ResolverFiles(settings: place("resolv.conf"), hosts: place("hosts")), upstream: ServerUpstream())
    }

    /// RFC 5321 section 5.1, RFC 7505.
    func exchangers(of domain: Domain) async -> ExchangerVerdict {
        if let literal = Self.literal(domain) {
            let host = MailExchanger(preference: 0, host: domain, addresses: .found([literal], isAuthenticated: false))
            return .exchangers([host], isImplicit: true, isAuthenticated: false)
        }
        guard let name = Self.name(domain) else { return .invalidName }
        switch await resolver.resolve(name, .mailExchange) {
        case .failed(let failure): return .failed(failure.text)
        case .noSuchName: return .noSuchDomain
        case .noData:
            let addresses = await addresses(of: domain)
            if case .missing(hostExists: false) = addresses { return .noSuchDomain }
            return .exchangers(
                [MailExchanger(preference: 0, host: domain, addresses: addresses)], isImplicit: true,
                isAuthenticated: false)
        case .found(let answer):
            var records: [(preference: UInt16, host: DNSName)] = []
            for case .mailExchange(let preference, let host) in answer.data { records.append((preference, host)) }
            let hosts = records.filter { !$0.host.isRoot }.sorted { $0.preference < $1.preference }
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
    }

    /// A host that the operator wrote, so with the search list.
    func addresses(of host: Domain) async -> AddressVerdict {
        if let literal = Self.literal(host) ?? IPAddress(host.bytes) { return .found([literal], isAuthenticated: false) }
        guard Self.name(host) != nil else { return .invalidName }
        return AddressVerdict(await resolver.addresses(ofWritten: host.bytes))
    }

    /// Names of one address that are looked at.
    private static let maximumNames = 8

    /// The name of a client, confirmed when it leads back to the address.
    func reverseName(of address: IPAddress) async -> ReverseNameVerdict {
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

    /// Nil for what cannot be asked for, names outside ASCII among them.
    private static func name(_ domain: Domain) -> DNSName? {
        guard domain.bytes.allSatisfy({ $0 < 0x80 }), let name = DNSName(domain.bytes), !name.isRoot else { return nil }
        return name
    }
}

extension AddressVerdict {
    init(_ addresses: HostAddresses) {
        switch addresses {
        case .found(let octets, let isAuthenticated):
            let found = octets.compactMap(IPAddress.init(octets:)).prefix(Self.maximumAddresses)
            self = found.isEmpty ? .missing(hostExists: true) : .found(Array(found), isAuthenticated: isAuthenticated)
        case .missing(let hostExists): self = .missing(hostExists: hostExists)
        case .failed(let failure): self = .failed(failure.text)
        }
    }
}
