/// What became of reading a user's `.forward` (forward(5)); answered by whoever may open it.
package enum ForwardFile: Hashable, Sendable {
    /// There is none, or it is empty.
    case none
    /// Its bytes, at most ``maximumSize``.
    case content([UInt8])
    /// It could not be read now; the reason is for the log.
    case temporaryFailure(String)
    /// It must not be used, such as one that others may write to.
    case permanentFailure(String)

    /// A file of this size or more is a temporary failure, in bytes.
    package static let maximumSize = 4096
    /// Items of one file; with more the expansion fails for the time being.
    package static let maximumItems = 100
}

/// What became of reading an `:include:` file.
package enum IncludeFile: Hashable, Sendable {
    case content([UInt8])
    /// Skipped with a warning; the reason is for the log.
    case unreadable(String)

    /// Bytes of one file.
    package static let maximumSize = 1 << 20
}

/// The items of a `.forward` or `:include:` file: a comma list in each line, comments after `#` at the
/// start of a line, lines continued by a backslash at their end.
package enum ItemFile {
    package enum Failure: Error, Hashable, Sendable {
        /// An item that cannot be read, with the line (from 1) where its list begins.
        case malformed(ExpansionItem.SyntaxError, line: Int)
        case tooManyItems

        package var reason: String {
            switch self {
            case .malformed(let error, let line): "line \(line): \(error.reason)"
            case .tooManyItems: "too many items"
            }
        }
    }

    /// - Throws: for the first bad item, so that a file is taken as a whole or not at all.
    package static func items(_ content: [UInt8], limit: Int) throws(Failure) -> [ExpansionItem] {
        var items: [ExpansionItem] = []
        for (number, line) in joinedLines(content) {
            do throws(ExpansionItem.SyntaxError) {
                items += try ExpansionItem.list(line)
            } catch .noItem {
                continue
            } catch {
                throw .malformed(error, line: number)
            }
            guard items.count <= limit else { throw .tooManyItems }
        }
        return items
    }

    private static func joinedLines(_ content: [UInt8]) -> [(number: Int, bytes: [UInt8])] {
        var lines: [(number: Int, bytes: [UInt8])] = []
        var isContinued = false
        for (number, line) in numberedLines(content) {
            let text = trimmed(line)
            if !isContinued, text.isEmpty || text.first == UInt8(ascii: "#") { continue }
            let continues = text.last == UInt8(ascii: "\\")
            let part = continues ? text.dropLast() : text
            if isContinued, let last = lines.indices.last {
                lines[last].bytes += part
            } else {
                lines.append((number, Array(part)))
            }
            isContinued = continues
        }
        return lines
    }
}
