import Authentication
import MailSyntax
import Passwords
import Testing

/// The exchange of RFC 7677 section 3.
private enum Example {
    static let clientNonce = Array("rOprNGfwEbeRWgbNEkqO".utf8)
    static let serverNonce = Array("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".utf8)
    static let clientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    static let serverFirst = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    static let clientFinal =
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    static let serverFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

    static let keys = SCRAMKeys(
        deriving: Array("pencil".utf8), salt: Base64.decoded(Array("W22ZaJ0SNY7soEsUEjb6gQ==".utf8)) ?? [], iterations: 4096,
        with: .libcrypto)

    static var client: SASLClient {
        SASLClient(
            mechanism: .scramSHA256, identity: SASLIdentity(user: "user", secret: .password(Array("pencil".utf8))),
            nonce: clientNonce, functions: .libcrypto)
    }

    static func server() throws -> SASLServer {
        try #require(SASLServer(mechanism: .scramSHA256, nonce: serverNonce, functions: .libcrypto))
    }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("SCRAM-SHA-256, the client (RFC 5802, RFC 7677)") struct SCRAMClientTests {
    @Test func `the exchange is that of RFC 7677 section 3`() throws {
        var client = Example.client
        #expect(try client.initialResponse() == bytes(Example.clientFirst))
        #expect(try client.respond(to: bytes(Example.serverFirst)) == bytes(Example.clientFinal))
        #expect(try client.respond(to: bytes(Example.serverFinal)) == [])
        try client.succeeded()
    }

    @Test func `a server that says well done without its proof is not believed`() throws {
        var client = Example.client
        _ = try client.initialResponse()
        #expect(throws: SASLFailure.serverNotProven) { try client.succeeded() }
        _ = try client.respond(to: bytes(Example.serverFirst))
        #expect(throws: SASLFailure.serverNotProven) { try client.succeeded() }
    }

    @Test(arguments: ["v=AAAA", "e=other-error", "", "v=", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="])
    func `a wrong proof of the server ends the exchange`(_ last: String) throws {
        var client = Example.client
        _ = try client.initialResponse()
        _ = try client.respond(to: bytes(Example.serverFirst))
        #expect(throws: SASLFailure.serverNotProven) { try client.respond(to: bytes(last)) }
    }

    @Test(arguments: [
        "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=somebodyelse,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096", "r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=", "r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=04096",
        "r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=-1", "r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=99999999999999999999", ",,,", "",
    ])
    func `a first message that does not go on from ours is refused`(_ first: String) throws {
        var client = Example.client
        _ = try client.initialResponse()
        #expect(throws: SASLFailure.malformed) { try client.respond(to: bytes(first)) }
    }

    @Test(arguments: [4095, 200_001])
    func `iterations are neither too few nor too many`(_ count: Int) throws {
        var client = Example.client
        _ = try client.initialResponse()
        #expect(throws: SASLFailure.iterationsOutOfRange(count)) {
            try client.respond(to: bytes("r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=\(count)"))
        }
    }

    @Test func `comma and equals sign of a name are escaped`() throws {
        var client = SASLClient(
            mechanism: .scramSHA256, identity: SASLIdentity(user: "a,b=c", secret: .password([0x78])), nonce: bytes("n"),
            functions: .libcrypto)
        #expect(try client.initialResponse() == bytes("n,,n=a=2Cb=3Dc,r=n"))
    }
}

@Suite("SCRAM-SHA-256, the server (RFC 5802, RFC 7677)") struct SCRAMServerTests {
    @Test func `the exchange is that of RFC 7677 section 3`() throws {
        var server = try Example.server()
        #expect(server.start(bytes(Example.clientFirst)) == .findKeys(user: "user"))
        #expect(server.keysFound(Example.keys) == .challenge(bytes(Example.serverFirst)))
        #expect(server.respond(bytes(Example.clientFinal)) == .challenge(bytes(Example.serverFinal)))
        #expect(server.respond([]) == .succeeded(user: "user"))
        #expect(server.respond([]) == .failed(.unexpectedMessage, user: nil))
    }

    @Test func `without an initial response the server asks with nothing`() throws {
        var server = try Example.server()
        #expect(server.start(nil) == .challenge([]))
        #expect(server.respond(bytes(Example.clientFirst)) == .findKeys(user: "user"))
    }

    @Test func `a wrong proof is refused and names the user`() throws {
        var server = try Example.server()
        _ = server.start(bytes(Example.clientFirst))
        _ = server.keysFound(Example.keys)
        let wrong = Example.clientFinal.replacing("p=dH", with: "p=dI")
        #expect(server.respond(bytes(wrong)) == .failed(.wrongCredentials, user: "user"))
    }

    @Test(arguments: ["c=eSws", "c=biwsx", "r=rOprNGfwEbeRWgbNEkqO,"])
    func `another channel binding or nonce is refused`(_ part: String) throws {
        var server = try Example.server()
        _ = server.start(bytes(Example.clientFirst))
        _ = server.keysFound(Example.keys)
        let final = part.hasPrefix("c=")
            ? Example.clientFinal.replacing("c=biws", with: part)
            : Example.clientFinal.replacing("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,", with: part)
        #expect(server.respond(bytes(final)) == .failed(.malformed, user: "user"))
    }

    @Test func `decoys are stable, look like keys, and fit no password`() throws {
        let secret = bytes("a secret of this process")
        let decoy = SCRAMKeys(decoyFor: "nobody", secret: secret, with: .libcrypto)
        #expect(decoy == SCRAMKeys(decoyFor: "nobody", secret: secret, with: .libcrypto))
        #expect(decoy.salt != SCRAMKeys(decoyFor: "nobodz", secret: secret, with: .libcrypto).salt)
        var server = try Example.server()
        _ = server.start(bytes(Example.clientFirst))
        _ = server.keysFound(decoy)
        #expect(server.respond(bytes(Example.clientFinal)) == .failed(.wrongCredentials, user: "user"))
    }

    @Test(arguments: [
        ("p=tls-unique,,n=user,r=x", SASLFailure.channelBindingNotOffered), ("", .malformed), ("n,,", .malformed),
        ("n,,n=,r=x", .malformed), ("n,,n=user", .malformed), ("n,,n=us=er,r=x", .malformed), ("n,,n=user,r=", .malformed),
        ("n,,m=x,n=user,r=x", .malformed), ("x,,n=user,r=x", .malformed), ("n,b=other,n=user,r=x", .malformed),
        ("n,,n=us\u{1}er,r=x", .unacceptableName),
    ])
    func `a first message is refused`(_ message: String, because failure: SASLFailure) throws {
        var server = try Example.server()
        #expect(server.start(bytes(message)) == .failed(failure, user: nil))
    }

    @Test func `a user may name itself as authorization, nobody else`() throws {
        var same = try Example.server()
        #expect(same.start(bytes("n,a=user,n=user,r=x")) == .findKeys(user: "user"))
        var other = try Example.server()
        #expect(other.start(bytes("n,a=root,n=user,r=x")) == .failed(.authorizationRefused, user: "user"))
    }

    @Test func `both sides agree on a password outside ASCII`() throws {
        let password = bytes("pässwört\u{A0}€")
        let prepared = try SASLPreparation.prepared(password)
        #expect(prepared == bytes("pässwört €"))
        let keys = SCRAMKeys(deriving: prepared, salt: [1, 2, 3], iterations: 4096, with: .libcrypto)
        var client = SASLClient(
            mechanism: .scramSHA256, identity: SASLIdentity(user: "ada@example.org", secret: .password(password)),
            nonce: Example.clientNonce, functions: .libcrypto)
        var server = try Example.server()
        #expect(server.start(try client.initialResponse()) == .findKeys(user: "ada@example.org"))
        guard case .challenge(let first) = server.keysFound(keys),
            case .challenge(let last) = server.respond(try client.respond(to: first))
        else {
            Issue.record("no challenge")
            return
        }
        #expect(server.respond(try client.respond(to: last)) == .succeeded(user: "ada@example.org"))
        try client.succeeded()
    }
}
