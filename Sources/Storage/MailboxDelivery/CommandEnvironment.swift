import MailSyntax

/// The environment of a delivery command: exactly the variables it is promised, none of ours.
///
/// The addresses came from the net and reach scripts through these variables. One that needs no quotes is
/// passed as it is; what else an address can hold becomes `:`, as does a leading `-`, which a program would
/// take for an option.
package struct CommandEnvironment {
    package var sender: ReversePath
    /// The address of RCPT.
    package var recipient: MailAddress
    /// The address after expansion.
    package var destination: MailAddress
    package var user: String
    package var home: String
    package var subaddress: String?

    package init(
        sender: ReversePath, recipient: MailAddress, destination: MailAddress, user: String, home: String,
        subaddress: String?
    ) {
        self.sender = sender
        self.recipient = recipient
        self.destination = destination
        self.user = user
        self.home = home
        self.subaddress = subaddress
    }

    /// `NAME=value` each.
    package var variables: [String] {
        var result = [
            "PATH=/usr/bin:/bin",
            "SHELL=/bin/sh",
            "HOME=\(home)",
            "USER=\(user)",
            "LOGNAME=\(user)",
            "SENDER=\(sender.address.map(Self.text) ?? "")",
            "RECIPIENT=\(Self.text(destination))",
            "ORIGINAL_RECIPIENT=\(Self.text(recipient))",
            "LOCAL=\(Self.harmless(recipient.localPart.bytes))",
            "DOMAIN=\(Self.harmless(recipient.domain.bytes))",
        ]
        if let subaddress { result.append("EXTENSION=\(Self.harmless(Array(subaddress.utf8)))") }
        return result
    }

    private static func text(_ address: MailAddress) -> String {
        harmless(address.localPart.bytes) + "@" + harmless(address.domain.bytes)
    }

    private static func harmless(_ bytes: [UInt8]) -> String {
        var result = bytes.map { byte in
            isAtomText(byte) || ".[]:".utf8.contains(byte) ? byte : UInt8(ascii: ":")
        }
        if result.first == UInt8(ascii: "-") { result[0] = UInt8(ascii: ":") }
        return String(decoding: result, as: UTF8.self)
    }
}
