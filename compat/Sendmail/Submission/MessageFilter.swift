import MailSyntax

/// Makes of what a program pipes into `sendmail` the message that is sent: streaming, whatever the length
/// of the message, and byte for byte but for what sendmail(8) lists.
///
/// Output lines end in LF. The pieces in which the input arrives make no difference.
package struct MessageFilter {
    /// What the message's surroundings say.
    package struct Settings: Hashable, Sendable {
        /// The host's mail name; completes bare addresses.
        package var domain: Domain
        /// A line of one dot is text.
        package var ignoresDots: Bool
        /// The header's recipients are wanted.
        package var collectsRecipients: Bool
        /// The values of the fields to be added where missing, without line ends.
        package var from: [UInt8]
        package var date: [UInt8]
        package var messageID: [UInt8]

        package init(
            domain: Domain, ignoresDots: Bool, collectsRecipients: Bool, from: [UInt8], date: [UInt8],
            messageID: [UInt8]
        ) {
            self.domain = domain
            self.ignoresDots = ignoresDots
            self.collectsRecipients = collectsRecipients
            self.from = from
            self.date = date
            self.messageID = messageID
        }
    }

    /// The longest header section taken, in bytes. Servers take a megabyte or less.
    package static let longestHeader = 4 << 20

    private enum Section {
        case header(HeaderEditor)
        case body(RecipientList)
    }

    private var lines: LineNormalizer
    private var section: Section
    /// A byte above 127 has been seen.
    package private(set) var isEightBit = false

    package init(_ settings: Settings) {
        lines = LineNormalizer(dotEnds: !settings.ignoresDots)
        section = .header(HeaderEditor(settings))
    }

    /// The recipients named in the header; nil until the header has ended.
    package var headerRecipients: RecipientList? {
        if case .body(let recipients) = section { recipients } else { nil }
    }

    /// The dot that ends the message was read: no more input is wanted.
    package var isEnded: Bool { lines.isEnded }

    /// Takes the first `count` bytes of `input`.
    ///
    /// - Throws: ``MessageError/headerTooLarge``; the message is then of no use.
    package mutating func take(
        _ input: [UInt8], count: Int, onto output: inout [UInt8]
    ) throws(MessageError) {
        if !isEightBit { isEightBit = input[..<count].contains { $0 >= 0x80 } }
        guard case .header = section else {
            lines.take(input, count: count, onto: &output)
            return
        }
        var text: [UInt8] = []
        lines.take(input, count: count, onto: &text)
        try takeHeader(text, onto: &output)
    }

    /// Takes the end of the input, or what came before the dot.
    package mutating func finish(onto output: inout [UInt8]) throws(MessageError) {
        var rest: [UInt8] = []
        lines.finish(onto: &rest)
        try takeHeader(rest, onto: &output)
        guard case .header(var editor) = section else { return }
        editor.finish(onto: &output)
        section = .body(editor.collected)
    }

    private mutating func takeHeader(_ text: [UInt8], onto output: inout [UInt8]) throws(MessageError) {
        guard case .header(var editor) = section else {
            output += text
            return
        }
        // Out of the property while it changes, so that what it holds is not copied.
        section = .body(RecipientList())
        if let body = try editor.take(text, onto: &output) {
            section = .body(editor.collected)
            output += text[body...]
        } else {
            section = .header(editor)
        }
    }
}

/// Why a message cannot be taken.
package enum MessageError: Error, Hashable, Sendable {
    /// Above ``MessageFilter/longestHeader``.
    case headerTooLarge
}

extension MessageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .headerTooLarge: "the header of the message is too large"
        }
    }
}
