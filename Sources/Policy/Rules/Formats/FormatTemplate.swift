import Configuration
import MailSyntax

/// A path or command of the configuration with format specifiers: `%{token[range]:modifier|modifier}`.
///
/// `%%` is a percent sign, a `%` before anything but `{` is itself, and `~/` at the very beginning is
/// the home directory. Read once, when the configuration is; expanded for each delivery by
/// ``expand(_:for:)``.
package struct FormatTemplate: Hashable, Sendable {
    let parts: [Part]
    let generation: Generation

    /// Bytes between the braces.
    package static let maximumTokenLength = 127
    /// Bytes of an expanded template.
    package static let maximumLength = 1023

    enum Part: Hashable, Sendable {
        case literal([UInt8])
        case specifier(Specifier)
    }

    struct Specifier: Hashable, Sendable {
        var token: Token
        var range: ByteRange?
        var modifiers: [Modifier] = []
    }

    package enum Token: String, Hashable, Sendable, CaseIterable {
        case sender
        case senderUser = "sender.user"
        case senderDomain = "sender.domain"
        case recipient = "rcpt"
        case recipientUser = "rcpt.user"
        case recipientDomain = "rcpt.domain"
        case destination = "dest"
        case destinationUser = "dest.user"
        case destinationDomain = "dest.domain"
        case userName = "user.username"
        case userDirectory = "user.directory"
        /// The sender as a mailbox's separator line has it.
        case mboxFrom = "mbox.from"
        /// The command inside a wrapper.
        case command = "mda"
    }

    enum Modifier: String, Hashable, Sendable {
        case lowercase, uppercase
        /// Without the sub-address.
        case strip
        /// Without replacement of special characters.
        case raw
    }

    /// `[i]`, `[i:j]`, `[i:]`, `[:j]`.
    struct ByteRange: Hashable, Sendable {
        var begin: Int
        var end: End
        enum End: Hashable, Sendable {
            /// `[i]`: one byte.
            case single
            case open
            /// The last byte taken; negative counts from the end, `-1` leaving one byte out.
            case last(Int)
        }
    }

    package enum FormatError: Error, Hashable, Sendable {
        /// `%{` without `}`.
        case unterminated
        case tokenTooLong
        case unknownToken(String)
        case unknownModifier(String)
        case malformedRange(String)
        /// A range that begins beyond the end of a value.
        case rangeBeyondEnd(Token)
        /// An empty value, which the 5.4 generation does not take.
        case emptyValue(Token)
        /// A value of which nothing is left that may stand in a path, or one that no command may hold.
        case unsafeValue(Token)
        case tooLong
    }

    package init(_ text: String, generation: Generation = .match) throws(FormatError) {
        var bytes = Array(text.utf8)[...]
        var parts: [Part] = []
        if bytes.starts(with: Array("~/".utf8)) {
            parts.append(.specifier(Specifier(token: .userDirectory)))
            bytes = bytes.dropFirst()
        }
        var literal: [UInt8] = []
        let percent = UInt8(ascii: "%")
        while let byte = bytes.popFirst() {
            if byte == percent, bytes.first == percent {
                bytes.removeFirst()
                literal.append(percent)
            } else if byte == percent, bytes.first == UInt8(ascii: "{") {
                guard let end = bytes.firstIndex(of: UInt8(ascii: "}")) else { throw .unterminated }
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = []
                let inside = bytes[(bytes.startIndex + 1)..<end]
                parts.append(.specifier(try Self.specifier(inside, generation: generation)))
                bytes = bytes[(end + 1)...]
            } else {
                literal.append(byte)
            }
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.parts = parts
        self.generation = generation
    }

    private static func specifier(
        _ bytes: ArraySlice<UInt8>, generation: Generation
    ) throws(FormatError) -> Specifier {
        guard bytes.count <= maximumTokenLength else { throw .tokenTooLong }
        var rest = bytes
        var range: ByteRange?
        let name = rest.prefix { $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: ":") }
        rest = rest[name.endIndex...]
        if rest.first == UInt8(ascii: "[") {
            guard let close = rest.firstIndex(of: UInt8(ascii: "]")) else { throw .malformedRange(text(rest)) }
            range = try self.range(rest[(rest.startIndex + 1)..<close])
            rest = rest[(close + 1)...]
        }
        let word = text(ArraySlice(name.map(asciiLowercased)))
        guard let token = Token(rawValue: word), generation == .match || (token != .mboxFrom && token != .command) else {
            throw .unknownToken(text(name))
        }
        var specifier = Specifier(token: token, range: range)
        guard let colon = rest.first else { return specifier }
        guard colon == UInt8(ascii: ":") else { throw .malformedRange(text(rest)) }
        for part in rest.dropFirst().split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false) {
            guard let modifier = Modifier(rawValue: text(ArraySlice(part.map(asciiLowercased)))) else {
                throw .unknownModifier(text(part))
            }
            specifier.modifiers.append(modifier)
        }
        return specifier
    }

    private static func range(_ bytes: ArraySlice<UInt8>) throws(FormatError) -> ByteRange {
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        func number(_ part: ArraySlice<UInt8>) throws(FormatError) -> Int {
            guard part.count <= 6, let value = Int(text(part)) else { throw .malformedRange(text(bytes)) }
            return value
        }
        guard let first = parts.first, parts.count <= 2 else { throw .malformedRange(text(bytes)) }
        guard parts.count == 2 else { return ByteRange(begin: try number(first), end: .single) }
        let begin = first.isEmpty ? 0 : try number(first)
        return ByteRange(begin: begin, end: parts[1].isEmpty ? .open : .last(try number(parts[1])))
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
