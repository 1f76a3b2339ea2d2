import COpenSSL
import CTLS

/// A certificate with those that lead from it to an authority, as read from a PEM file.
package final class CertificateChain {
    /// The first is the one that is meant. Freed with the chain.
    let certificates: [OpaquePointer]
    /// The names it is for, in lower case, with `*` in some.
    package let names: [String]
    /// What tells it from others: the digest of its file.
    let fingerprint: [UInt8]

    /// Reads every certificate of a file; whatever else is in it is passed over.
    ///
    /// - Throws: ``TLSSetupFailure/noCertificate``, ``TLSSetupFailure/malformedCertificate(_:)`` and
    ///   ``TLSSetupFailure/unsupportedKey``.
    package init(pem: [UInt8]) throws(TLSSetupFailure) {
        fingerprint = try PEM.digest(of: pem)
        let certificates = try PEM.certificates(in: pem)
        guard let first = certificates.first else { throw .noCertificate }
        self.certificates = certificates
        names = Self.names(of: first)
        guard let key = X509_get0_pubkey(first), Self.isSupported(key) else { throw .unsupportedKey }
    }

    deinit { for certificate in certificates { X509_free(certificate) } }

    /// The public key in its standard form (SubjectPublicKeyInfo in DER): equal for a key and its certificate.
    package var publicKey: [UInt8] {
        guard let key = certificates.first.flatMap({ X509_get0_pubkey($0) }) else { return [] }
        return PEM.encoded(publicKey: key)
    }

    /// What its owner should know before peers complain; nil for nothing.
    package var warning: String? {
        guard let first = certificates.first else { return nil }
        if X509_cmp_current_time(X509_get0_notAfter(first)) < 0 { return "the certificate has expired" }
        if X509_cmp_current_time(X509_get0_notBefore(first)) > 0 { return "the certificate is not valid yet" }
        return nil
    }

    /// Whole days until it expires, negative afterwards; nil when its date cannot be read.
    package var daysLeft: Int? {
        var days: CInt = 0
        var seconds: CInt = 0
        guard let first = certificates.first, ASN1_TIME_diff(&days, &seconds, nil, X509_get0_notAfter(first)) == 1 else { return nil }
        return days == 0 && seconds < 0 ? -1 : Int(days)
    }

    /// RSA or elliptic curve: two chains of different kinds can serve the same names.
    var kind: CInt { certificates.first.flatMap { X509_get0_pubkey($0) }.map { EVP_PKEY_get_base_id($0) } ?? 0 }

    static func isSupported(_ key: OpaquePointer) -> Bool {
        let kind = EVP_PKEY_get_base_id(key)
        return kind == EVP_PKEY_RSA || kind == EVP_PKEY_EC
    }

    private static func names(of certificate: OpaquePointer) -> [String] {
        var names: [String] = []
        withUnsafeMutablePointer(to: &names) { pointer in
            martlet_certificate_names(
                certificate,
                { context, text, length in
                    guard let context, let text else { return }
                    let bytes = UnsafeRawBufferPointer(start: text, count: length)
                    let name = String(decoding: bytes, as: UTF8.self).lowercased()
                    context.assumingMemoryBound(to: [String].self).pointee.append(name)
                }, pointer)
        }
        return names
    }
}

/// Certificates of authorities, shared by every context that trusts them.
package final class TrustedCertificates {
    /// The most authorities whose names are told to clients who are asked for a certificate; a bundle of all the
    /// world's would make the question longer than the rest of the handshake.
    private static let maximumAnnounced = 32

    let store: OpaquePointer
    /// What tells them from others: the digest of their file.
    let fingerprint: [UInt8]
    private let announced: [OpaquePointer]
    /// How many there are.
    package let count: Int

    /// Reads every certificate of a bundle.
    ///
    /// - Throws: ``TLSSetupFailure/noCertificate`` and ``TLSSetupFailure/malformedCertificate(_:)``.
    package init(pem: [UInt8]) throws(TLSSetupFailure) {
        fingerprint = try PEM.digest(of: pem)
        let certificates = try PEM.certificates(in: pem)
        guard !certificates.isEmpty else { throw .noCertificate }
        guard let store = X509_STORE_new() else {
            for certificate in certificates { X509_free(certificate) }
            throw .outOfMemory
        }
        // A bundle may hold the same certificate twice, which the library does not mind.
        for certificate in certificates { X509_STORE_add_cert(store, certificate) }
        ERR_clear_error()
        self.store = store
        count = certificates.count
        if count <= Self.maximumAnnounced {
            announced = certificates
        } else {
            announced = []
            for certificate in certificates { X509_free(certificate) }
        }
    }

    deinit {
        for certificate in announced { X509_free(certificate) }
        X509_STORE_free(store)
    }

    func announce(in context: OpaquePointer) {
        for certificate in announced { SSL_CTX_add1_to_CA_list(context, certificate) }
    }
}

/// PEM files (RFC 7468).
enum PEM {
    /// The caller frees what it gets.
    static func certificates(in bytes: [UInt8]) throws(TLSSetupFailure) -> [OpaquePointer] {
        var certificates: [OpaquePointer] = []
        ERR_clear_error()
        bytes.withUnsafeBytes { buffer in
            guard let memory = BIO_new_mem_buf(buffer.baseAddress, CInt(clamping: buffer.count)) else { return }
            while let certificate = PEM_read_bio_X509(memory, nil, nil, nil) { certificates.append(certificate) }
            BIO_free(memory)
        }
        // The end of the file is told as the lack of another beginning.
        let code = ERR_peek_last_error()
        let isEnd = code == 0 || ERR_GET_REASON(code) == PEM_R_NO_START_LINE
        guard isEnd || bytes.isEmpty else {
            for certificate in certificates { X509_free(certificate) }
            throw .malformedCertificate(TLSLibrary.takeReason())
        }
        ERR_clear_error()
        return certificates
    }

    /// The SHA-256 digest of a file.
    static func digest(of bytes: [UInt8]) throws(TLSSetupFailure) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        guard EVP_Digest(bytes, bytes.count, &digest, nil, EVP_sha256(), nil) == 1 else { throw .outOfMemory }
        return digest
    }

    /// SubjectPublicKeyInfo in DER (RFC 5280 section 4.1).
    static func encoded(publicKey key: OpaquePointer) -> [UInt8] {
        let length = i2d_PUBKEY(key, nil)
        guard length > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: Int(length)) { buffer, count in
            var position = buffer.baseAddress
            count = Int(max(0, i2d_PUBKEY(key, &position)))
        }
    }
}
