import MailSyntax

/// The content of a table file (table(5)), with what is wrong in it by line.
///
/// Reads what both generations of OpenSMTPD read. General tables are strict: one malformed line spoils
/// the file, since a table that silently lost a line could accept what it should refuse. Alias files
/// are lenient (see ``init(aliases:)``), since one mistake in `/etc/aliases` must not stop all mail.
package struct TableFile: Hashable, Sendable {
    package var kind: TableKind
    package var elements: [TableElement]
    /// Lines that spoil the file; empty for a file that can be used.
    package var errors: [TableFileProblem]
    /// Lines that can be lived with.
    package var warnings: [TableFileProblem]

    /// How many problems are kept of each sort; further ones are dropped, the first are what helps.
    package static let maximumProblems = 20

    /// Reads a general table: a list with an element per line, or a mapping with a key and a value per line.
    ///
    /// The first entry decides which: with a separator (blank, tab, `:`) it is a mapping. The comment
    /// `# @list` before it makes a list of anything. IPv6 addresses as keys may stand in brackets, as
    /// 7.x has it, or bare or behind `ipv6:`, as 5.4 has it. A file without entries is a mapping.
    package init(_ content: [UInt8]) {
        self.init(kind: .mapping)
        var isListDeclared = false
        var lines: [(number: Int, bytes: ArraySlice<UInt8>)] = []
        for (number, line) in numberedLines(content) {
            let line = trimmed(line)
            guard let first = line.first else { continue }
            if first == UInt8(ascii: "#") {
                if lines.isEmpty, trimmed(line.dropFirst()).elementsEqual("@list".utf8) { isListDeclared = true }
            } else {
                lines.append((number, line))
            }
        }
        if let first = lines.first {
            kind = isListDeclared || endOfKey(first.bytes) == first.bytes.endIndex ? .list : .mapping
        }
        for (number, line) in lines {
            do throws(TableFileProblem.Kind) {
                elements.append(try Self.element(line, kind: kind))
            } catch {
                note(error, line: number, in: \.errors)
            }
        }
    }

    init(kind: TableKind) {
        self.kind = kind
        elements = []
        errors = []
        warnings = []
    }

    package var isUsable: Bool { errors.isEmpty }

    mutating func note(
        _ kind: TableFileProblem.Kind, line: Int, in list: WritableKeyPath<TableFile, [TableFileProblem]>
    ) {
        guard self[keyPath: list].count < Self.maximumProblems else { return }
        self[keyPath: list].append(TableFileProblem(line: line, kind: kind))
    }

    private static func element(
        _ line: ArraySlice<UInt8>, kind: TableKind
    ) throws(TableFileProblem.Kind) -> TableElement {
        if kind == .list { return TableElement(key: try checkedText(line)) }
        let (key, value) = splitEntry(line)
        guard !key.isEmpty else { throw .emptyKey }
        guard let value else { throw .missingValue }
        return TableElement(key: try checkedText(key), value: try checkedText(value))
    }
}

/// What is wrong with a line of a table file.
package struct TableFileProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// From 1; the first line of an entry that continues.
    package var line: Int
    package var kind: Kind

    package init(line: Int, kind: Kind) {
        self.line = line
        self.kind = kind
    }

    package enum Kind: Error, Hashable, Sendable {
        case emptyKey
        case missingValue
        case unbalancedQuote
        case notUTF8
        case nulByte
        /// A user or group that is no number, in a passwd file.
        case malformedNumber
        /// A home that does not begin with `/`.
        case relativeDirectory
        /// Seen before; the later entry counts.
        case duplicateKey(String)
        /// Kept: whoever is mailed to through it gets a temporary failure.
        case unusableValue(ExpansionItem.SyntaxError)
    }

    /// Words for the operator, without the place.
    package var reason: String {
        switch kind {
        case .emptyKey: "entry without a key"
        case .missingValue: "entry without a value"
        case .unbalancedQuote: "quote without its end"
        case .notUTF8: "not UTF-8"
        case .nulByte: "NUL byte"
        case .malformedNumber: "uid or gid that is no number"
        case .relativeDirectory: "directory that does not begin with /"
        case .duplicateKey(let key): "\(printable(key)) again, the later entry counts"
        case .unusableValue(let error): error.reason
        }
    }

    package var description: String { "line \(line): \(reason)" }
}

/// The lines of a file with their numbers from 1, without their LF.
func numberedLines(_ content: [UInt8]) -> [(number: Int, bytes: ArraySlice<UInt8>)] {
    content.split(separator: 0x0A, omittingEmptySubsequences: false)
        .enumerated().map { ($0.offset + 1, $0.element) }
}

/// Key and value of a trimmed line; the value is nil without a separator and without anything behind it.
func splitEntry(_ line: ArraySlice<UInt8>) -> (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>?) {
    let end = endOfKey(line)
    let key = line[..<end]
    var rest = line[end...]
    let isColon = rest.first == UInt8(ascii: ":")
    rest = trimmed(rest.dropFirst())
    // `key : value` of alias files; but `key :include:/path` keeps its colon.
    if !isColon, rest.first == UInt8(ascii: ":"), rest.count > 1, isBlank(rest[rest.startIndex + 1]) {
        rest = trimmed(rest.dropFirst())
    }
    return (key, rest.isEmpty ? nil : rest)
}

private func endOfKey(_ line: ArraySlice<UInt8>) -> Int {
    let firstBlank = line.firstIndex(where: isBlank) ?? line.endIndex
    // A bare IPv6 address is full of separators; no other key reads as one.
    if case .v6? = NetworkPattern(line[..<firstBlank])?.address { return firstBlank }
    var search = line[...]
    if line.first == UInt8(ascii: "["), let bracket = line.firstIndex(of: UInt8(ascii: "]")) {
        search = line[bracket...]
    }
    return search.firstIndex { isBlank($0) || $0 == UInt8(ascii: ":") } ?? line.endIndex
}

/// The bytes as text of which nothing was replaced.
func checkedText(_ bytes: ArraySlice<UInt8>) throws(TableFileProblem.Kind) -> String {
    guard !bytes.contains(0) else { throw .nulByte }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
    return text
}
