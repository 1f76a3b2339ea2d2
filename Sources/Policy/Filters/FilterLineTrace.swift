import SMTPProtocol

/// What passes between this server and a filter program, as a trace may show it: line by line, but of the content of
/// messages only how much there was, and nothing of what a client authenticates with.
///
/// Bounded: of a line ``maximumLine`` octets are shown.
package struct FilterLineTrace: Sendable {
    /// The beginning of a line whose end has not come; no more of it than is shown.
    private var held: [UInt8] = []
    /// The line that comes began before anybody looked: it may be one of content.
    private var isWithinLine: Bool
    /// Tokens of questions about AUTH, whose answers may repeat what was asked.
    private var secretTokens: Set<[UInt8]> = []

    /// Octets of a line that are shown.
    package static let maximumLine = 1_000
    /// Questions about AUTH whose answers are still known; a program that has not answered so many is not going to.
    private static let maximumTokens = 1_000

    /// - Parameter isWithinLine: The program has begun a line that has not ended.
    package init(isWithinLine: Bool) { self.isWithinLine = isWithinLine }

    // MARK: To the program

    /// Whole lines that are sent, other than those of content.
    package mutating func send(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: 0x0A).map { line in
            var fields = line.split(separator: FilterLines.separator, maxSplits: 7, omittingEmptySubsequences: false)
            guard fields.count == 8 else { return Self.text(line) }
            if fields[0].elementsEqual("filter".utf8), FilterPhase(word: fields[4]) == .auth {
                if secretTokens.count == Self.maximumTokens { secretTokens = [] }
                secretTokens.insert(Array(fields[6]))
            } else if !fields[4].elementsEqual("filter-response".utf8) || FilterPhase(word: fields[6]) != .auth {
                // What is reported of a session holds no secret, but for what a filter has made of the argument of AUTH.
                return Self.text(line)
            }
            fields[7] = Self.withoutSecret(fields[7])
            return Self.text(Array(fields.joined(separator: [FilterLines.separator])))
        }
    }

    /// Content that is sent: whole lines.
    package static func sent(content: [UInt8], of session: UInt64) -> String {
        amount(of: String(decoding: FilterLines.digits(session), as: UTF8.self), lines: content.count { $0 == 0x0A }, octets: content.count)
    }

    // MARK: From the program

    /// What the program has written: its whole lines, content in a row gathered into one.
    package mutating func receive(_ bytes: [UInt8]) -> [String] {
        var shown: [String] = []
        var content: (session: ArraySlice<UInt8>, lines: Int, octets: Int)?
        func tellContent() {
            guard let found = content else { return }
            shown.append(Self.amount(of: Self.text(found.session), lines: found.lines, octets: found.octets))
            content = nil
        }
        var rest = bytes[...]
        while let end = rest.firstIndex(of: 0x0A) {
            let length = held.count + (end - rest.startIndex)
            let line = held + rest[..<end].prefix(max(0, Self.maximumLine + 1 - held.count))
            held = []
            rest = rest[(end + 1)...]
            if isWithinLine {
                isWithinLine = false
                continue
            }
            let fields = line.split(separator: FilterLines.separator, maxSplits: 3, omittingEmptySubsequences: false)
            guard fields.count == 4, fields[0].elementsEqual("filter-dataline".utf8) else {
                tellContent()
                shown.append(answer(line))
                continue
            }
            if let found = content, !found.session.elementsEqual(fields[1]) { tellContent() }
            // The content, and its LF.
            let octets = length - (fields[3].startIndex - line.startIndex) + 1
            content = (fields[1], (content?.lines ?? 0) + 1, (content?.octets ?? 0) + octets)
        }
        tellContent()
        // A line that is longer than what is shown stays known by its beginning.
        if !isWithinLine { held += rest.prefix(max(0, Self.maximumLine + 1 - held.count)) }
        return shown
    }

    private mutating func answer(_ line: [UInt8]) -> String {
        var fields = line.split(separator: FilterLines.separator, maxSplits: 4, omittingEmptySubsequences: false)
        guard fields.count >= 4, fields[0].elementsEqual("filter-result".utf8) else { return Self.text(line) }
        // Programs of old protocols name the token first.
        let isSecret = [fields[1], fields[2]].contains { secretTokens.remove(Array($0)) != nil }
        guard isSecret, fields.count == 5, fields[3].elementsEqual("rewrite".utf8) else { return Self.text(line) }
        fields[4] = Self.withoutSecret(fields[4])
        return Self.text(Array(fields.joined(separator: [FilterLines.separator])))
    }

    // MARK: Text

    /// The mechanism alone, with stars for what follows it.
    private static func withoutSecret(_ argument: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let space = argument.firstIndex(of: 0x20) else { return argument }
        return (argument[...space] + Array("********".utf8))[...]
    }

    private static func amount(of session: String, lines: Int, octets: Int) -> String {
        "content of \(session): \(lines) \(lines == 1 ? "line" : "lines"), \(octets) octets"
    }

    private static func text(_ line: some Collection<UInt8>) -> String {
        String(decoding: line.prefix(maximumLine), as: UTF8.self) + (line.count > maximumLine ? "..." : "")
    }
}
