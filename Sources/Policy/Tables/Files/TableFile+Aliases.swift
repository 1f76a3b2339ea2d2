// Alias files: what aliases(5) of OpenSMTPD describes, and what Sendmail, Postfix and Exim took before.
import MailSyntax

extension TableFile {
    /// Reads an alias or virtual map in which a bad line costs that line only.
    ///
    /// Beyond `key: value` and `key value` it takes quoted keys, and entries that go on in lines that
    /// begin with a blank or follow a backslash. OpenSMTPD lets an entry begin with blanks too; so an
    /// indented line is an entry of its own when it reads as one and the line before it does not end
    /// in a comma. Comments and empty lines do not end an entry.
    ///
    /// An entry whose value cannot be expanded is kept with a warning: without it the name would be
    /// looked up as if it were no alias, and its mail would be refused or go to somebody else.
    package init(aliases content: [UInt8]) {
        self.init(kind: .mapping)
        var seen: Set<TableKey> = []
        for (number, line) in Self.logicalLines(content) {
            do throws(TableFileProblem.Kind) {
                let element = try Self.alias(line)
                if !seen.insert(TableKey(element.key)).inserted {
                    note(.duplicateKey(element.key), line: number, in: \.warnings)
                }
                do throws(ExpansionItem.SyntaxError) {
                    _ = try ExpansionItem.list(element.value ?? "")
                } catch {
                    note(.unusableValue(error), line: number, in: \.warnings)
                }
                elements.append(element)
            } catch {
                note(error, line: number, in: \.warnings)
            }
        }
    }

    /// Physical lines joined to entries, with the number of each entry's first line.
    private static func logicalLines(_ content: [UInt8]) -> [(number: Int, bytes: [UInt8])] {
        var entries: [(number: Int, bytes: [UInt8])] = []
        var isContinued = false
        for (number, line) in numberedLines(content) {
            let text = trimmed(line)
            if text.isEmpty || (text.first == UInt8(ascii: "#") && !isContinued) {
                isContinued = false
                continue
            }
            let isIndented = line.first.map(isBlank) ?? false
            // An odd number of backslashes: an even one stands for backslashes.
            let backslashes = text.reversed().prefix { $0 == UInt8(ascii: "\\") }.count
            let content = backslashes % 2 == 1 ? trimmed(text.dropLast()) : text
            if let last = entries.last, isContinued || (isIndented && continues(last.bytes, with: text)) {
                entries[entries.count - 1].bytes += [0x20] + content
            } else {
                entries.append((number, Array(content)))
            }
            isContinued = backslashes % 2 == 1
        }
        return entries
    }

    private static func continues(_ entry: [UInt8], with line: ArraySlice<UInt8>) -> Bool {
        if entry.last == UInt8(ascii: ",") { return true }
        // The value of `key:` may begin in the next line.
        if entry.last == UInt8(ascii: ":") { return true }
        let (key, value) = splitEntry(line)
        return value == nil || key.isEmpty || !key.allSatisfy(isAliasKey)
    }

    /// Bytes of keys, less those with which an item of a value begins.
    private static func isAliasKey(_ byte: UInt8) -> Bool {
        guard byte != UInt8(ascii: "|"), byte != UInt8(ascii: "/") else { return false }
        return isAtomText(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "@")
    }

    private static func alias(_ line: [UInt8]) throws(TableFileProblem.Kind) -> TableElement {
        let (key, value) = line.first == UInt8(ascii: "\"") ? try quotedEntry(line[...]) : splitEntry(line[...])
        guard !key.isEmpty else { throw .emptyKey }
        guard let value else { throw .missingValue }
        return TableElement(key: try checkedText(key), value: try checkedText(value))
    }

    /// `"key": value`, with backslashes before quotes inside the key.
    private static func quotedEntry(
        _ line: ArraySlice<UInt8>
    ) throws(TableFileProblem.Kind) -> (key: ArraySlice<UInt8>, value: ArraySlice<UInt8>?) {
        var key: [UInt8] = []
        var isEscaped = false
        for index in line.indices.dropFirst() {
            if isEscaped {
                key.append(line[index])
                isEscaped = false
            } else if line[index] == UInt8(ascii: "\\") {
                isEscaped = true
            } else if line[index] == UInt8(ascii: "\"") {
                // `"ada"@example.org: x` quotes the local part only.
                let rest = line[(index + 1)...]
                let end = endOfPlainKey(rest)
                let (_, value) = splitEntry([UInt8(ascii: "k")] + rest[end...])
                return ((key + rest[..<end])[...], value)
            } else {
                key.append(line[index])
            }
        }
        throw .unbalancedQuote
    }

    private static func endOfPlainKey(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.firstIndex { isBlank($0) || $0 == UInt8(ascii: ":") } ?? bytes.endIndex
    }
}
