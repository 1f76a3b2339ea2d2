import Cryptography
import Testing

private func octets(_ hexadecimal: String) -> [UInt8] {
    var digits = Substring(hexadecimal)
    var result: [UInt8] = []
    while digits.count >= 2 {
        result.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
        digits = digits.dropFirst(2)
    }
    return result
}

@Suite("Hashes of libcrypto (FIPS 180-4, RFC 1321, RFC 4231, RFC 8018)") struct DigestTests {
    @Test(arguments: [
        (Digest.md5, "900150983cd24fb0d6963f7d28e17f72"),
        (.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            .sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
    ])
    func `abc has the hash of the standard`(_ digest: Digest, _ expected: String) {
        #expect(digest.hash(Array("abc".utf8)) == octets(expected))
        #expect(digest.length * 2 == expected.count)
    }

    @Test func `no octets have a hash too`() {
        #expect(Digest.sha1.hash([]) == octets("da39a3ee5e6b4b0d3255bfef95601890afd80709"))
    }

    @Test func `HMAC is that of RFC 4231, also with a key longer than a block`() {
        let short = Digest.sha256.authenticate(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(short == octets("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"))
        let long = Digest.sha256.authenticate(
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8), key: Array(repeating: 0xAA, count: 131))
        #expect(long == octets("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"))
    }

    @Test func `HMAC takes an empty key`() {
        #expect(
            Digest.sha256.authenticate([], key: [])
                == octets("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"))
    }

    @Test func `PBKDF2 is that of RFC 6070`() {
        #expect(
            Digest.sha1.derive(Array("password".utf8), salt: Array("salt".utf8), iterations: 4096)
                == octets("4b007901b765489abead49d926f721d065a429c1"))
        #expect(
            Digest.sha1.derive(Array("password".utf8), salt: Array("salt".utf8), iterations: 1)
                == octets("0c60c80f961f0e71f3a9b524af6012062fe037a6"))
    }

    @Test func `equality asks for every octet and the length`() {
        #expect(areEqualInConstantTime([], []))
        #expect(areEqualInConstantTime([1, 2, 3], [1, 2, 3]))
        #expect(!areEqualInConstantTime([1, 2, 3], [1, 2, 4]))
        #expect(!areEqualInConstantTime([1, 2, 3], [1, 2]))
    }

    @Test func `random octets come in the number asked for and differ`() {
        #expect(cryptographicRandom(0).isEmpty)
        #expect(cryptographicRandom(32).count == 32)
        #expect(cryptographicRandom(32) != cryptographicRandom(32))
    }
}
