/// The ways to authenticate that this server or its client side speaks (RFC 4422).
///
/// Start reading at ``SASLClient`` for mail that leaves and at ``SASLServer`` for clients that come in. The
/// room knows messages of mechanisms and forms of stored passwords; it knows neither SMTP's framing of them
/// nor where passwords come from, and takes hash functions as a value.
package enum SASLMechanism: String, CaseIterable, Hashable, Sendable {
    /// Name and password in one message (RFC 4616).
    case plain = "PLAIN"
    /// Name and password in two (draft-murchison-sasl-login), for clients that know nothing better.
    case login = "LOGIN"
    /// Challenge and response; the server's side needs no password (RFC 5802, RFC 7677). Without channel binding.
    case scramSHA256 = "SCRAM-SHA-256"
    /// A bearer token as Google and Microsoft take it; client side only.
    case xoauth2 = "XOAUTH2"
    /// A bearer token (RFC 7628); client side only.
    case oauthBearer = "OAUTHBEARER"

    /// The mechanism of a name, in any case of letters (RFC 4954 section 4); nil for one not spoken here.
    package init?(name: some Collection<UInt8>) {
        // No name of a mechanism is longer (RFC 4422 section 3.1).
        guard name.count <= 20 else { return nil }
        let capitals = name.map { $0 >= 0x61 && $0 <= 0x7A ? $0 - 0x20 : $0 }
        guard let known = Self(rawValue: String(decoding: capitals, as: UTF8.self)) else { return nil }
        self = known
    }

    package var name: String { rawValue }
}
