/// The words that are never strings unless quoted, for each grammar (smtpd.conf(5)).
enum ReservedWords {
    static func contains(_ word: String, in generation: Generation) -> Bool {
        switch generation {
        case .accept: accept.contains(word)
        case .match: match.contains(word)
        }
    }

    static let accept: Set<String> = [
        "accept", "alias", "any", "as", "auth", "auth-optional", "backup", "bounce-warn", "ca", "certificate",
        "compression", "deliver", "dhparams", "domain", "encryption", "expire", "filter", "filterchain", "for",
        "forward-only", "from", "hostname", "hostnames", "include", "inet4", "inet6", "key", "limit", "listen",
        "lmtp", "local", "maildir", "mask-source", "max-message-size", "max-mta-deferred", "mbox", "mda", "mta",
        "on", "pki", "port", "queue", "recipient", "reject", "relay", "scheduler", "secure", "sender", "smtps",
        "source", "table", "tag", "tagged", "tls", "tls-require", "to", "userbase", "verify", "via", "virtual",
    ]

    static let match: Set<String> = [
        "action", "admd", "alias", "any", "auth", "auth-optional", "backup", "bounce", "bypass", "ca", "cert",
        "chain", "chroot", "ciphers", "commit", "compression", "connect", "data", "data-line", "dhe", "disconnect",
        "domain", "ehlo", "encryption", "expand-only", "fcrdns", "filter", "for", "forward-only", "from", "group",
        "helo", "helo-src", "host", "hostname", "hostnames", "include", "inet4", "inet6", "junk", "key", "limit",
        "listen", "lmtp", "local", "mail-from", "maildir", "mask-src", "masquerade", "match", "max-deferred",
        "max-message-size", "mbox", "mda", "mta", "mx", "no-dsn", "no-verify", "noop", "on", "phase", "pki", "port",
        "proc", "proc-exec", "protocols", "proxy-v2", "queue", "quit", "rcpt-to", "rdns", "received-auth",
        "recipient", "regex", "reject", "relay", "report", "rewrite", "rewrite-from", "rset", "scheduler", "senders", "smtp",
        "smtp-in", "smtp-out", "smtps", "socket", "src", "srs", "starttls", "sub-addr-delim", "table", "tag", "tls",
        "tls-require", "ttl", "user", "userbase", "verify", "virtual", "vrfy", "warn-interval", "wrapper",
    ]
}
