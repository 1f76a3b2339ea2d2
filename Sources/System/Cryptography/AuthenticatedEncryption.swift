import COpenSSL

/// AES-256-GCM (NIST SP 800-38D) of whole messages in memory.
///
/// Under one key no nonce may come twice; that is the caller's to see to.
package struct AuthenticatedEncryption: Sendable {
    package static let keyLength = 32
    package static let nonceLength = 12
    package static let tagLength = 16

    private let key: [UInt8]

    package init(key: [UInt8]) {
        precondition(key.count == Self.keyLength, "AES-256 has a key of 32 octets")
        self.key = key
    }

    /// The ciphertext with the tag behind it.
    ///
    /// - Parameter context: Authenticated along with the message, and not in the result.
    package func seal(_ message: [UInt8], nonce: [UInt8], context: [UInt8]) -> [UInt8] {
        precondition(nonce.count == Self.nonceLength, "a nonce has 12 octets")
        let result = [UInt8](unsafeUninitializedCapacity: message.count + Self.tagLength) { buffer, initialized in
            guard let state = EVP_CIPHER_CTX_new(), let room = buffer.baseAddress else { return }
            defer { EVP_CIPHER_CTX_free(state) }
            var count: CInt = 0
            var rest: CInt = 0
            // All buffers live through the calls; GCM gives as many octets as it takes, and the tag has its room behind.
            guard EVP_EncryptInit_ex(state, EVP_aes_256_gcm(), nil, key, nonce) == 1,
                EVP_EncryptUpdate(state, nil, &count, context, CInt(context.count)) == 1,
                EVP_EncryptUpdate(state, room, &count, message, CInt(message.count)) == 1,
                EVP_EncryptFinal_ex(state, room + Int(count), &rest) == 1,
                EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_GET_TAG, CInt(Self.tagLength), room + message.count) == 1
            else { return }
            initialized = message.count + Self.tagLength
        }
        // With octets in memory and a known algorithm the calls fail only when the library is broken or memory is gone,
        // and what was to be secret must not go on as if it were.
        precondition(result.count == message.count + Self.tagLength, "libcrypto did not encrypt")
        return result
    }

    /// The message; nil when key, nonce, context or ciphertext are not those of ``seal(_:nonce:context:)``.
    package func open(_ sealed: ArraySlice<UInt8>, nonce: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard nonce.count == Self.nonceLength, sealed.count >= Self.tagLength else { return nil }
        let length = sealed.count - Self.tagLength
        var isSound = false
        let result = [UInt8](unsafeUninitializedCapacity: sealed.count) { buffer, initialized in
            sealed.withUnsafeBufferPointer { sealed in
                guard let state = EVP_CIPHER_CTX_new(), let room = buffer.baseAddress, let source = sealed.baseAddress else {
                    return
                }
                defer { EVP_CIPHER_CTX_free(state) }
                var count: CInt = 0
                var rest: CInt = 0
                // As above; the tag is only read, whatever the type of the parameter says.
                let tag = UnsafeMutablePointer(mutating: source + length)
                isSound =
                    EVP_DecryptInit_ex(state, EVP_aes_256_gcm(), nil, key, nonce) == 1
                    && EVP_DecryptUpdate(state, nil, &count, context, CInt(context.count)) == 1
                    && EVP_DecryptUpdate(state, room, &count, source, CInt(length)) == 1
                    && EVP_CIPHER_CTX_ctrl(state, EVP_CTRL_AEAD_SET_TAG, CInt(Self.tagLength), tag) == 1
                    && EVP_DecryptFinal_ex(state, room + Int(count), &rest) == 1
                initialized = isSound ? length : 0
            }
        }
        return isSound ? result : nil
    }
}
