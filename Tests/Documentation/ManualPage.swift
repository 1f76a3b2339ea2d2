/// A page of the manual in mdoc(7), as far as tests want to know what it says.
struct ManualPage {
    /// A literal display and the mark before it: the comment `.\" Example: MARK`.
    struct Example {
        /// Nil for a display that nobody marked.
        var mark: String?
        /// Its text as a reader sees it, each line with its newline.
        var text: String
        /// Where the display begins, from 1.
        var line: Int
    }

    let lines: [String]

    init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The titles of `.Sh`.
    var sections: [String] {
        lines.filter { $0.hasPrefix(".Sh ") }.map { String($0.dropFirst(4)) }
    }

    var examples: [Example] {
        var examples: [Example] = []
        var mark: String?
        var open: Example?
        for (index, line) in lines.enumerated() {
            if var example = open {
                if line == ".Ed" {
                    examples.append(example)
                    open = nil
                } else {
                    example.text += Self.plain(line) + "\n"
                    open = example
                }
            } else if line.hasPrefix(".Bd -literal") {
                open = Example(mark: mark, text: "", line: index + 1)
                mark = nil
            } else if let found = Self.rest(of: line, after: ".\\\" Example: ") {
                mark = found
            } else if !line.isEmpty {
                // A mark belongs to the display that follows it at once.
                mark = nil
            }
        }
        return examples
    }

    func examples(_ mark: String) -> [Example] { examples.filter { $0.mark == mark } }

    /// The lines from a title to the next of the same rank or above, without both.
    ///
    /// - Parameter macro: `Sh` or `Ss`.
    func body(of macro: String, _ title: String) -> [String] {
        guard let start = lines.firstIndex(of: ".\(macro) \(title)") else { return [] }
        return Array(lines[(start + 1)...].prefix { !$0.hasPrefix(".\(macro) ") && !$0.hasPrefix(".Sh ") })
    }

    /// Text of a literal line: only the escapes that displays need.
    private static func plain(_ line: String) -> String {
        var result = ""
        var rest = line[...]
        while let character = rest.popFirst() {
            guard character == "\\", let escape = rest.popFirst() else {
                result.append(character)
                continue
            }
            switch escape {
            case "e": result += "\\"
            case "&": break
            default: result += "\\\(escape)"
            }
        }
        return result
    }

    static func rest(of line: String, after prefix: String) -> String? {
        line.hasPrefix(prefix) ? String(line.dropFirst(prefix.count)) : nil
    }
}
