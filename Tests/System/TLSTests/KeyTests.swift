import CTLS
import Glibc
import Platform
import ServerTesting
import Testing

@testable import TLS

@Suite("Private keys: what they sign, and for whom") struct KeyTests {
    private static let digestInfo: [UInt8] =
        [0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20]
        + [UInt8](repeating: 0xA5, count: 32)

    @Test func `an RSA key signs encoded digests`() throws {
        let key = try TestCertificates.shared.get().key("mail")
        #expect(key.sign(.rsaPKCS1(Self.digestInfo))?.count == 256)
    }

    @Test func `a key signs again and again, padded and to be padded in turn, and always the same`() throws {
        let certificates = try TestCertificates.shared.get()
        let key = try certificates.key("mail")
        let block = try Self.pssBlock()
        let padded = try #require(try certificates.key("mail").sign(.rsaPKCS1(Self.digestInfo)))
        let plain = try #require(try certificates.key("mail").sign(.rsaBlock(block)))
        for _ in 0..<3 {
            #expect(key.sign(.rsaBlock(block)) == plain)
            #expect(key.sign(.rsaPKCS1(Self.digestInfo)) == padded)
            #expect(key.sign(.rsaPKCS1([1])) == nil)
        }
    }

    /// A digest as EMSA-PSS encodes it for a key of 2048 bits (RFC 8017 section 9.1.1).
    private static func pssBlock() throws -> [UInt8] {
        let salt = [UInt8](repeating: 7, count: 32)
        let hash = try PEM.digest(of: [UInt8](repeating: 0, count: 8) + [UInt8](repeating: 0xA5, count: 32) + salt)
        let mask = try (0..<7).flatMap { try PEM.digest(of: hash + [0, 0, 0, $0]) }
        let data = [UInt8](repeating: 0, count: 190) + [1] + salt
        var block = zip(data, mask).map { $0 ^ $1 } + hash + [0xBC]
        block[0] &= 0x7F
        return block
    }

    @Test func `no two signatures with a curve's key are made of the same secret number`() throws {
        let key = try TestCertificates.shared.get().key("curve")
        let digest = [UInt8](repeating: 1, count: 32)
        let signatures = (0..<50).map { _ in key.sign(.ecdsa(digest)) ?? [] }
        // The number shows as the first half of a signature, so that all differ in it (FIPS 186-5 section 6.4).
        let halves = signatures.map { Array($0.dropFirst(4).prefix(32)) }
        #expect(Set(halves).count == 50 && signatures.allSatisfy { $0.count > 60 })
    }

    @Test func `and nothing that is no digest`() throws {
        let key = try TestCertificates.shared.get().key("mail")
        var other = Self.digestInfo
        other[14] = 9
        for octets in [[], [1], Array(Self.digestInfo.dropLast()), Self.digestInfo + [0], other, [UInt8](repeating: 0, count: 51)] {
            #expect(key.sign(.rsaPKCS1(octets)) == nil)
        }
        #expect(key.sign(.ecdsa([UInt8](repeating: 1, count: 32))) == nil)
    }

    @Test func `a block that is no PSS, such as something to decrypt, is not touched`() throws {
        let key = try TestCertificates.shared.get().key("mail")
        var generator = SplitMix64(seed: 1)
        for _ in 0..<2_000 {
            var block = (0..<256).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            block[0] &= 0x7F
            block[255] = 0xBC
            #expect(key.sign(.rsaBlock(block)) == nil)
        }
        #expect(key.sign(.rsaBlock([])) == nil)
        #expect(key.sign(.rsaBlock([UInt8](repeating: 0xBC, count: 255))) == nil)
    }

    @Test func `PSS blocks of other sizes are judged without harm`() {
        var generator = SplitMix64(seed: 2)
        for bits in [0, 1, 1024, 1025, 2041, 2047, 2048, 16384, 16385] {
            for length in [0, 1, 33, 65, 66, 128, 129, 2048, 2049] {
                let block = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
                #expect(!martlet_is_pss_block(block, block.count, CInt(bits)))
            }
        }
    }

