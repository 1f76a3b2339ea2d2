/// A hash function by name.
package enum HashAlgorithm: Hashable, Sendable, CaseIterable {
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
}

/// The cryptography that this room needs, as a value: whoever uses it brings an implementation.
package struct HashFunctions: Sendable {
    /// The hash of octets, ``HashAlgorithm/length`` long.
    package let hash: @Sendable (HashAlgorithm, _ message: [UInt8]) -> [UInt8]
    /// HMAC (RFC 2104).
    package let authenticate: @Sendable (HashAlgorithm, _ key: [UInt8], _ message: [UInt8]) -> [UInt8]
    /// PBKDF2 with HMAC, one hash long (RFC 8018 section 5.2), which SCRAM calls Hi. Iterations are at least 1.
    package let derive: @Sendable (HashAlgorithm, _ password: [UInt8], _ salt: [UInt8], _ iterations: Int) -> [UInt8]
    /// Equality in a time that tells nothing about where the two differ.
    package let areEqual: @Sendable ([UInt8], [UInt8]) -> Bool

    package init(
        hash: @escaping @Sendable (HashAlgorithm, [UInt8]) -> [UInt8],
        authenticate: @escaping @Sendable (HashAlgorithm, [UInt8], [UInt8]) -> [UInt8],
        derive: @escaping @Sendable (HashAlgorithm, [UInt8], [UInt8], Int) -> [UInt8],
        areEqual: @escaping @Sendable ([UInt8], [UInt8]) -> Bool
    ) {
        self.hash = hash
        self.authenticate = authenticate
        self.derive = derive
        self.areEqual = areEqual
    }
}
