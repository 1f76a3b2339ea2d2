/// The configuration file of a table program: lines `name value`, as the programs of opensmtpd-extras read them.
///
/// Blanks at both ends of a line do not count, nor do empty lines and those that begin with `#`. The name ends at a
/// blank, a tab or a colon. Of two lines with one name the last one counts. Settings are taken one by one; what is left
/// in the end is a mistake of the operator.
package struct ProgramSettings: Sendable {
    /// What is wrong with a file.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        /// Counted from 1; nil for the file as a whole.
        package let line: Int?
        package let reason: String
        package var description: String { line.map { "line \($0): \(reason)" } ?? reason }

        package init(line: Int? = nil, _ reason: String) {
            self.line = line
            self.reason = reason
        }
    }

    private struct Entry {
        var value: String
        var line: Int
    }

    private var entries: [String: Entry] = [:]

    /// Reads the content of a file.
    package init(_ content: [UInt8]) throws(Problem) {
        let lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, raw) in lines.enumerated() {
            let line = Self.trimmed(raw)
            guard let first = line.first, first != UInt8(ascii: "#") else { continue }
            guard let text = String(validating: line, as: UTF8.self), !line.contains(0) else {
                throw Problem(line: index + 1, "not UTF-8 text")
            }
            let name = line.prefix { !Self.isBlank($0) && $0 != UInt8(ascii: ":") }
            guard !name.isEmpty else { throw Problem(line: index + 1, "no name before the colon") }
            let rest = Self.value(of: line[name.endIndex...])
            let nameText = String(decoding: name, as: UTF8.self)
            guard !rest.isEmpty else { throw Problem(line: index + 1, "\(nameText) has no value") }
            entries[nameText] = Entry(value: String(text.utf8.suffix(rest.count)) ?? "", line: index + 1)
        }
    }

    /// The value of a setting, which is then no longer here; nil when the file has none.
    package mutating func take(_ name: String) -> String? { entries.removeValue(forKey: name)?.value }

    /// The value of a setting that must be there.
    package mutating func require(_ name: String) throws(Problem) -> String {
        guard let value = take(name) else { throw Problem("the setting \(name) is missing") }
        return value
    }

    /// A whole number within bounds.
    package mutating func takeNumber(_ name: String, in bounds: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let entry = entries.removeValue(forKey: name) else { return nil }
        guard let number = Int(entry.value), bounds.contains(number) else {
            throw Problem(
                line: entry.line, "\(name) is a whole number from \(bounds.lowerBound) to \(bounds.upperBound), not \(entry.value)")
        }
        return number
    }

    /// One of some words.
    package mutating func takeWord(_ name: String, of words: [String]) throws(Problem) -> String? {
        guard let entry = entries.removeValue(forKey: name) else { return nil }
        guard words.contains(entry.value) else {
            throw Problem(line: entry.line, "\(name) is one of \(words.joined(separator: ", ")), not \(entry.value)")
        }
        return entry.value
    }

    /// The line of a setting that is still here, for a problem with its value.
    package func line(of name: String) -> Int? { entries[name]?.line }

    /// Ends the reading.
    ///
    /// - Throws: The first setting that nobody has taken: a name that does not exist must not look as if it were obeyed.
    package func finish() throws(Problem) {
        guard let (name, entry) = entries.min(by: { $0.value.line < $1.value.line }) else { return }
        throw Problem(line: entry.line, "there is no setting \(name)")
    }

    /// What follows the name: blanks, and a colon that touches the name or is followed by a blank, are between them.
    private static func value(of text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = text
        let touches = rest.first == UInt8(ascii: ":")
        rest = rest.drop(while: isBlank)
        if rest.first == UInt8(ascii: ":"), touches || rest.dropFirst().first.map(isBlank) ?? true {
            rest = rest.dropFirst().drop(while: isBlank)
        }
        return rest
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line.drop(while: isBlank)
        while let last = line.last, isBlank(last) || last == UInt8(ascii: "\r") { line.removeLast() }
        return line
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
