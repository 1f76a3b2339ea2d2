import Envelopes
import MailSyntax
import SMTPProtocol

/// What is known of a session and its transaction when a filter is asked: everything that a condition can compare, and
/// that a filter of another protocol may want to be told.
package struct FilterFacts: Hashable, Sendable {
    /// Names the session: 16 hexadecimal digits in text.
    package var session: UInt64
    package var client: ClientIdentity
    /// Our address, at which the client came in; nil for the Unix socket.
    package var localAddress: IPAddress?
    /// Our port there.
    package var localPort: UInt16 = 0
    /// What the server calls itself to this client.
    package var serverName: String
    /// What secures the channel; nil in clear.
    package var channel: ChannelSecurity?
    /// What the client said in HELO or EHLO; empty before.
    package var helo: String = ""
    /// Who the client proved to be with AUTH.
    package var user: String?
    /// The sender of the transaction under way, or the one being asked about.
    package var sender: ReversePath?
    /// The recipient being asked about, in phase rcpt-to.
    package var recipient: MailAddress?
    /// The message's id in the queue, in a transaction.
    package var message: MessageID?

    package init(session: UInt64, client: ClientIdentity, serverName: String) {
        self.session = session
        self.client = client
        self.serverName = serverName
    }
}
