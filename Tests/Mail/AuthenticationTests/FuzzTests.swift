import Authentication
import Passwords
import SeededTesting
import Testing

@Suite("Hostile messages of mechanisms") struct FuzzTests {
    @Test func `mutated exchanges end in an answer and never in a success`() throws {
        var random = SplitMix64(seed: 7)
        let keys = SCRAMKeys(decoyFor: "user", secret: [1], with: .libcrypto)
        let messages = [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "\0user\0pencil", "user",
            "c=biws,r=rOprNGfwEbeRWgbNEkqOnonce,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        ].map { Array($0.utf8) }
        for _ in 0..<6_000 {
            let mechanism = SASLServer.mechanisms.randomElement(using: &random) ?? .plain
            var server = try #require(SASLServer(mechanism: mechanism, nonce: Array("nonce".utf8), functions: .libcrypto))
            var step = server.start(Bool.random(using: &random) ? random.mutated(messages[0]) : nil)
            for _ in 0..<5 {
                switch step {
                case .challenge:
                    let message = messages.randomElement(using: &random) ?? []
                    step = server.respond(Bool.random(using: &random) ? message : random.mutated(message))
                case .checkPassword: step = server.passwordChecked(false)
                case .findKeys: step = server.keysFound(keys)
                case .succeeded: Issue.record("a client got in")
                case .failed: break
                }
            }
        }
    }

    @Test func `mutated answers of a server never trap and are never a success`() {
        var random = SplitMix64(seed: 8)
        let messages = [
            "r=nonceX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "{}",
        ].map { Array($0.utf8) }
        for round in 0..<3_000 {
            var client = SASLClient(
                mechanism: .scramSHA256, identity: SASLIdentity(user: "u", secret: .password([0x70])),
                nonce: Array("nonce".utf8), functions: .libcrypto)
            _ = try? client.initialResponse()
            for message in messages {
                // The whole of the first message costs 4096 hashes: seldom.
                _ = try? client.respond(to: round % 100 == 0 ? message : random.mutated(message))
            }
            #expect(throws: SASLFailure.self) { try client.succeeded() }
        }
    }

    @Test func `mutated stored passwords never trap`() {
        var random = SplitMix64(seed: 9)
        for _ in 0..<5_000 {
            let sample = StoredPasswordTests.samples.randomElement(using: &random) ?? ""
            let text = String(decoding: random.mutated(Array(sample.utf8)), as: UTF8.self)
            guard let stored = try? StoredPassword(parsing: text), stored.isQuick else { continue }
            _ = stored.scramKeys(salt: [], with: .libcrypto)
        }
    }
}
