import MailSyntax
import Platform
import ProcessMessages
import Resolver
import RoleProcess
#if DNSSEC
import ValidatingResolver
#endif

/// Names and addresses of other hosts, for whoever asks.
extension LookupProcess {
    func makeResolver() -> MailResolver {
        MailResolver(Resolver(files: ResolverFiles(of: context.installation), upstream: makeUpstream()))
    }

    #if DNSSEC
    private func makeUpstream() -> any DNSUpstream {
        let places = ValidatingUpstream.trustAnchors.map(context.installation.place)
        guard let anchor = places.first(where: { (try? Files.read($0, limit: 1 << 20)) != nil }) else {
            context.log.warning("answers of the DNS are not validated: there is no \(places[0]) (package dns-root-data)")
            return ServerUpstream()
        }
        return ValidatingUpstream(trustAnchor: anchor)
    }
    #else
    private func makeUpstream() -> any DNSUpstream { ServerUpstream() }
    #endif

    /// The hosts that take mail for a domain (RFC 5321 section 5.1, RFC 7505).
    func exchangers(of domain: Domain) async -> ExchangerVerdict {
        let verdict = await resolver.exchangers(of: domain)
        trace("exchangers of \(domain.text): \(verdict.text)")
        return verdict
    }

    /// The addresses of a host that the operator wrote, so with the search list.
    func addresses(of host: Domain) async -> AddressVerdict {
        let verdict = await resolver.addresses(of: host)
        trace("addresses of \(host.text): \(verdict.text)")
        return verdict
    }

    /// The name of a client, confirmed when it leads back to the address.
    func reverseName(of address: IPAddress) async -> ReverseNameVerdict {
        let verdict = await resolver.reverseName(of: address)
        trace("name of \(address): \(verdict.text)")
        return verdict
    }

    private func trace(_ text: @autoclosure () -> String) {
        guard context.log.settings.traces(TraceSubjects.lookup) else { return }
        context.log.trace(TraceSubjects.lookup, text())
    }
}
