import SMTPProtocol

/// What one filter of a chain decides in one phase (smtpd-filters(7)).
package enum FilterDecision: Hashable, Sendable {
    /// The next filter of the chain is asked, and behind the last one the server goes on.
    case proceed
    /// No further filter is asked in this phase, and the server goes on.
    case bypass
    /// The message, or before MAIL every message of the session, is marked; no further filter is asked.
    case junk
    /// The server goes on with this argument in place of the client's; no further filter is asked.
    case rewrite([UInt8])
    /// The client gets this reply.
    case reject(Reply)
    /// The client gets this reply, and the connection is closed.
    case disconnect(Reply)
    /// A report with this text is given to the filters of the session. `endsChain` when no further one is asked.
    case report([UInt8], endsChain: Bool)
}
