import MailSyntax

/// Who hands a message in: what becomes the envelope sender, and the From field where there is none.
package struct SubmissionSender: Hashable, Sendable {
    /// The envelope sender.
    package let reversePath: ReversePath
    /// The value of a From field to be added, without its line end.
    package let fromField: [UInt8]

    /// Works out the sender.
    ///
    /// The environment and the From field have no say: bounces go to the user whom the kernel names, or
    /// where `-f` says.
    ///
    /// - Parameters:
    ///   - user: The login of the real user id.
    ///   - realName: The gecos field of the password file, empty for none.
    ///   - domain: The host's mail name.
    /// - Throws: ``UsageError/invalidSender(_:)`` when `-f` is not one address, or holds a control character.
    package init(
        options: SubmissionOptions, user: [UInt8], realName: [UInt8], domain: Domain
    ) throws(UsageError) {
        let login: MailAddress
        do throws(AddressSyntaxError) {
            login = MailAddress(try LocalPart(validating: user), at: domain)
        } catch {
            throw .invalidSender(user)
        }
        reversePath =
            if let given = options.sender { try Self.reversePath(given, domain: domain) } else { .mailbox(login) }
        let name = options.fullName ?? Self.fullName(realName: realName, user: user)
        fromField = Self.mailbox(name, reversePath.address ?? login)
    }

    private static func reversePath(_ given: [UInt8], domain: Domain) throws(UsageError) -> ReversePath {
        guard given.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw .invalidSender(given) }
        let bare = given.filter { $0 != 0x20 }
        if bare.isEmpty || bare == Array("<>".utf8) { return .null }
        let (mailboxes, errors) = AddressListParser.addresses(in: given, defaultDomain: domain)
        guard mailboxes.count == 1, errors.isEmpty, let mailbox = mailboxes.first else { throw .invalidSender(given) }
        return .mailbox(mailbox)
    }

    /// The gecos field up to its first comma, `&` standing for the login with a capital letter.
    static func fullName(realName: [UInt8], user: [UInt8]) -> [UInt8] {
        var capitalised = user
        if let first = user.first, first >= 0x61, first <= 0x7A { capitalised[0] = first & ~0x20 }
        return realName.prefix { $0 != UInt8(ascii: ",") }.flatMap { $0 == UInt8(ascii: "&") ? capitalised : [$0] }
    }

    /// The longest name that is written; more than any person's, and what is beyond it is cut.
    private static let longestName = 256

    /// `name <address>`, the name quoted or encoded so that the whole is exactly one address.
    static func mailbox(_ name: [UInt8], _ address: MailAddress) -> [UInt8] {
        let words = name.prefix(longestName).map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }
            .split(separator: 0x20)
        let phrase = Array(words.joined(separator: [0x20]))
        if phrase.isEmpty { return address.bytes }
        let written: [UInt8]
        if phrase.contains(where: { $0 >= 0x80 }) {
            written = encodedWords(phrase)
        } else if phrase.allSatisfy({ isAtomText($0) || $0 == 0x20 }), !phrase.starts(with: Array("=?".utf8)) {
            written = phrase
        } else {
            let quoted = phrase.flatMap { byte -> [UInt8] in
                byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") ? [UInt8(ascii: "\\"), byte] : [byte]
            }
            written = [UInt8(ascii: "\"")] + quoted + [UInt8(ascii: "\"")]
        }
        return written + Array(" <".utf8) + address.bytes + Array(">".utf8)
    }

    /// The phrase in the Q encoding (RFC 2047 section 4.2), in words of at most 75 characters of which none
    /// ends within a character of UTF-8.
    private static func encodedWords(_ phrase: [UInt8]) -> [UInt8] {
        let isUTF8 = String(validating: phrase, as: UTF8.self) != nil
        let start = Array((isUTF8 ? "=?UTF-8?Q?" : "=?unknown-8bit?Q?").utf8)
        let room = 75 - start.count - 2
        var result = start
        var used = 0
        var index = 0
        while index < phrase.count {
            var end = index + 1
            while isUTF8, end < phrase.count, phrase[end] & 0xC0 == 0x80 { end += 1 }
            let character = phrase[index..<end].flatMap(encoded)
            if used + character.count > room {
                result += Array("?=\n ".utf8) + start
                used = 0
            }
            result += character
            used += character.count
            index = end
        }
        return result + Array("?=".utf8)
    }

    private static func encoded(_ byte: UInt8) -> [UInt8] {
        if isASCIIAlphanumeric(byte) { return [byte] }
        if byte == 0x20 { return [UInt8(ascii: "_")] }
        let digits = Array("0123456789ABCDEF".utf8)
        return [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}
