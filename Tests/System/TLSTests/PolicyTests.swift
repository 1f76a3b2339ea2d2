import EventLoop
import LoopTesting
import Testing

@testable import TLS

@Suite("Protocols and ciphers") struct PolicyTests {
    @Test(arguments: [
        ("tlsv1.2", TLSVersions.v1_2), ("tlsv1.3", .v1_3), ("tlsv1.2,tlsv1.3", .all), ("TLSv1.2 : TLSv1.3", .all),
        ("all", .all), ("default", .all), ("secure", .all), ("legacy", .all), ("!tlsv1.3", .v1_2), ("all:!tlsv1.2", .v1_3),
        ("!tlsv1.0,!tlsv1.1", .all),
    ])
    func `a list of protocols`(_ list: String, _ expected: TLSVersions) throws {
        #expect(try TLSVersions(parsing: list) == expected)
    }

    @Test(arguments: [
        ("tlsv1.1", TLSSetupFailure.oldProtocol("tlsv1.1")), ("sslv3,tlsv1.2", .oldProtocol("sslv3")),
        ("tlsv1.4", .unknownProtocol("tlsv1.4")), ("", .noProtocols("")), ("all,!all", .noProtocols("all,!all")),
        (",:,", .noProtocols(",:,")), ("!", .unknownProtocol("")),
    ])
    func `a list that cannot be served`(_ list: String, _ expected: TLSSetupFailure) {
        #expect(throws: expected) { try TLSVersions(parsing: list) }
    }

    @Test func `lists of octets of any kind are read or refused`() {
        var generator = SplitMix64(seed: 7)
        let words = ["all", "tlsv1.2", "!", ",", ":", " ", "tlsv1.3", "\u{FC}", "x"]
        for _ in 0..<3_000 {
            let list = (0..<Int.random(in: 0...9, using: &generator)).map { _ in words.randomElement(using: &generator) ?? "" }
            _ = try? TLSVersions(parsing: list.joined())
        }
    }

    @Test(arguments: ["AES256-SHA256", "ADH-AES256-GCM-SHA384", "nonsense", "NULL", "RC4", "kRSA"])
    func `a list without a cipher that keeps secrets secret is refused`(_ list: String) async throws {
        let failure = try await onLoop {
            do {
                _ = try ServerSide(["mail"], ciphers: list)
                return nil as TLSSetupFailure?
            } catch {
                return error as? TLSSetupFailure
            }
        }
        #expect(failure == .noCiphers(list))
    }

    @Test(arguments: [
        (nil, nil), ("ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"), ("ALL", nil), ("secure", nil), ("compat", nil),
        ("legacy", nil), ("all", nil), ("HIGH:!aNULL:!MD5", nil),
    ])
    func `lists of TLS 1.2, each with an exchange of keys that are used once`(_ list: String?, _ cipher: String?) async throws {
        let meeting = try await onLoop {
            let (server, client) = try streams()
            return await meet(
                server, try ServerSide(["mail"], ciphers: list, versions: .v1_2).context, client, try clientContext(ciphers: "ALL"))
        }
        let facts = try #require(meeting.facts, "\(meeting)").server
        #expect(facts.cipher.hasPrefix("ECDHE-"))
        if let cipher { #expect(facts.cipher == cipher) }
    }

    @Test func `suites of TLS 1.3 have names of their own in the same list`() async throws {
        let meeting = try await onLoop {
            let (server, client) = try streams()
            return await meet(
                server, try ServerSide(["mail"], ciphers: "TLS_CHACHA20_POLY1305_SHA256:HIGH").context, client, try clientContext())
        }
        #expect(try #require(meeting.facts, "\(meeting)").server.cipher == "TLS_CHACHA20_POLY1305_SHA256")
    }

    @Test(arguments: [(TLSIdentity.FiniteFields.none, false), (.automatic, true)])
    func `finite fields are offered when asked for`(_ fields: TLSIdentity.FiniteFields, _ isOffered: Bool) async throws {
        let meeting = try await onLoop {
            let (server, client) = try streams()
            return await meet(
                server, try ServerSide(["mail"], versions: .v1_2, fields: fields).context, client,
                try clientContext(ciphers: "DHE-RSA-AES256-GCM-SHA384"))
        }
        #expect((meeting.facts != nil) == isOffered, "\(meeting)")
    }
}

/// Numbers that a seed determines.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