    @Test func `a curve's key signs digests alone`() throws {
        let key = try TestCertificates.shared.get().key("curve")
        let signature = try #require(key.sign(.ecdsa([UInt8](repeating: 1, count: 32))))
        #expect(signature.first == 0x30 && signature.count <= 72)
        for count in [0, 19, 65, 1_000] { #expect(key.sign(.ecdsa([UInt8](repeating: 1, count: count))) == nil) }
        #expect(key.sign(.rsaPKCS1(Self.digestInfo)) == nil)
        #expect(key.sign(.rsaBlock([UInt8](repeating: 1, count: 256))) == nil)
    }

    @Test func `the public key is that of the certificate`() throws {
        let certificates = try TestCertificates.shared.get()
        #expect(try certificates.key("mail").publicKey == certificates.chain("mail").publicKey)
        #expect(try certificates.key("mail").publicKey != certificates.chain("curve").publicKey)
        #expect(try !certificates.key("mail").publicKey.isEmpty)
    }

    @Test func `an encrypted key wants its passphrase, and decrypted it is the same`() throws {
        let certificates = try TestCertificates.shared.get()
        let place = certificates.path("locked.key")
        try openssl("pkey -in \(certificates.path("mail.key")) -aes256 -passout pass:sesame -out \(place)")
        func read(_ passphrase: String?) throws -> PrivateKey {
            let pem = try SecretBytes(contentsOf: try Files.open(place, O_RDONLY), limit: 65_536)
            guard let passphrase else { return try PrivateKey(pem: pem) }
            return try Array(passphrase.utf8).withUnsafeBytes { try PrivateKey(pem: pem, passphrase: $0) }
        }
        #expect(throws: PrivateKeyFailure.encrypted) { try read(nil) }
        #expect(throws: PrivateKeyFailure.wrongPassphrase) { try read("open") }
        #expect(throws: PrivateKeyFailure.wrongPassphrase) { try read(String(repeating: "x", count: 5_000)) }
        let key = try read("sesame")
        #expect(try key.publicKey == certificates.chain("mail").publicKey)
        let plain = try key.decryptedPEM()
        #expect(try PrivateKey(pem: plain).publicKey == key.publicKey)
    }

    @Test func `what is no key, or none that can be kept elsewhere, is refused by reason`() throws {
        let certificates = try TestCertificates.shared.get()
        try openssl("genpkey -algorithm ed25519 -out \(certificates.path("edwards.key"))")
        #expect(throws: PrivateKeyFailure.unsupported) { try certificates.key("edwards") }
        try certificates.scratch.write("none.key", "hello\n")
        do {
            _ = try certificates.key("none")
            Issue.record("a key was found")
        } catch PrivateKeyFailure.malformed {}
        try openssl(
            "req -x509 -key \(certificates.path("edwards.key")) -days 1 -subj /CN=e -out \(certificates.path("edwards.pem"))")
        #expect(throws: TLSSetupFailure.unsupportedKey) { try certificates.chain("edwards") }
    }

    @Test func `damaged certificates are refused, whatever the damage`() throws {
        let good = try TestCertificates.shared.get().pem("mail")
        #expect(throws: TLSSetupFailure.noCertificate) { try CertificateChain(pem: []) }
        #expect(throws: TLSSetupFailure.noCertificate) { try CertificateChain(pem: Array("hello".utf8)) }
        #expect(throws: TLSSetupFailure.noCertificate) { try TrustedCertificates(pem: Array("# none\n".utf8)) }
        var generator = SplitMix64(seed: 3)
        for _ in 0..<2_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: .min ... .max, using: &generator)
            }
            if Bool.random(using: &generator) { bytes.removeSubrange(Int.random(in: 0..<bytes.count, using: &generator)...) }
            if let chain = try? CertificateChain(pem: bytes) { _ = chain.names }
        }
    }

    @Test func `secret octets are read whole or refused`() throws {
        let certificates = try TestCertificates.shared.get()
        try certificates.scratch.write("secret", "12345")
        let file = try Files.open(certificates.path("secret"), O_RDONLY)
        let secret = try SecretBytes(contentsOf: file, limit: 5)
        #expect(Array(secret.bytes) == Array("12345".utf8))
        do {
            _ = try SecretBytes(contentsOf: file, limit: 4)
            Issue.record("five octets where four are allowed")
        } catch {
            #expect(error.code == EFBIG)
        }
    }
}
