import Configuration
import TLS

/// Every certificate that a configuration names, as bytes: all of it public.
package struct CertificateSet: Hashable, Sendable {
    /// Of one `pki`.
    package struct Identity: Hashable, Sendable {
        /// Who holds the private key knows it by this number.
        package var key: UInt32
        /// In PEM.
        package var chain: [UInt8]
        /// Parameters of Diffie-Hellman in PEM, of 5.4's `dhparams`.
        package var parameters: [UInt8]?

        package init(key: UInt32, chain: [UInt8], parameters: [UInt8]? = nil) {
            self.key = key
            self.chain = chain
            self.parameters = parameters
        }
    }

    /// By the name of the `pki`.
    package var identities: [String: Identity] = [:]
    /// By the name of the `ca`, in PEM.
    package var authorities: [String: [UInt8]] = [:]
    /// What this system trusts, in PEM.
    package var system: [UInt8]?

    package init() {}
}

extension Configuration {
    /// Whether somebody needs what the system trusts: listeners that verify without an authority of their own, and
    /// relays, which verify servers.
    package var needsSystemAuthorities: Bool {
        listeners.contains(where: \.needsSystemAuthorities)
            || actions.values.contains { action in
                guard case .relay(let relay) = action.kind else { return false }
                return relay.authority == nil
            }
    }
}

extension Listener {
    /// Whether clients are verified by what the system trusts.
    var needsSystemAuthorities: Bool { verifiesClients && authority == nil }
}

/// Where systems keep the authorities that they trust.
package enum SystemAuthorities {
    /// In the order in which they are looked for.
    package static let places = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
    ]

    /// The first that is there.
    package static var path: String? { places.first { CredentialFile.stamp(of: $0) != nil } }
}
