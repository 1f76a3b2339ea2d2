import Authentication
import MailSyntax

/// What a client session takes from its route.
package struct ClientSettings: Sendable {
    package var kind: Kind
    /// What is said in EHLO, HELO or LHLO.
    package var helo: Domain
    package var startTLS = StartTLS.never
    /// TLS protects the connection from its first octet.
    package var isProtected = false
    /// Who to log in as; nil for nobody.
    package var login: ClientLogin?

    package enum Kind: Hashable, Sendable {
        case smtp
        /// LHLO, and a reply for each recipient behind the data (RFC 2033).
        case lmtp
    }

    package enum StartTLS: Hashable, Sendable {
        case never
        /// In clear where the server does not offer it, or refuses.
        case whenOffered
        case required
    }

    package init(kind: Kind, helo: Domain) {
        self.kind = kind
        self.helo = helo
    }
}

/// Name and secret for a server, and what mechanisms need to prove them.
package struct ClientLogin: Sendable {
    package var identity: SASLIdentity
    /// As ``Authentication/SASLClient`` wants it; for one session only.
    package var nonce: [UInt8]
    package var functions: HashFunctions

    package init(identity: SASLIdentity, nonce: [UInt8], functions: HashFunctions) {
        self.identity = identity
        self.nonce = nonce
        self.functions = functions
    }
}
