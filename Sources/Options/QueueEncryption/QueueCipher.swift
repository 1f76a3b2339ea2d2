import Cryptography
import Platform
import QueueStorage

/// Encryption of the queue: AES-256-GCM, every payload under a key of its own.
///
/// A payload is 28 random octets, the ciphertext, and the tag. The first 16 of the random octets make, with the key
/// of the queue, the key of the payload (HMAC-SHA-256); the other 12 are the nonce.
///
/// Nonces never repeat: two payloads would have to draw the same 28 octets, which for 2^64 payloads under one key
/// has a chance below 2^-96. Nothing is counted, so neither a crash, a restored backup, nor a copy of the spool on a
/// second machine can count twice; and since a key of a payload is used once, GCM's bounds on the use of a key, and
/// on random nonces of 96 bits, do not come near.
package struct QueueCipher: PayloadCipher {
    private static let saltLength = 16
    private static let keyLabel = Array("martlet queue payload 1".utf8)
    private static let identifierLabel = Array("martlet queue key identifier 1".utf8)

    private let key: SecretKey
    package let identifier: UInt64

    package init(_ key: SecretKey) {
        self.key = key
        let name = key.authenticate(Self.identifierLabel).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        // Zero stands for no key.
        identifier = max(name, 1)
    }

    package func seal(_ payload: [UInt8], context: [UInt8]) -> [UInt8] {
        let random = cryptographicRandom(Self.saltLength + AuthenticatedEncryption.nonceLength)
        let cipher = payloadCipher(random[..<Self.saltLength])
        return random + cipher.seal(payload, nonce: Array(random[Self.saltLength...]), context: context)
    }

    package func open(_ bytes: ArraySlice<UInt8>, context: [UInt8]) -> [UInt8]? {
        let start = bytes.startIndex + Self.saltLength
        let sealed = start + AuthenticatedEncryption.nonceLength
        guard bytes.count >= Self.saltLength + AuthenticatedEncryption.nonceLength else { return nil }
        return payloadCipher(bytes[..<start]).open(bytes[sealed...], nonce: Array(bytes[start..<sealed]), context: context)
    }

    private func payloadCipher(_ salt: ArraySlice<UInt8>) -> AuthenticatedEncryption {
        AuthenticatedEncryption(key: key.authenticate(Self.keyLabel + salt))
    }
}
