import Configuration
import MailSyntax

/// What makes two envelopes share a relay, and with it connections and transactions: where they go, and the
/// options of the action that sends them.
package struct RelayKey: Hashable, Sendable {
    package var destination: RelayDestination
    /// All options, since each of them shapes what is said to the server. Two actions with the same options
    /// share relays.
    package var action: RelayAction

    package init(destination: RelayDestination, action: RelayAction) {
        self.destination = destination
        self.action = action
    }

    /// How the connection must be protected.
    package var security: TransportSecurity { TransportSecurity(destination, action.tls) }

    /// Where the credentials are: the action's table and the label of the relay URL; nil when nobody logs in.
    package var credentials: CredentialsReference? {
        guard case .smarthost(let url) = destination, let label = url.label, let table = action.auth else { return nil }
        return CredentialsReference(table: table, label: label, tokens: action.tokens)
    }
}

/// A key of a credentials table, and what is there.
package struct CredentialsReference: Hashable, Sendable {
    package var table: String
    package var label: String
    /// Nil for a password.
    package var tokens: RelayAction.TokenSource?

    package init(table: String, label: String, tokens: RelayAction.TokenSource? = nil) {
        self.table = table
        self.label = label
        self.tokens = tokens
    }
}

/// Where a relay sends.
package enum RelayDestination: Hashable, Sendable {
    /// The mail exchangers of a domain, in lower case; or an address literal in brackets.
    case domain(String)
    /// A host the operator named. No MX lookup, no check for ourselves.
    case smarthost(RelayURL)

    /// The name that `mta limit for domain` and listings go by: the domain, or the host of the URL.
    package var name: String {
        switch self {
        case .domain(let name): name
        case .smarthost(let url): url.host
        }
    }

    package var port: UInt16 {
        switch self {
        case .domain: 25
        case .smarthost(let url): url.port
        }
    }

    package var isLMTP: Bool {
        switch self {
        case .domain: false
        case .smarthost(let url): url.scheme == .lmtp
        }
    }

    package var isSmarthost: Bool {
        switch self {
        case .domain: false
        case .smarthost: true
        }
    }
}

/// What TLS a connection must, may or must not have.
package enum TransportSecurity: Hashable, Sendable {
    /// Plain text; STARTTLS is not even tried.
    case never
    /// STARTTLS when it is offered, the certificate unchecked; plain text when it is not offered or fails.
    case opportunistic
    /// STARTTLS, or no mail.
    case startTLS(verified: Bool)
    /// TLS from the first octet.
    case implicit(verified: Bool)
    /// `tls` was asked for on a URL whose scheme has none. Nothing is sent.
    case contradictory

    /// The scheme of the URL says whether there is TLS, and the action whether that is not enough or too much:
    /// `tls` demands it where the scheme leaves it open, and `tls no-verify` takes the check away that the
    /// schemes with certain TLS bring along.
    package init(_ destination: RelayDestination, _ policy: RelayAction.TLSPolicy) {
        let scheme: RelayURL.Scheme =
            switch destination {
            case .domain: .smtp
            case .smarthost(let url): url.scheme
            }
        switch (scheme, policy) {
        case (.smtp, .opportunistic): self = .opportunistic
        case (.smtp, .required): self = .startTLS(verified: false)
        case (.smtp, .verified): self = .startTLS(verified: true)
        case (.smtpTLS, .required): self = .startTLS(verified: false)
        case (.smtpTLS, .opportunistic), (.smtpTLS, .verified): self = .startTLS(verified: true)
        case (.smtps, .required): self = .implicit(verified: false)
        case (.smtps, .opportunistic), (.smtps, .verified): self = .implicit(verified: true)
        case (.smtpNoTLS, .opportunistic), (.lmtp, .opportunistic): self = .never
        case (.smtpNoTLS, .required), (.smtpNoTLS, .verified), (.lmtp, .required), (.lmtp, .verified):
            self = .contradictory
        }
    }
}
