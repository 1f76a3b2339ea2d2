import COpenSSL
import CTLS

/// How connections to servers speak TLS.
package struct TLSClientSettings {
    /// What becomes of a server whose certificate does not verify.
    package enum Verification: Hashable, Sendable {
        /// It is noted, and the connection goes on: better than in clear. Weak keys of servers are taken too.
        case noted
        /// The handshake fails.
        case required
    }

    package var verification: Verification
    /// Who may have signed the servers' certificates; without them none verifies.
    package var trusted: TrustedCertificates?
    package var ciphers: String?
    package var versions: TLSVersions
    /// Shown to servers that ask for one.
    package var identity: TLSIdentity?

    package init(
        verification: Verification, trusted: TrustedCertificates?, ciphers: String? = nil, versions: TLSVersions = .all,
        identity: TLSIdentity? = nil
    ) {
        self.verification = verification
        self.trusted = trusted
        self.ciphers = ciphers
        self.versions = versions
        self.identity = identity
    }
}

/// Everything that connections to servers have in common; the server's name comes with each connection.
package final class TLSClientContext {
    private let context: ContextHandle
    let keys: (any KeyHolder)?

    /// - Parameter keys: Who holds the key of the settings' identity; not needed without one.
    /// - Throws: ``TLSSetupFailure`` for what cannot be used.
    package init(_ settings: TLSClientSettings, keys: (any KeyHolder)? = nil) throws(TLSSetupFailure) {
        self.keys = keys
        let handle = try ContextHandle.make(isServer: false, versions: settings.versions)
        // A server without elliptic curves is served as well.
        try CipherList(settings.ciphers, allowsFiniteFields: true, isLenient: settings.verification == .noted)
            .apply(to: handle.raw)
        martlet_tls_set_session_cache(handle.raw, 0)
        if let trusted = settings.trusted { SSL_CTX_set1_cert_store(handle.raw, trusted.store) }
        switch settings.verification {
        case .noted: martlet_tls_request_certificate(handle.raw, false)
        case .required: martlet_tls_request_certificate(handle.raw, true)
        }
        if let identity = settings.identity { try handle.use(identity.chain, key: identity.key) }
        context = handle
    }

    /// - Parameter host: The name, or the address, that the certificate must be for.
    func connection(over descriptor: CInt, to host: String) throws(TLSFailure) -> ConnectionHandle {
        let connection = try context.connection(over: descriptor)
        SSL_set_connect_state(connection.raw)
        // An address is not announced (RFC 6066 section 3), and is looked for among the certificate's addresses.
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection.raw), host) != 1 {
            ERR_clear_error()
            SSL_set_hostflags(connection.raw, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            guard SSL_set1_host(connection.raw, host) == 1, martlet_tls_announce_host(connection.raw, host) == 1 else {
                throw .handshake(TLSLibrary.takeReason())
            }
        }
        return connection
    }
}
