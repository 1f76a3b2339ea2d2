import COpenSSL

/// A hash function of libcrypto, and what is built on it: HMAC and PBKDF2.
///
/// The room knows octets and algorithms, no keys of anybody and no protocol. TLS has a room of its own.
package enum Digest: Hashable, Sendable, CaseIterable {
    case md5, sha1, sha256, sha512

    /// Octets of a hash.
    package var length: Int {
        switch self {
        case .md5: 16
        case .sha1: 20
        case .sha256: 32
        case .sha512: 64
        }
    }

    /// A static object of the library, or nil: a provider in FIPS mode does not have all of them.
    private var method: OpaquePointer? {
        switch self {
        case .md5: unsafe EVP_md5()
        case .sha1: unsafe EVP_sha1()
        case .sha256: unsafe EVP_sha256()
        case .sha512: unsafe EVP_sha512()
        }
    }

    /// The hash of octets.
    package func hash(_ message: [UInt8]) -> [UInt8] {
        filled { out, count in
            // Both buffers live through the call, and the output has the room of the largest hash.
            unsafe EVP_Digest(message, message.count, out, &count, method, nil) == 1
        }
    }

    /// HMAC (RFC 2104).
    package func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        filled { out, count in
            guard let length = Int32(exactly: key.count) else { return false }
            // As above.
            return unsafe HMAC(method, key, length, message, message.count, out, &count) != nil
        }
    }

    /// PBKDF2 with HMAC, one hash long (RFC 8018 section 5.2). Its time grows with the iterations, of which
    /// there is at least one.
    package func derive(_ password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        precondition(iterations >= 1, "a key is derived with at least one iteration")
        return filled { out, count in
            guard let passwordLength = Int32(exactly: password.count), let saltLength = Int32(exactly: salt.count),
                let rounds = Int32(exactly: iterations)
            else { return false }
            count = UInt32(length)
            // As above. CChar and UInt8 are the same octets.
            return unsafe password.withUnsafeBytes { password in
                unsafe PKCS5_PBKDF2_HMAC(
                    password.baseAddress?.assumingMemoryBound(to: CChar.self), passwordLength, salt, saltLength, rounds,
                    method, Int32(length), out) == 1
            }
        }
    }

    /// Runs a call that fills a buffer with one hash.
    ///
    /// Trap instead of error: with octets in memory and a known algorithm the calls fail only when the library
    /// is broken or memory is gone, and a hash that is not one must not be compared with anything.
    private func filled(_ call: (UnsafeMutablePointer<UInt8>?, inout UInt32) -> Bool) -> [UInt8] {
        var count: UInt32 = 0
        let result = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, initialized in
            // The base address is not nil, for the capacity is not zero.
            initialized = unsafe call(buffer.baseAddress, &count) ? length : 0
        }
        precondition(result.count == length && Int(count) == length, "libcrypto gave no hash")
        return result
    }
}

/// Octets that nobody can guess, from libcrypto's generator, which the kernel seeds.
package func cryptographicRandom(_ count: Int) -> [UInt8] {
    let result = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        // The buffer has the room.
        initialized = unsafe RAND_bytes(buffer.baseAddress, Int32(count)) == 1 ? count : 0
    }
    precondition(result.count == count, "libcrypto gave no random octets")
    return result
}

/// Equality in a time that depends on the lengths only.
package func areEqualInConstantTime(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    // Both buffers hold the count of octets that is compared.
    a.count == b.count && (unsafe CRYPTO_memcmp(a, b, a.count)) == 0
}
