import Envelopes
import MailSyntax

/// The `Received` field that this server puts on top of a message (RFC 5321 section 4.4).
///
/// Nothing in it can end its line or begin another field, whatever the client, its resolver or its
/// parameters said.
package struct TraceHeader: Hashable, Sendable {
    package var transaction: Transaction
    /// The client used EHLO.
    package var isExtended: Bool
    /// The message's id in the queue.
    package var identifier: String
    /// Named only when it is the one recipient: else it would tell them of each other.
    package var soleRecipient: MailAddress?
    package var date: MailDate
    /// Leaves the client out.
    package var masksSource: Bool
    /// What secured the channel; nil in clear.
    package var channel: ChannelSecurity?
    /// Says whether the client authenticated, and as whom; over TLS only.
    package var recordsAuthentication: Bool
    /// A filter took the message for spam: the field `X-Spam: Yes` comes first.
    package var isJunk: Bool

    package init(
        transaction: Transaction, isExtended: Bool, identifier: String, soleRecipient: MailAddress?, date: MailDate,
        masksSource: Bool, channel: ChannelSecurity? = nil, recordsAuthentication: Bool = false,
        isJunk: Bool = false
    ) {
        self.transaction = transaction
        self.isExtended = isExtended
        self.identifier = identifier
        self.soleRecipient = soleRecipient
        self.date = date
        self.masksSource = masksSource
        self.channel = channel
        self.recordsAuthentication = recordsAuthentication
        self.isJunk = isJunk
    }

    /// The fields with their line ends, which are LF.
    package var bytes: [UInt8] {
        var text = isJunk ? "X-Spam: Yes\n" : ""
        text += "Received: "
        if !masksSource {
            text += "from \(Self.word(transaction.helo)) (\(Self.word(transaction.reverseName)) \(source))\n\t"
        }
        text += "by \(Self.word(transaction.serverName)) (Martlet) with \(protocolName) id \(Self.word(identifier))"
        if let channel { text += " (\(Self.word(channel.text)))" }
        text += authentication
        if let soleRecipient { text += "\n\tfor <\(soleRecipient.text)>" }
        text += ";\n\t\(date.text)\n"
        return Array(text.utf8)
    }

    private var authentication: String {
        guard recordsAuthentication, transaction.usesTLS else { return "" }
        guard transaction.isAuthenticated else { return " auth=no" }
        return " auth=yes" + (transaction.user.map { " user=\(Self.word($0))" } ?? "")
    }

    private var source: String {
        switch transaction.source {
        case .local: "[local]"
        case .network(.v4(let value)): "[\(IPAddress.v4(value))]"
        case .network(.v6(let high, let low)): "[IPv6:\(IPAddress.v6(high: high, low: low))]"
        }
    }

    /// RFC 3848, RFC 6531 section 4.3.
    private var protocolName: String {
        let secured = (transaction.usesTLS ? "S" : "") + (transaction.isAuthenticated ? "A" : "")
        if transaction.needsUTF8 { return "UTF8SMTP" + secured }
        return (isExtended ? "ESMTP" : "SMTP") + secured
    }

    /// Text of others as one word that holds neither white space nor the beginning of a comment.
    private static func word(_ text: String) -> String {
        String(
            decoding: text.utf8.map { byte in
                switch byte {
                case 0x00...0x20, 0x7F, UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\\"): UInt8(ascii: "?")
                default: byte
                }
            }, as: UTF8.self)
    }
}
