import MailSyntax

/// One of the things an alias or a line of a .forward file expands to (aliases(5), forward(5)).
///
/// The text is data of an administrator or a user, never of a client. Whether an item is allowed where
/// it stands is decided by whoever expands: includes, for instance, only from an alias.
package enum ExpansionItem: Hashable, Sendable {
    /// `error:CODE text`: refuse the recipient with this reply, 400 to 599.
    case error(code: UInt16, text: String)
    /// `:include:/path`: a file of further items.
    case include(String)
    /// `|command`, without the bar.
    case pipe(String)
    /// `/path`, an mbox to append to.
    case file(String)
    case address(MailAddress)
    /// A name to expand further, in lower case.
    case user(String)

    package enum SyntaxError: Error, Hashable, Sendable {
        case unbalancedQuote
        case trailingBackslash
        /// Nothing between the commas.
        case noItem
        case tooLong
        /// An item that is none of the forms.
        case unknownForm(String)

        /// Words for a log line, with the item made printable.
        package var reason: String {
            switch self {
            case .unbalancedQuote: "quote without its end"
            case .trailingBackslash: "backslash at the end"
            case .noItem: "no item"
            case .tooLong: "item too long"
            case .unknownForm(let item): "not an address, user, file, command, include or error: \(printable(item))"
            }
        }
    }

    /// Bytes of one item; a path or a command of that length is already beyond what the system takes.
    package static let maximumLength = 4096

    /// Reads a comma list. Empty items are skipped.
    ///
    /// - Throws: for the first bad item, and ``SyntaxError/noItem`` when there is none at all: a value
    ///   is taken as a whole or not at all, so that no part of a list gets lost.
    package static func list(_ value: some Collection<UInt8>) throws(SyntaxError) -> [ExpansionItem] {
        var items: [ExpansionItem] = []
        for part in try split(Array(value)) {
            items.append(try ExpansionItem(part))
        }
        guard !items.isEmpty else { throw .noItem }
        return items
    }

    package static func list(_ value: String) throws(SyntaxError) -> [ExpansionItem] { try list(value.utf8) }

    /// The items between commas that are outside quotes and not behind a backslash, trimmed, as written.
    ///
    /// A single quote inside a word opens nothing: it is the apostrophe of `o'brien@example.org`.
    private static func split(_ bytes: [UInt8]) throws(SyntaxError) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        var quote: UInt8?
        var isEscaped = false
        var previous = UInt8(ascii: ",")
        for (index, byte) in bytes.enumerated() {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if let open = quote {
                if byte == open { quote = nil }
            } else if byte == UInt8(ascii: "\"") || (byte == UInt8(ascii: "'") && !isAtomText(previous)) {
                quote = byte
            } else if byte == UInt8(ascii: ",") {
                parts.append(trimmed(bytes[start..<index]))
                start = index + 1
            }
            previous = byte
        }
        guard quote == nil else { throw .unbalancedQuote }
        guard !isEscaped else { throw .trailingBackslash }
        parts.append(trimmed(bytes[start...]))
        return parts.filter { !$0.isEmpty }
    }
}

/// Text for a log line: everything but printable ASCII and whole UTF-8 characters becomes `?`.
func printable(_ text: String) -> String {
    String(decoding: text.utf8.prefix(128).map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
}
