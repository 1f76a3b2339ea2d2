import Configuration
import TLS

/// What the words of a configuration come to: contexts of TLS, made of a set of certificates.
///
/// The process that serves uses the contexts; the one that reads the configuration makes them too, to find out
/// whether they can be made.
package final class ConfiguredTLS {
    private struct Identity {
        let chain: CertificateChain
        let key: UInt32
        let parameters: [UInt8]?
    }

    private let identities: [String: Identity]
    private let authorities: [String: TrustedCertificates]
    /// What the system trusts, in PEM; reading it takes longer than everything else here, and memory.
    private let systemAuthorities: [UInt8]?
    private var readSystemAuthorities: TrustedCertificates?
    private let generation: Generation
    private let pairs: [String: KeyPair]
    /// Of `smtp ciphers`.
    private let ciphers: String?
    private let keys: any KeyHolder
    private let ticketKeys: TicketKeys

    /// - Parameters:
    ///   - pairs: What the configuration says of each `pki`.
    ///   - ciphers: For listeners and relays that have no list of their own.
    /// - Throws: A ``ConfiguredTLSFailure`` for a certificate that cannot be used.
    package init(
        _ set: CertificateSet, generation: Generation, pairs: [String: KeyPair], ciphers: String?, keys: any KeyHolder,
        ticketKeys: TicketKeys
    ) throws(ConfiguredTLSFailure) {
        var identities: [String: Identity] = [:]
        for (name, identity) in set.identities {
            let chain = try attempt("pki \(name)") { () throws(TLSSetupFailure) in try CertificateChain(pem: identity.chain) }
            identities[name] = Identity(chain: chain, key: identity.key, parameters: identity.parameters)
        }
        var authorities: [String: TrustedCertificates] = [:]
        for (name, pem) in set.authorities {
            authorities[name] = try attempt("ca \(name)") { () throws(TLSSetupFailure) in try TrustedCertificates(pem: pem) }
        }
        self.identities = identities
        self.authorities = authorities
        systemAuthorities = set.system
        self.generation = generation
        self.pairs = pairs
        self.ciphers = ciphers
        self.keys = keys
        self.ticketKeys = ticketKeys
    }

    /// How a listener speaks TLS; nil for one that does not.
    package func serverContext(for listener: Listener) throws(ConfiguredTLSFailure) -> TLSServerContext? {
        guard listener.tls != .none else { return nil }
        var chosen: [TLSIdentity] = []
        for name in listener.keyPairs { chosen.append(try identity(name)) }
        // A listener is told from others by where it listens: its sessions outlive a reload that leaves it there.
        let scope = listener.addresses.map(\.description).joined(separator: ",") + ":\(listener.port) \(listener.verifiesClients)"
        let trusted: TrustedCertificates? =
            if let name = listener.authority { try authority(name) } else { listener.needsSystemAuthorities ? try system() : nil }
        let (ciphers, versions, clients) = (listener.ciphers ?? ciphers, try versions(listener.protocols), asked(listener))
        return try attempt("listener") { () throws(TLSSetupFailure) in
            try TLSServerContext(
                TLSServerSettings(
                    identities: chosen, ciphers: ciphers, versions: versions, clientCertificates: clients, trusted: trusted,
                    sessionScope: scope), keys: keys, ticketKeys: ticketKeys)
        }
    }

    /// How a relay speaks TLS to its servers.
    ///
    /// - Parameters:
    ///   - certificate: The `pki` that is shown to servers who ask for one.
    ///   - authority: The `ca` that has to have signed theirs; nil for what the system trusts.
    package func clientContext(
        certificate: String?, authority name: String?, ciphers: String?, protocols: String?,
        verification: TLSClientSettings.Verification
    ) throws(ConfiguredTLSFailure) -> TLSClientContext {
        let trusted: TrustedCertificates? = if let name { try authority(name) } else { try system() }
        var settings = TLSClientSettings(
            verification: verification, trusted: trusted, ciphers: ciphers ?? self.ciphers,
            versions: try versions(protocols))
        if let certificate { settings.identity = try identity(certificate) }
        return try attempt("relay") { () throws(TLSSetupFailure) in try TLSClientContext(settings, keys: keys) }
    }

    /// Clients are asked for a certificate where there is an authority to judge it.
    private func asked(_ listener: Listener) -> TLSServerSettings.ClientCertificates {
        if listener.verifiesClients { return .required }
        return listener.authority == nil ? .ignored : .requested
    }

    private func identity(_ name: String) throws(ConfiguredTLSFailure) -> TLSIdentity {
        guard let identity = identities[name] else { throw ConfiguredTLSFailure("pki \(name)", nil) }
        return TLSIdentity(chain: identity.chain, key: identity.key, finiteFields: finiteFields(name, identity.parameters))
    }

    private func authority(_ name: String) throws(ConfiguredTLSFailure) -> TrustedCertificates {
        guard let found = authorities[name] else { throw ConfiguredTLSFailure("ca \(name)", nil) }
        return found
    }

    /// Read when the first context asks for it: most daemons that relay have nothing to verify yet.
    private func system() throws(ConfiguredTLSFailure) -> TrustedCertificates? {
        if let readSystemAuthorities { return readSystemAuthorities }
        guard let systemAuthorities else { return nil }
        let read = try attempt("system authorities") { () throws(TLSSetupFailure) in try TrustedCertificates(pem: systemAuthorities) }
        readSystemAuthorities = read
        return read
    }

    private func versions(_ protocols: String?) throws(ConfiguredTLSFailure) -> TLSVersions {
        guard let protocols else { return .all }
        return try attempt("protocols") { () throws(TLSSetupFailure) in try TLSVersions(parsing: protocols) }
    }

    /// 7.x offers finite fields when asked to, 5.4 always did.
    private func finiteFields(_ name: String, _ parameters: [UInt8]?) -> TLSIdentity.FiniteFields {
        if let parameters { return .parameters(parameters) }
        guard generation == .match else { return .automatic }
        switch pairs[name]?.ephemeralDH ?? .none {
        case .none: return .none
        // Fields of 1024 bits are no protection any more: both words mean those that fit the key.
        case .auto, .legacy: return .automatic
        }
    }
}

/// What of a configuration cannot be used, and why.
package struct ConfiguredTLSFailure: Error, Hashable, Sendable {
    /// Such as `pki mail.example.org`.
    package let subject: String
    /// Nil when the configuration does not have it.
    package let reason: TLSSetupFailure?

    init(_ subject: String, _ reason: TLSSetupFailure?) {
        self.subject = subject
        self.reason = reason
    }

    /// In words.
    package var text: String { "\(subject): \(reason?.text ?? "there is none of this name")" }
}

private func attempt<Result>(
    _ subject: String, _ body: () throws(TLSSetupFailure) -> Result
) throws(ConfiguredTLSFailure) -> Result {
    do throws(TLSSetupFailure) {
        return try body()
    } catch {
        throw ConfiguredTLSFailure(subject, error)
    }
}
