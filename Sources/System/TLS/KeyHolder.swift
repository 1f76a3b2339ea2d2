import EventLoop

/// What is to be signed with a private key that a certificate names, in the forms that TLS 1.2 and 1.3 use.
package enum SignatureInput: Hashable, Sendable {
    /// An encoded digest that has still to be padded (RSASSA-PKCS1-v1_5, RFC 8017 section 8.2).
    case rsaPKCS1([UInt8])
    /// A block of the key's size that is padded already (RSASSA-PSS, RFC 8017 section 8.1).
    case rsaBlock([UInt8])
    /// A digest.
    case ecdsa([UInt8])
}

/// Whoever has the private keys: in this server a process of its own.
@EventLoopActor package protocol KeyHolder: AnyObject {
    /// Signs with the key of a number; nil when it does not. May take as long as it takes.
    func sign(_ input: SignatureInput, withKey number: UInt32) async -> [UInt8]?
}
