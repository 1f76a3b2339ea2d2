import MailSyntax

/// A reply of the daemon (RFC 5321 section 4.2).
package struct SubmissionReply: Hashable, Sendable {
    package let code: Int
    /// The text of each line, behind the code.
    package let lines: [[UInt8]]

    package init(code: Int, lines: [[UInt8]]) {
        self.code = code
        self.lines = lines
    }

    package var isPositive: Bool { code < 400 }
    package var isTemporary: Bool { (400..<500).contains(code) }

    /// Code and text as one printable line.
    package var text: String { printableText((Array("\(code) ".utf8) + lines.joined(separator: [0x20]))[...]) }

    /// The connection ended before the reply came.
    static let lost = SubmissionReply(code: 421, lines: [Array("the connection to smtpd was lost".utf8)])
}

/// Cuts replies out of what the daemon sends. Lines and their number are bounded.
package struct SubmissionReplyReader {
    private static let longestLine = 4096
    private static let mostLines = 128

    private var bytes: [UInt8] = []
    private var start = 0
    private var lines: [[UInt8]] = []

    package init() {}

    package mutating func append(_ received: ArraySlice<UInt8>) {
        bytes.removeFirst(start)
        start = 0
        bytes += received
    }

    /// The next whole reply, nil when more bytes are needed.
    package mutating func next() throws(SubmissionReplyError) -> SubmissionReply? {
        while let feed = bytes[start...].firstIndex(of: 0x0A) {
            var line = bytes[start..<feed]
            start = feed + 1
            if line.last == 0x0D { line = line.dropLast() }
            guard line.count <= Self.longestLine, lines.count < Self.mostLines else { throw .tooLong }
            let digits = line.prefix(3)
            guard digits.count == 3, digits.allSatisfy(isASCIIDigit), let first = digits.first,
                (UInt8(ascii: "2")...UInt8(ascii: "5")).contains(first)
            else { throw .malformed }
            let rest = line.dropFirst(3)
            let separator = rest.first
            guard separator == nil || separator == 0x20 || separator == UInt8(ascii: "-") else { throw .malformed }
            lines.append(Array(rest.dropFirst()))
            if separator == UInt8(ascii: "-") { continue }
            defer { lines = [] }
            return SubmissionReply(code: digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }, lines: lines)
        }
        guard bytes.count - start <= Self.longestLine else { throw .tooLong }
        return nil
    }
}

package enum SubmissionReplyError: Error, Hashable, Sendable {
    case malformed
    case tooLong
}
