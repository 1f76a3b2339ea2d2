import MailSyntax

/// Reads a server's replies (RFC 5321 section 4.2). All of it is hostile input: lines, their number and
/// their length are bounded, and texts come out as printable ASCII.
package struct ReplyParser: Sendable {
    /// What is no reply. After it the stream means nothing any more.
    package enum Failure: Error, Hashable, Sendable {
        /// No code of three digits from 200 to 599, or something else behind it than a blank or a hyphen.
        case malformed
        /// The lines of one reply have different codes.
        case differentCodes
        case lineTooLong
        case tooManyLines
    }

    /// Octets of a line with its end; RFC 5321 section 4.5.3.1.5 allows 512.
    package static let maximumLineLength = 2_048
    /// Lines of a reply.
    package static let maximumLines = 100

    private var input: [UInt8] = []
    private var position = 0
    /// The reply whose last line has not come.
    private var code: UInt16?
    private var texts: [[UInt8]] = []

    package init() {}

    /// True when octets wait that belong to no reply read so far.
    package var hasUnreadInput: Bool { position < input.count || code != nil }

    package mutating func receive(_ bytes: Span<UInt8>) {
        if position > 0 {
            input.removeSubrange(..<position)
            position = 0
        }
        input.append(octets: bytes)
    }

    /// The next reply, nil when it is not complete.
    package mutating func next() throws(Failure) -> Reply? {
        while let line = try nextLine() {
            let digits = line.prefix(3)
            guard digits.count == 3, let value = decimalValue(digits), (200...599).contains(value) else {
                throw .malformed
            }
            let code = UInt16(value)
            guard self.code == nil || self.code == code else { throw .differentCodes }
            let isLast: Bool
            switch line.dropFirst(3).first {
            case nil, UInt8(ascii: " "): isLast = true
            case UInt8(ascii: "-"): isLast = false
            default: throw .malformed
            }
            guard texts.count < Self.maximumLines else { throw .tooManyLines }
            texts.append(line.dropFirst(4).map { $0 < 0x20 || $0 >= 0x7F ? UInt8(ascii: "?") : $0 })
            self.code = code
            if isLast {
                defer {
                    self.code = nil
                    texts.removeAll()
                }
                return Self.reply(code, texts)
            }
        }
        return nil
    }

    /// A line without its end, nil when the end has not come. LF alone is taken as an end too.
    private mutating func nextLine() throws(Failure) -> ArraySlice<UInt8>? {
        let window = input[position...].prefix(Self.maximumLineLength)
        guard let feed = window.firstIndex(of: 0x0A) else {
            guard window.count < Self.maximumLineLength else { throw .lineTooLong }
            return nil
        }
        position = feed + 1
        let line = window[..<feed]
        return line.last == 0x0D ? line.dropLast() : line
    }

    /// Takes the enhanced status code out of the texts, where there is one that fits the code (RFC 2034).
    private static func reply(_ code: UInt16, _ texts: [[UInt8]]) -> Reply {
        guard let first = texts.first, let status = enhancedStatus(first), code / 100 == UInt16(status[0] - 0x30) else {
            return Reply(code, lines: texts.map { String(decoding: $0, as: UTF8.self) })
        }
        let lines = texts.map { text in
            let rest = text.starts(with: status) ? text.dropFirst(status.count).drop { $0 == 0x20 } : text[...]
            return String(decoding: rest, as: UTF8.self)
        }
        return Reply(code, String(decoding: status, as: UTF8.self), lines: lines)
    }

    /// `class.subject.detail` at the beginning of a text (RFC 3463 section 2).
    private static func enhancedStatus(_ text: [UInt8]) -> [UInt8]? {
        let word = text.prefix { $0 != 0x20 }
        let parts = word.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 1, parts.allSatisfy({ (1...3).contains($0.count) }),
            parts.allSatisfy({ $0.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } })
        else { return nil }
        return Array(word)
    }
}
