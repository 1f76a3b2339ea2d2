import MailSyntax

/// One delivery of one message: for whom, and by which action.
///
/// What it shares with the message's other envelopes is in ``Transaction``; what changes between
/// attempts is in ``DeliveryHistory``.
package struct Envelope: Hashable, Sendable {
    package let id: EnvelopeID
    /// The address the client gave in RCPT; it never changes.
    package var recipient: MailAddress
    /// The address after aliases and forwarding: where the message goes.
    package var destination: MailAddress
    /// The name of the action that will deliver it, looked up in the running configuration.
    package var action: String
    package var kind: Kind
    package var created: Timestamp
    /// Seconds after ``created`` when it expires.
    package var timeToLive: Int64
    /// RFC 3461 NOTIFY, nil when the client did not say.
    package var notify: NotifyOptions?
    /// RFC 3461 ORCPT as `type;xtext`, already checked.
    package var originalRecipient: [UInt8]?

    package enum Kind: Hashable, Sendable {
        /// To a mailbox, file or program of this machine (type `mda` in listings).
        case local(LocalDelivery)
        /// To another host (type `mta`).
        case relay
        /// A report to the sender that this server still has to write (type `bounce`).
        case bounce(BounceKind)
    }

    package init(
        id: EnvelopeID, recipient: MailAddress, destination: MailAddress, action: String, kind: Kind,
        created: Timestamp, timeToLive: Int64, notify: NotifyOptions? = nil, originalRecipient: [UInt8]? = nil
    ) {
        self.id = id
        self.recipient = recipient
        self.destination = destination
        self.action = action
        self.kind = kind
        self.created = created
        self.timeToLive = timeToLive
        self.notify = notify
        self.originalRecipient = originalRecipient
    }

    /// When it is given up.
    package var expiry: Timestamp { created + timeToLive }
}

/// A final step on this machine, found by expansion.
package struct LocalDelivery: Hashable, Sendable {
    /// The user whose mailbox it is and as whom the delivery runs; nil for a pipe or file reached from
    /// an alias, which runs as the daemon's user.
    package var user: String?
    /// The part after the sub-address delimiter, nil for none.
    package var subaddress: String?
    package var method: Method

    package enum Method: Hashable, Sendable {
        /// What the action says: mbox, maildir, lmtp or a command.
        case action
        /// `|command` from an alias or a .forward file.
        case pipe(String)
        /// `/path` from an alias or a .forward file, an mbox to append to.
        case file(String)
    }

    package init(user: String?, subaddress: String? = nil, method: Method = .action) {
        self.user = user
        self.subaddress = subaddress
        self.method = method
    }
}

/// What a report to the sender says (RFC 3464 section 2.3.3).
package enum BounceKind: Hashable, Sendable {
    case failed
    /// Still being tried; the seconds are the `bounce warn-interval` that has passed.
    case delayed(after: Int64)
    /// A success report that NOTIFY=SUCCESS asked for.
    case delivered
    /// The same where the next server does not tell what becomes of it (RFC 3461 section 5.2.2).
    case relayed
}

/// What has happened to an envelope so far; changes with every attempt.
package struct DeliveryHistory: Hashable, Sendable {
    package var attempts: UInt32
    package var lastAttempt: Timestamp?
    /// When the last delay notice was sent.
    package var lastNotice: Timestamp?
    /// The reason of the last failure as one printable line, empty for none.
    package var lastError: String
    package var isSuspended: Bool

    package init(
        attempts: UInt32 = 0, lastAttempt: Timestamp? = nil, lastNotice: Timestamp? = nil,
        lastError: String = "", isSuspended: Bool = false
    ) {
        self.attempts = attempts
        self.lastAttempt = lastAttempt
        self.lastNotice = lastNotice
        self.lastError = lastError
        self.isSuspended = isSuspended
    }
}

/// What became of one attempt.
package enum DeliveryOutcome: Hashable, Sendable {
    /// Handed on; the text is the last word of who took it.
    case delivered(String)
    case temporary(DeliveryFailure)
    case permanent(DeliveryFailure)
    /// The message has been here before.
    case loop
}

/// Why an attempt failed, in words for the log, the listing and the report.
package struct DeliveryFailure: Error, Hashable, Sendable {
    /// An enhanced status code (RFC 3463) such as `4.2.2`.
    package var status: String
    /// One printable line.
    package var text: String

    package init(status: String, text: String) {
        self.status = status
        self.text = text
    }
}
