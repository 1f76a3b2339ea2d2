import COpenSSL
import CTLS

/// A certificate with the number of its private key at whoever holds it.
package struct TLSIdentity {
    package let chain: CertificateChain
    package let key: UInt32
    package let finiteFields: FiniteFields

    package init(chain: CertificateChain, key: UInt32, finiteFields: FiniteFields = .none) {
        self.chain = chain
        self.key = key
        self.finiteFields = finiteFields
    }

    /// Whether Diffie-Hellman is also offered without elliptic curves (RFC 5246; TLS 1.3 does not ask).
    package enum FiniteFields: Hashable, Sendable {
        case none
        /// Of a size that fits the key, 2048 bits at least.
        case automatic
        /// A PEM file of parameters.
        case parameters([UInt8])
    }
}

/// How a listener speaks TLS.
package struct TLSServerSettings {
    /// Whether clients are asked for certificates.
    package enum ClientCertificates: Hashable, Sendable {
        case ignored
        /// Asked for; a false one is noted, and the connection goes on.
        case requested
        /// The handshake fails without one that verifies.
        case required
    }

    /// The first is the default, the others are chosen by the names in them.
    package var identities: [TLSIdentity]
    package var ciphers: String?
    package var versions: TLSVersions
    package var clientCertificates: ClientCertificates
    /// Who may have signed the clients' certificates; nobody without them.
    package var trusted: TrustedCertificates?
    /// What tells this listener's sessions from others': one is resumed only where it was made, and only on the
    /// terms on which it was made (see ``TLSServerContext``).
    package var sessionScope: String

    package init(
        identities: [TLSIdentity], ciphers: String? = nil, versions: TLSVersions = .all,
        clientCertificates: ClientCertificates = .ignored, trusted: TrustedCertificates? = nil, sessionScope: String
    ) {
        self.identities = identities
        self.ciphers = ciphers
        self.versions = versions
        self.clientCertificates = clientCertificates
        self.trusted = trusted
        self.sessionScope = sessionScope
    }
}

/// Everything that the connections of one listener have in common. Connections made with it go on without it.
///
/// A session is resumed, by a ticket or from memory, if it was made in the same scope with the same certificates,
/// ciphers, versions and trust in clients. Resuming shows and verifies no certificate again, so anything else would let
/// a client go on for hours with what has been replaced: our renewed certificate unseen, its own after the authority
/// that signed it is trusted no more.
package final class TLSServerContext {
    /// Sessions kept for clients of TLS 1.2 that take no tickets.
    private static let sessionCacheSize = 1_024
    /// Tickets given to a client of TLS 1.3; a mail client opens one connection after the other.
    private static let tickets = 1

    private let context: ContextHandle
    let keys: any KeyHolder

    /// - Throws: ``TLSSetupFailure`` for what cannot be used.
    package init(
        _ settings: TLSServerSettings, keys: any KeyHolder, ticketKeys: TicketKeys
    ) throws(TLSSetupFailure) {
        self.keys = keys
        guard let first = settings.identities.first else { throw .noCertificate }
        let sessions = try Self.sessionContext(settings)
        context = try Self.makeContext(for: first, among: settings.identities, settings, sessions, ticketKeys)
        for name in first.chain.names {
            guard martlet_tls_serve_name(context.raw, name, context.raw) == 1 else { throw .outOfMemory }
        }
        for identity in settings.identities.dropFirst() {
            let other = try Self.makeContext(for: identity, among: settings.identities, settings, sessions, ticketKeys)
            for name in identity.chain.names {
                guard martlet_tls_serve_name(context.raw, name, other.raw) == 1 else { throw .outOfMemory }
            }
        }
    }

    private static func makeContext(
        for identity: TLSIdentity, among all: [TLSIdentity], _ settings: TLSServerSettings, _ sessions: [UInt8],
        _ ticketKeys: TicketKeys
    ) throws(TLSSetupFailure) -> ContextHandle {
        let handle = try ContextHandle.make(isServer: true, versions: settings.versions)
        try CipherList(settings.ciphers, allowsFiniteFields: identity.finiteFields != .none, isLenient: false)
            .apply(to: handle.raw)
        try allow(identity.finiteFields, in: handle.raw)
        // The same names with a key of the other kind: the client's abilities decide which it sees.
        let twin = all.first { $0.chain.kind != identity.chain.kind && Set($0.chain.names) == Set(identity.chain.names) }
        if let twin { try handle.use(twin.chain, key: twin.key) }
        try handle.use(identity.chain, key: identity.key)
        try resume(in: handle.raw, sessions, ticketKeys)
        if let trusted = settings.trusted {
            SSL_CTX_set1_cert_store(handle.raw, trusted.store)
            if settings.clientCertificates != .ignored { trusted.announce(in: handle.raw) }
        }
        if settings.clientCertificates != .ignored {
            martlet_tls_request_certificate(handle.raw, settings.clientCertificates == .required)
        }
        return handle
    }

    private static func allow(_ fields: TLSIdentity.FiniteFields, in context: OpaquePointer) throws(TLSSetupFailure) {
        switch fields {
        case .none: break
        case .automatic: _ = martlet_tls_allow_finite_fields(context)
        case .parameters(let pem):
            ERR_clear_error()
            let parameters = pem.withUnsafeBytes { buffer -> OpaquePointer? in
                guard let memory = BIO_new_mem_buf(buffer.baseAddress, CInt(clamping: buffer.count)) else { return nil }
                defer { BIO_free(memory) }
                return PEM_read_bio_Parameters(memory, nil)
            }
            ERR_clear_error()
            guard let parameters else { throw .malformedParameters }
            guard SSL_CTX_set0_tmp_dh_pkey(context, parameters) == 1 else {
                EVP_PKEY_free(parameters)
                throw .refused(TLSLibrary.takeReason())
            }
        }
    }

    /// What sessions must have in common to be resumed, as a digest.
    private static func sessionContext(_ settings: TLSServerSettings) throws(TLSSetupFailure) -> [UInt8] {
        let terms = [settings.sessionScope, settings.ciphers ?? "", "\(settings.versions.rawValue) \(settings.clientCertificates)"]
        // Text has no such octet, and digests are of one length: two sets of terms never look the same.
        var bytes = Array(terms.map(\.utf8).joined(separator: [0xFF]))
        for identity in settings.identities { bytes += [0xFF] + identity.chain.fingerprint }
        if settings.clientCertificates != .ignored, let trusted = settings.trusted { bytes += [0xFE] + trusted.fingerprint }
        return try PEM.digest(of: bytes)
    }

    private static func resume(
        in context: OpaquePointer, _ sessions: [UInt8], _ ticketKeys: TicketKeys
    ) throws(TLSSetupFailure) {
        guard SSL_CTX_set_session_id_context(context, sessions, UInt32(sessions.count)) == 1,
            martlet_tls_use_ticket_keys(context, ticketKeys.raw) == 1,
            SSL_CTX_set_num_tickets(context, tickets) == 1
        else { throw .outOfMemory }
        martlet_tls_set_session_cache(context, sessionCacheSize)
    }

    func connection(over descriptor: CInt) throws(TLSFailure) -> ConnectionHandle {
        let connection = try context.connection(over: descriptor)
        SSL_set_accept_state(connection.raw)
        return connection
    }
}
