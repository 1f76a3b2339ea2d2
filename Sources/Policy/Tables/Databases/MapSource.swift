/// The text that makemap(8) makes a database of, with all that is wrong in it.
package struct MapSource: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable {
        /// A key and a value in each line.
        case mapping
        /// A key in each line (`-t set`).
        case set
        /// A name and what it expands to, in the forms of aliases(5) (`-t aliases`).
        case aliases
    }

    package private(set) var elements: [TableElement] = []
    /// By line.
    package private(set) var problems: [Problem] = []

    package struct Problem: Hashable, Sendable {
        package var line: Int
        package var reason: String
    }

    /// What a set has for a value.
    package static let setValue = "<set>"

    package init(_ content: [UInt8], _ kind: Kind) {
        switch kind {
        case .mapping, .set:
            for (number, line) in numberedLines(content) {
                let line = trimmed(line)
                guard let first = line.first, first != UInt8(ascii: "#") else { continue }
                do throws(TableFileProblem.Kind) {
                    elements.append(try Self.element(line, kind))
                } catch {
                    problems.append(Problem(line: number, reason: TableFileProblem(line: number, kind: error).reason))
                }
                noteDuplicate(line: number)
            }
        case .aliases:
            let file = TableFile(aliases: content)
            elements = file.elements
            problems = (file.errors + file.warnings).map { problem in
                if case .duplicateKey(let key) = problem.kind { return Problem(line: problem.line, reason: Self.duplicate(key)) }
                return Problem(line: problem.line, reason: problem.reason)
            }
        }
    }

    private var keys: Set<TableKey> = []

    private mutating func noteDuplicate(line: Int) {
        guard let key = elements.last?.key, problems.last?.line != line else { return }
        if !keys.insert(TableKey(key)).inserted { problems.append(Problem(line: line, reason: Self.duplicate(key))) }
    }

    private static func duplicate(_ key: String) -> String { "duplicate entry for \(printable(key))" }

    private static func element(_ line: ArraySlice<UInt8>, _ kind: Kind) throws(TableFileProblem.Kind) -> TableElement {
        if kind == .set { return TableElement(key: try checkedText(line), value: setValue) }
        let (key, value) = splitEntry(line)
        guard !key.isEmpty else { throw .emptyKey }
        guard let value else { throw .missingValue }
        return TableElement(key: try checkedText(key), value: try checkedText(value))
    }

    /// As they are stored.
    package var records: [(key: [UInt8], value: [UInt8])] {
        elements.map { (TableKey($0.key).bytes, Array(($0.value ?? Self.setValue).utf8)) }
    }
}
