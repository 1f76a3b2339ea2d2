/// Every limit of an SMTP session, in one place.
package struct SessionLimits: Hashable, Sendable {
    /// Octets of a command line with its line end. RFC 5321 section 4.5.3.1.4 asks for 512; the
    /// extensions offered add to it.
    package var commandLine = 2_048
    /// Octets of a line of AUTH with its line end (RFC 4954 section 4.5).
    package var authenticationLine = 12_288
    /// Failed attempts to authenticate; this one ends the session.
    package var authenticationFailures = 5
    /// Octets of a text line with its line end. RFC 5321 section 4.5.3.1.6 asks for 1,000; a longer line
    /// is kept whole up to here, and above it the message is refused.
    package var textLine = 65_535
    /// Octets of a message, line ends counted as one, without the dots that stuffing adds (RFC 1870).
    package var messageSize: Int64 = 35 * 1_048_576
    /// Octets of a message's header section.
    package var headerSize = 1_048_576
    /// Octets of one address field that are held to complete its addresses; a longer one passes unchanged.
    package var addressField = 65_536
    /// `Received` fields from which on a message is taken to run in circles (RFC 5321 section 6.3).
    package var receivedFields = 100
    /// Accepted recipients of one transaction.
    package var recipients = 1_000
    /// Transactions of one session.
    package var mails = 100
    /// Commands refused for their syntax or their order; the next one ends the session.
    package var badCommands = 20
    /// Recipients refused with a 5yz reply, in all transactions; the next one ends the session.
    package var refusedRecipients = 50
    /// Commands that bring no mail nearer since the last message; the next one ends the session.
    package var idleCommands = 100
    /// Characters of an ENVID value (RFC 3461 section 4.4).
    package var envelopeIdentifier = 100
    /// Characters of an ORCPT value (RFC 3461 section 4.2).
    package var originalRecipient = 500
    /// Seconds the server waits for the client (RFC 5321 section 4.5.3.2.7). The driver owns the timer, and
    /// winds it up when ``ServerSession/progress`` has changed: octets that make no command, or a message that
    /// drips in, do not keep a session alive.
    package var idleSeconds: Int64 = 300
    /// Octets of content within ``idleSeconds`` that count as progress.
    package var contentStep: Int64 = 30_000

    package init() {}
}
