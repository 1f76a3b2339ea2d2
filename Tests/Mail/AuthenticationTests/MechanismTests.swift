import Authentication
import Passwords
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func client(_ mechanism: SASLMechanism, _ secret: SASLIdentity.Secret, user: String = "ada") -> SASLClient {
    SASLClient(
        mechanism: mechanism, identity: SASLIdentity(user: user, secret: secret), nonce: bytes("nonce"), functions: .libcrypto)
}

private func server(_ mechanism: SASLMechanism) throws -> SASLServer {
    try #require(SASLServer(mechanism: mechanism, nonce: bytes("nonce"), functions: .libcrypto))
}

@Suite("Names of mechanisms (RFC 4422 section 3.1)") struct MechanismNameTests {
    @Test func `case does not matter, and unknown names are nothing`() {
        #expect(SASLMechanism(name: bytes("plain")) == .plain)
        #expect(SASLMechanism(name: bytes("Scram-Sha-256")) == .scramSHA256)
        #expect(SASLMechanism(name: bytes("SCRAM-SHA-256-PLUS")) == nil)
        #expect(SASLMechanism(name: bytes("")) == nil)
        #expect(SASLMechanism(name: bytes("PLAIN" + String(repeating: "X", count: 10_000))) == nil)
    }

    @Test func `the strongest mechanism that fits the secret is chosen`() {
        let password = SASLIdentity(user: "a", secret: .password(bytes("x")))
        let token = SASLIdentity(user: "a", secret: .bearerToken(bytes("x")))
        #expect(SASLClient.choose(from: Set(SASLMechanism.allCases), for: password) == .scramSHA256)
        #expect(SASLClient.choose(from: [.login, .plain, .xoauth2], for: password) == .plain)
        #expect(SASLClient.choose(from: [.login, .xoauth2], for: password) == .login)
        #expect(SASLClient.choose(from: [.login, .plain], for: token) == nil)
        #expect(SASLClient.choose(from: [.xoauth2, .plain], for: token) == .xoauth2)
    }
}

@Suite("PLAIN (RFC 4616)") struct PlainTests {
    @Test func `the client says all in its initial response`() throws {
        var client = client(.plain, .password(bytes("tanstaaf tanstaaf")), user: "tim")
        #expect(try client.initialResponse() == bytes("\0tim\0tanstaaf tanstaaf"))
        try client.succeeded()
        #expect(throws: SASLFailure.unexpectedMessage) { try client.respond(to: []) }
    }

    @Test(arguments: [("a\0b", "x"), ("", "x"), ("a", "x\0y"), ("a", "")])
    func `the client refuses what the message cannot hold`(_ user: String, _ password: String) {
        var client = client(.plain, .password(bytes(password)), user: user)
        #expect(throws: SASLFailure.unacceptableName) { try client.initialResponse() }
    }

    @Test func `the server takes it with and without an initial response`() throws {
        let question = SASLServerStep.checkPassword(user: "tim", password: bytes("tanstaaf tanstaaf"))
        var direct = try server(.plain)
        #expect(direct.start(bytes("\0tim\0tanstaaf tanstaaf")) == question)
        #expect(direct.passwordChecked(true) == .succeeded(user: "tim"))
        var asked = try server(.plain)
        #expect(asked.start(nil) == .challenge([]))
        #expect(asked.respond(bytes("\0tim\0tanstaaf tanstaaf")) == question)
        #expect(asked.passwordChecked(false) == .failed(.wrongCredentials, user: "tim"))
    }

    @Test(arguments: [
        ("", SASLFailure.malformed, nil), ("tim", .malformed, nil), ("\0tim", .malformed, nil), ("\0tim\0a\0b", .malformed, nil),
        ("\0\0x", .unacceptableName, nil), ("\0tim\0", .malformed, "tim"), ("root\0tim\0x", .authorizationRefused, "tim"),
        ("\0t\u{7}m\0x", .unacceptableName, nil), ("\0t\nm\0x", .unacceptableName, nil),
    ] as [(String, SASLFailure, String?)])
    func `is refused`(_ message: String, because failure: SASLFailure, _ user: String?) throws {
        var server = try server(.plain)
        #expect(server.start(bytes(message)) == .failed(failure, user: user))
    }

    @Test func `a name that is no UTF-8 is refused`() throws {
        var server = try server(.plain)
        #expect(server.start([0, 0xFF, 0xC0, 0, 0x78]) == .failed(.unacceptableName, user: nil))
    }

    @Test func `lengths are bounded`() throws {
        func step(_ name: Int, _ password: Int) throws -> SASLServerStep {
            var server = try server(.plain)
            return server.start(
                [0] + Array(repeating: 0x61, count: name) + [0] + Array(repeating: 0x62, count: password))
        }
        func isQuestion(_ step: SASLServerStep) -> Bool { if case .checkPassword = step { true } else { false } }
        #expect(isQuestion(try step(SASLName.maximumLength, SASLName.maximumPasswordLength)))
        #expect(!isQuestion(try step(SASLName.maximumLength + 1, 1)))
        #expect(!isQuestion(try step(1, SASLName.maximumPasswordLength + 1)))
    }
}

