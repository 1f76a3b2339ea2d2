import Envelopes
import MailSyntax

/// What rules ask about: one recipient of one transaction, and the address it has become on the way.
package struct RuleSubject: Hashable, Sendable {
    package var source: ClientSource
    /// Nil when the client's address has no name.
    package var reverseName: String?
    package var helo: String
    package var tag: String
    package var isAuthenticated: Bool
    /// The name the client authenticated as.
    package var user: String?
    package var usesTLS: Bool
    /// The address was made by this server: a bounce, or found in an alias or a .forward file.
    package var isInternal: Bool
    package var sender: ReversePath
    /// The address of RCPT.
    package var recipient: MailAddress
    /// The address under expansion, at first the same.
    package var destination: MailAddress

    package init(
        source: ClientSource, reverseName: String? = nil, helo: String, tag: String = "",
        isAuthenticated: Bool = false, user: String? = nil, usesTLS: Bool = false, isInternal: Bool = false,
        sender: ReversePath, recipient: MailAddress
    ) {
        self.source = source
        self.reverseName = reverseName
        self.helo = helo
        self.tag = tag
        self.isAuthenticated = isAuthenticated
        self.user = user
        self.usesTLS = usesTLS
        self.isInternal = isInternal
        self.sender = sender
        self.recipient = recipient
        self.destination = recipient
    }

    package init(_ transaction: Transaction, recipient: MailAddress) {
        self.init(
            source: transaction.source,
            reverseName: Self.noNames.contains(transaction.reverseName) ? nil : transaction.reverseName,
            helo: transaction.helo, tag: transaction.tag, isAuthenticated: transaction.isAuthenticated,
            user: transaction.user, usesTLS: transaction.usesTLS, isInternal: transaction.isInternal,
            sender: transaction.sender, recipient: recipient)
    }

    /// How a transaction writes that there is no reverse name.
    private static let noNames: Set<String> = ["", "<unknown>"]
}
