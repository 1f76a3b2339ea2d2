import Tables

/// What a rule does with a message it accepts.
package struct Action: Hashable, Sendable {
    package var name: String
    package var kind: Kind
    /// Seconds; nil means ``QueueSettings/timeToLive``.
    package var timeToLive: Int64?

    package enum Kind: Hashable, Sendable {
        case local(LocalAction)
        case relay(RelayAction)
    }

    package init(name: String, kind: Kind, timeToLive: Int64? = nil) {
        self.name = name
        self.kind = kind
        self.timeToLive = timeToLive
    }
}

package struct LocalAction: Hashable, Sendable {
    package var method: Method
    /// `user NAME`: run as this user whoever the mail is for.
    package var user: String?
    package var aliases: String?
    package var virtual: String?
    package var userbase = SystemUsers.table
    /// The command template of `wrapper NAME`.
    package var wrapper: String?
    /// 5.4 grammar: every exit status but 0 is a temporary failure.
    package var everyFailureIsTemporary = false

    package enum Method: Hashable, Sendable {
        case mbox
        /// The path template, nil for `~/Maildir`; `junk` files mail marked as spam into `.Junk`.
        case maildir(String?, junk: Bool)
        /// `host:port` or an absolute socket path; RCPT is the user or the expanded address.
        case lmtp(String, usesRecipientAddress: Bool)
        /// A command template for the shell.
        case command(String)
        /// Expansion must end in other addresses, else a temporary failure.
        case forwardOnly
        /// Expansion must lead on, else a permanent failure.
        case expandOnly
    }

    package init(method: Method) { self.method = method }
}

package struct RelayAction: Hashable, Sendable {
    package var helo: String?
    package var heloNames: String?
    package var keyPair: String?
    package var authority: String?
    package var ciphers: String?
    package var protocols: String?
    package var sources: String?
    /// `mail-from` or `as`: a full address, a bare user, or `@domain`.
    package var sender: String?
    /// `rewrite-from`: the one address that a server takes, in envelope and header.
    package var rewriting: SenderRewriting?
    package var backup: Backup?
    package var hosts: Hosts?
    package var tls: TLSPolicy = .opportunistic
    /// The credentials table.
    package var auth: String?
    /// `oauth`: what ``auth`` holds are no passwords.
    package var tokens: TokenSource?
    package var filter: FilterReference?
    package var usesSRS = false

    /// Where an access token of OAuth 2.0 comes from.
    package enum TokenSource: Hashable, Sendable {
        /// The secret in the credentials table is the token.
        case table
        /// A command prints it, given the secret; run as a user, nil for the daemon's own.
        case command(String, user: String?)
    }

    package enum SenderRewriting: Hashable, Sendable {
        /// Everybody becomes this address.
        case address(String)
        /// A table from sender to address; who is not in it stays.
        case table(String)
    }

    package enum Backup: Hashable, Sendable {
        /// Lower preferences than this server's name.
        case ownName
        case named(String)
    }

    package enum Hosts: Hashable, Sendable {
        /// A table of relay URLs, fetched in turn.
        case smarthosts(String)
        /// A table from domain to relay URL.
        case byDomain(String)
    }

    package enum TLSPolicy: UInt8, Hashable, Sendable {
        /// As the relay URL says: STARTTLS when offered, unless its scheme demands more.
        case opportunistic = 1
        /// Required, certificate not checked.
        case required
        /// Required and verified.
        case verified
    }

    package init() {}
}