@Suite("LOGIN (draft-murchison-sasl-login)") struct LoginTests {
    @Test func `the server prompts as clients expect it`() throws {
        var server = try server(.login)
        #expect(server.start(nil) == .challenge(bytes("Username:")))
        #expect(server.respond(bytes("ada")) == .challenge(bytes("Password:")))
        #expect(server.respond(bytes("secret")) == .checkPassword(user: "ada", password: bytes("secret")))
        #expect(server.passwordChecked(true) == .succeeded(user: "ada"))
    }

    @Test func `a name in the initial response saves a prompt`() throws {
        var server = try server(.login)
        #expect(server.start(bytes("ada")) == .challenge(bytes("Password:")))
    }

    @Test func `an empty name or password is refused`() throws {
        var name = try server(.login)
        _ = name.start(nil)
        #expect(name.respond([]) == .failed(.unacceptableName, user: nil))
        var password = try server(.login)
        _ = password.start(bytes("ada"))
        #expect(password.respond([]) == .failed(.malformed, user: "ada"))
    }

    @Test(arguments: ["Username:", "User Name", "", "VXNlcm5hbWU6"])
    func `the client does not care what the prompts say`(_ prompt: String) throws {
        var client = client(.login, .password(bytes("secret")))
        #expect(try client.initialResponse() == nil)
        #expect(try client.respond(to: bytes(prompt)) == bytes("ada"))
        #expect(throws: SASLFailure.unexpectedMessage) { try client.succeeded() }
        #expect(try client.respond(to: bytes(prompt)) == bytes("secret"))
        try client.succeeded()
        #expect(throws: SASLFailure.unexpectedMessage) { try client.respond(to: []) }
    }
}

@Suite("Bearer tokens (RFC 7628; XOAUTH2)") struct BearerTokenTests {
    @Test func `OAUTHBEARER begins as in RFC 7628 section 4.1`() throws {
        var client = client(.oauthBearer, .bearerToken(bytes("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")), user: "user@example.com")
        #expect(
            try client.initialResponse()
                == bytes("n,a=user@example.com,\u{1}auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u{1}\u{1}"))
        try client.succeeded()
    }

    @Test func `XOAUTH2 begins as its providers want it`() throws {
        var client = client(.xoauth2, .bearerToken(bytes("ya29.token")), user: "user@example.com")
        #expect(try client.initialResponse() == bytes("user=user@example.com\u{1}auth=Bearer ya29.token\u{1}\u{1}"))
    }

    @Test func `a refusal is answered before the reply, and told`() throws {
        var bearer = client(.oauthBearer, .bearerToken(bytes("x")))
        _ = try bearer.initialResponse()
        #expect(try bearer.respond(to: bytes("{\"status\":\"invalid_token\"}\n")) == [1])
        #expect(bearer.refusalDetails == "{\"status\":\"invalid_token\"}?")
        #expect(throws: SASLFailure.tokenRefused(details: "{\"status\":\"invalid_token\"}?")) { try bearer.succeeded() }
        #expect(throws: SASLFailure.unexpectedMessage) { try bearer.respond(to: []) }
        var other = client(.xoauth2, .bearerToken(bytes("x")))
        _ = try other.initialResponse()
        #expect(try other.respond(to: bytes("{}")) == [])
    }

    @Test(arguments: ["", "a b", "a\u{1}b", "ä"])
    func `a token that could change the message is refused`(_ token: String) {
        var client = client(.xoauth2, .bearerToken(bytes(token)))
        #expect(throws: SASLFailure.unacceptableName) { try client.initialResponse() }
    }

    @Test func `passwords and tokens are not mixed up, and the server speaks neither`() {
        var password = client(.xoauth2, .password(bytes("x")))
        #expect(throws: SASLFailure.unacceptableName) { try password.initialResponse() }
        var token = client(.plain, .bearerToken(bytes("x")))
        #expect(throws: SASLFailure.unacceptableName) { try token.initialResponse() }
        #expect(SASLServer(mechanism: .xoauth2, nonce: [], functions: .libcrypto) == nil)
        #expect(SASLServer(mechanism: .oauthBearer, nonce: [], functions: .libcrypto) == nil)
    }
}

@Suite("Preparation of names and passwords (RFC 4013)") struct PreparationTests {
    @Test(arguments: [
        ("user", "user"), ("USER", "USER"), ("I\u{AD}X", "IX"), ("a\u{A0}b", "a b"), ("a\u{3000}b", "a b"), ("", ""), ("ß€", "ß€"),
    ])
    func `is prepared`(_ text: String, to expected: String) throws {
        #expect(try SASLPreparation.prepared(bytes(text)) == bytes(expected))
    }

    @Test(arguments: ["\u{7}", "a\u{7F}", "\u{85}", "\u{202E}x", "\u{E000}", "\u{FFFD}", "\u{10FFFF}", "\u{FFFE}"])
    func `is prohibited`(_ text: String) {
        #expect(throws: SASLPreparation.Failure.prohibitedCharacter) { try SASLPreparation.prepared(bytes(text)) }
    }

    @Test func `what is no UTF-8 is refused`() {
        #expect(throws: SASLPreparation.Failure.notUTF8) { try SASLPreparation.prepared([0xC3]) }
        #expect(throws: SASLPreparation.Failure.notUTF8) { try SASLPreparation.prepared([0xED, 0xA0, 0x80]) }
    }
}
