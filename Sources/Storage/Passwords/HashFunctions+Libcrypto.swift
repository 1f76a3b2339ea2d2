import Authentication
import Cryptography

extension HashFunctions {
    /// The hash functions of libcrypto, for mechanisms and stored passwords.
    package static let libcrypto = HashFunctions(
        hash: { Digest($0).hash($1) },
        authenticate: { Digest($0).authenticate($2, key: $1) },
        derive: { Digest($0).derive($1, salt: $2, iterations: $3) },
        areEqual: { areEqualInConstantTime($0, $1) })
}

extension Digest {
    fileprivate init(_ algorithm: HashAlgorithm) {
        switch algorithm {
        case .md5: self = .md5
        case .sha1: self = .sha1
        case .sha256: self = .sha256
        case .sha512: self = .sha512
        }
    }
}
