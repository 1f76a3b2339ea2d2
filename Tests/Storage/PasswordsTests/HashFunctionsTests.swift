import Authentication
import Passwords
import Testing

@Suite("Hash functions as mechanisms take them") struct HashFunctionsTests {
    @Test func `each name stands for the hash of its length`() {
        for algorithm in HashAlgorithm.allCases {
            #expect(HashFunctions.libcrypto.hash(algorithm, []).count == algorithm.length)
            #expect(HashFunctions.libcrypto.authenticate(algorithm, [1], [2]).count == algorithm.length)
            #expect(HashFunctions.libcrypto.derive(algorithm, [1], [2], 1).count == algorithm.length)
        }
    }

    @Test func `key and message are not taken for each other (RFC 4231 section 4.3)`() {
        let code = HashFunctions.libcrypto.authenticate(.sha256, Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(code.prefix(4) == [0x5B, 0xDC, 0xC1, 0x46])
    }
}
