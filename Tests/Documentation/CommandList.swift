/// Commands of smtpctl as lists of words, parameters in angle brackets: once as the page has them, once as
/// the program's source does.
enum CommandList {
    /// The commands of a list whose items are `.It Cm word ... Ar parameter`: `|` stands between
    /// alternatives, and what follows `Op` may be left out.
    static func documented(in lines: [String]) -> Set<String> {
        var commands: Set<String> = []
        for line in lines {
            guard let item = ManualPage.rest(of: line, after: ".It ") else { continue }
            var positions: [[String]] = []
            var required: Int?
            var isParameter = false
            var joins = false
            var isOption = false
            for word in item.split(separator: " ").map(String.init) {
                switch word {
                case "Cm": isParameter = false
                case "Ar": isParameter = true
                case "Op": required = positions.count
                case "Fl": isOption = true
                case "|": joins = true
                default:
                    let text = isOption ? "-\(word)" : isParameter ? "<\(word)>" : word
                    isOption = false
                    if joins, !positions.isEmpty {
                        positions[positions.count - 1].append(text)
                    } else {
                        positions.append([text])
                    }
                    joins = false
                }
            }
            commands.formUnion(combinations(positions))
            if let required { commands.formUnion(combinations(Array(positions.prefix(required)))) }
        }
        return commands
    }

    /// The commands that a source declares as `command("word ... <parameter>")`.
    ///
    /// - Parameter values: What stands for an interpolated name.
    static func declared(in source: String, values: [String: [String]]) -> Set<String> {
        var commands: Set<String> = []
        for part in source.split(separator: "command(\"", omittingEmptySubsequences: false).dropFirst() {
            let text = part.prefix { $0 != "\"" }
            let positions = text.split(separator: " ").map { word -> [String] in
                let word = String(word)
                guard word.hasPrefix("\\("), word.hasSuffix(")") else { return [name(word)] }
                return (values[String(word.dropFirst(2).dropLast())] ?? [word]).map(name)
            }
            commands.formUnion(combinations(positions))
        }
        return commands
    }

    /// The parameters' names on the page for those in the source.
    private static func name(_ word: String) -> String {
        switch word {
        case "<evpid>": "<envelope-id>"
        case "<msgid>": "<message-id>"
        case "<routeid>": "<route-id>"
        default: word
        }
    }

    private static func combinations(_ positions: [[String]]) -> [String] {
        positions.reduce([""]) { lines, words in
            lines.flatMap { line in words.map { line.isEmpty ? $0 : "\(line) \($0)" } }
        }
    }

    /// The command that a call's words are, nil for none.
    static func command(of words: [String], among commands: Set<String>) -> String? {
        commands.first { command in
            var pattern = command.split(separator: " ").map(String.init)
            // A filter goes on for as long as there are words, and so do facts.
            while let last = pattern.last, last == "<filter>" || last == "<facts>", pattern.count < words.count { pattern.append(last) }
            return pattern.count == words.count && zip(pattern, words).allSatisfy(fits)
        }
    }

    private static func fits(_ pattern: String, _ word: String) -> Bool {
        switch pattern {
        case "<envelope-id>": word.utf8.count == 16 && word.allSatisfy(\.isHexDigit)
        case "<message-id>": word.utf8.count == 8 && word.allSatisfy(\.isHexDigit)
        case "<route-id>": UInt64(word) != nil
        case "<filter>", "<facts>": word.contains("=")
        case _ where pattern.hasPrefix("<"): !word.isEmpty
        default: pattern == word
        }
    }
}

/// Pieces of Swift source between two texts.
func quoted(in source: String, after start: String, before end: String) -> [String] {
    source.split(separator: start, omittingEmptySubsequences: false).dropFirst().compactMap {
        let parts = $0.split(separator: end, maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? String(parts[0]) : nil
    }
}
