import Configuration
import Testing

@testable import Routing

@Suite("TLS of a relay (smtpd.conf(5), relay URL)") struct TransportSecurityTests {
    @Test(arguments: [
        ("smtp://h", RelayAction.TLSPolicy.opportunistic, TransportSecurity.opportunistic),
        ("smtp://h", .required, .startTLS(verified: false)),
        ("smtp://h", .verified, .startTLS(verified: true)),
        ("smtp+tls://h", .opportunistic, .startTLS(verified: true)),
        ("smtp+tls://h", .required, .startTLS(verified: false)),
        ("smtp+tls://h", .verified, .startTLS(verified: true)),
        ("smtps://h", .opportunistic, .implicit(verified: true)),
        ("smtps://h", .required, .implicit(verified: false)),
        ("smtp+notls://h", .opportunistic, .never),
        ("smtp+notls://h", .required, .contradictory),
        ("lmtp://h:24", .opportunistic, .never),
        ("lmtp://h:24", .verified, .contradictory),
    ])
    func `is what scheme and action say together`(
        _ url: String, _ policy: RelayAction.TLSPolicy, _ expected: TransportSecurity
    ) throws {
        #expect(TransportSecurity(.smarthost(try RelayURL(parsing: url)), policy) == expected)
    }

    @Test func `of a domain's exchangers is opportunistic unless the action demands more`() {
        #expect(TransportSecurity(.domain("example.org"), .opportunistic) == .opportunistic)
        #expect(TransportSecurity(.domain("example.org"), .required) == .startTLS(verified: false))
        #expect(TransportSecurity(.domain("example.org"), .verified) == .startTLS(verified: true))
    }
}
