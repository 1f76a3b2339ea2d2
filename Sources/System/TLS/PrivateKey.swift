import COpenSSL
import CTLS
import Platform

/// A private key, and what it is used for: signatures of TLS handshakes and nothing else.
package final class PrivateKey {
    /// The largest file that is taken for a key.
    package static let maximumFileSize = 64 << 10

    private let raw: OpaquePointer
    /// What signs with it, one for each padding: to make it anew takes a tenth of a signature on P-256. There is no secret
    /// in it but the key, and it goes away with that.
    private var signers: [CInt: OpaquePointer] = [:]
    /// In the place of a padding for keys on curves.
    private static let noPadding: CInt = 0

    /// Reads the first private key of a PEM file.
    ///
    /// - Parameter passphrase: For an encrypted one.
    /// - Throws: ``PrivateKeyFailure``.
    package init(pem: borrowing SecretBytes, passphrase: UnsafeRawBufferPointer? = nil) throws(PrivateKeyFailure) {
        var question = Question(passphrase: passphrase)
        ERR_clear_error()
        var key: OpaquePointer?
        if let memory = BIO_new_mem_buf(pem.bytes.baseAddress, CInt(clamping: pem.bytes.count)) {
            key = withUnsafeMutablePointer(to: &question) {
                PEM_read_bio_PrivateKey(memory, nil, { Question.answer($0, $1, $3) }, $0)
            }
            BIO_free(memory)
        }
        guard let key else {
            let reason = TLSLibrary.takeReason()
            if question.wasAsked { throw passphrase == nil ? .encrypted : .wrongPassphrase }
            throw .malformed(reason)
        }
        ERR_clear_error()
        guard CertificateChain.isSupported(key) else {
            EVP_PKEY_free(key)
            throw .unsupported
        }
        raw = key
    }

    deinit {
        for signer in signers.values { EVP_PKEY_CTX_free(signer) }
        EVP_PKEY_free(raw)
    }

    /// What the library asks when a key is encrypted.
    private struct Question {
        let passphrase: UnsafeRawBufferPointer?
        var wasAsked = false

        static func answer(_ buffer: UnsafeMutablePointer<CChar>?, _ room: CInt, _ context: UnsafeMutableRawPointer?) -> CInt {
            guard let question = context?.assumingMemoryBound(to: Question.self) else { return -1 }
            question.pointee.wasAsked = true
            guard let passphrase = question.pointee.passphrase, let buffer, passphrase.count <= Int(room) else { return -1 }
            UnsafeMutableRawBufferPointer(start: buffer, count: Int(room)).copyMemory(from: passphrase)
            return CInt(passphrase.count)
        }
    }

    /// The public key in its standard form, to be compared with a certificate's.
    package var publicKey: [UInt8] { PEM.encoded(publicKey: raw) }

    /// The key as a PEM file that is not encrypted.
    ///
    /// - Throws: ``PrivateKeyFailure/malformed(_:)`` when there is no memory for it.
    package func decryptedPEM() throws(PrivateKeyFailure) -> SecretBytes {
        guard let memory = BIO_new(BIO_s_secmem()) else { throw .malformed(TLSLibrary.takeReason()) }
        defer { BIO_free(memory) }
        guard PEM_write_bio_PrivateKey(memory, raw, nil, nil, 0, nil, nil) == 1 else {
            throw .malformed(TLSLibrary.takeReason())
        }
        do {
            return try SecretBytes(room: Self.maximumFileSize) { buffer in
                Int(max(0, BIO_read(memory, buffer.baseAddress, CInt(buffer.count))))
            }
        } catch {
            throw .malformed(error.reason)
        }
    }

    /// Signs what a handshake of TLS 1.2 or later can want signed.
    ///
    /// - Returns: Nil for anything else: who asks may have been taken over, and wants something decrypted.
    package func sign(_ input: SignatureInput) -> [UInt8]? {
        let isRSA = EVP_PKEY_get_base_id(raw) == EVP_PKEY_RSA
        switch input {
        case .rsaPKCS1(let octets):
            guard isRSA, Self.isEncodedDigest(octets) else { return nil }
            return sign(octets, padding: RSA_PKCS1_PADDING)
        case .rsaBlock(let octets):
            guard isRSA, octets.count == Int(EVP_PKEY_get_size(raw)),
                martlet_is_pss_block(octets, octets.count, EVP_PKEY_get_bits(raw))
            else { return nil }
            return sign(octets, padding: RSA_NO_PADDING)
        case .ecdsa(let octets):
            guard !isRSA, (20...64).contains(octets.count) else { return nil }
            return sign(octets, padding: Self.noPadding)
        }
    }

    private func sign(_ octets: [UInt8], padding: CInt) -> [UInt8]? {
        guard let signer = signers[padding] ?? makeSigner(padding: padding) else {
            ERR_clear_error()
            return nil
        }
        var length = Int(EVP_PKEY_get_size(raw))
        var signature = [UInt8](repeating: 0, count: length)
        guard EVP_PKEY_sign(signer, &signature, &length, octets, octets.count) == 1 else {
            // Whatever state it is in now: the next one is new.
            signers[padding] = nil
            EVP_PKEY_CTX_free(signer)
            ERR_clear_error()
            return nil
        }
        signature.removeSubrange(length...)
        return signature
    }

    private func makeSigner(padding: CInt) -> OpaquePointer? {
        guard let signer = EVP_PKEY_CTX_new(raw, nil) else { return nil }
        guard EVP_PKEY_sign_init(signer) == 1,
            padding == Self.noPadding || EVP_PKEY_CTX_set_rsa_padding(signer, padding) == 1
        else {
            EVP_PKEY_CTX_free(signer)
            return nil
        }
        signers[padding] = signer
        return signer
    }

    /// DigestInfo of SHA-256, SHA-384 or SHA-512 (RFC 8017 section 9.2, note 1).
    private static func isEncodedDigest(_ octets: [UInt8]) -> Bool {
        let kinds: [(length: UInt8, identifier: UInt8)] = [(32, 1), (48, 2), (64, 3)]
        return kinds.contains { kind in
            let prefix: [UInt8] = [
                0x30, 17 + kind.length, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                kind.identifier, 0x05, 0x00, 0x04, kind.length,
            ]
            return octets.count == prefix.count + Int(kind.length) && octets.starts(with: prefix)
        }
    }
}

/// Why a private key cannot be used.
package enum PrivateKeyFailure: Error, Hashable, Sendable {
    /// No private key in PEM form, or a damaged one; in the library's words.
    case malformed(String)
    case encrypted
    case wrongPassphrase
    /// Neither RSA nor on an elliptic curve with ECDSA.
    case unsupported

    /// In words, for the end of a message.
    package var text: String {
        switch self {
        case .malformed(let reason): "no usable private key in PEM form: \(reason)"
        case .encrypted: "the key is encrypted"
        case .wrongPassphrase: "wrong passphrase"
        case .unsupported: TLSSetupFailure.unsupportedKey.text
        }
    }
}
