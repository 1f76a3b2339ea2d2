import COpenSSL
import CTLS

/// An SSL_CTX and what every context of ours has in common.
struct ContextHandle: ~Copyable {
    let raw: OpaquePointer

    private init(raw: OpaquePointer) { self.raw = raw }

    /// Without certificates, keys and trust.
    static func make(isServer: Bool, versions: TLSVersions) throws(TLSSetupFailure) -> ContextHandle {
        guard let raw = SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else { throw .outOfMemory }
        let handle = ContextHandle(raw: raw)
        martlet_tls_set_modes(raw, isServer)
        guard martlet_tls_set_versions(raw, versions.lowest, versions.highest) == 1 else {
            throw .refused(TLSLibrary.takeReason())
        }
        return handle
    }

    deinit { SSL_CTX_free(raw) }

    /// Adds a certificate whose private key somebody else holds under a number.
    func use(_ chain: CertificateChain, key number: UInt32) throws(TLSSetupFailure) {
        ERR_clear_error()
        guard let first = chain.certificates.first, let publicKey = X509_get0_pubkey(first) else { throw .noCertificate }
        guard let key = martlet_delegated_key(publicKey, number) else { throw .unsupportedKey }
        defer { EVP_PKEY_free(key) }
        guard SSL_CTX_use_certificate(raw, first) == 1, SSL_CTX_use_PrivateKey(raw, key) == 1 else {
            throw .refused(TLSLibrary.takeReason())
        }
        for certificate in chain.certificates.dropFirst() {
            guard martlet_tls_add_to_chain(raw, certificate) == 1 else { throw .refused(TLSLibrary.takeReason()) }
        }
    }

    /// A connection over a descriptor that stays the caller's.
    func connection(over descriptor: CInt) throws(TLSFailure) -> ConnectionHandle {
        ERR_clear_error()
        guard let raw = SSL_new(raw) else { throw .handshake(TLSLibrary.takeReason()) }
        let connection = ConnectionHandle(raw: raw)
        guard SSL_set_fd(raw, descriptor) == 1 else { throw .handshake(TLSLibrary.takeReason()) }
        return connection
    }
}

/// An SSL and its end.
struct ConnectionHandle: ~Copyable {
    let raw: OpaquePointer

    init(raw: OpaquePointer) { self.raw = raw }

    deinit { SSL_free(raw) }
}

/// A handshake under way, and its end in whatever state.
struct HandshakeHandle: ~Copyable {
    let raw: OpaquePointer

    init(of connection: borrowing ConnectionHandle, maySign: Bool) throws(TLSFailure) {
        guard let raw = martlet_handshake_new(connection.raw, maySign) else { throw .handshake("out of memory") }
        self.raw = raw
    }

    deinit { martlet_handshake_free(raw) }
}
