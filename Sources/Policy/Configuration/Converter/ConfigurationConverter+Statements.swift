// One statement of the 5.4 language in the 7.x language; rules and listeners have files of their own.
extension ConfigurationConverter {
    /// The lines to write; none when nothing of it exists in 7.x. Comments go to the output at once.
    mutating func lines(for statement: SplitStatement) -> [String] {
        let tokens = statement.tokens
        guard case .word(let head)? = tokens.first?.kind, tokens.count < 2 || !tokens[1].isMark("=") else {
            return unchanged(statement)
        }
        switch head {
        case "accept", "reject": return nextRule(tokens)
        case "listen": return listener(statement)
        case "pki": return keyPair(tokens)
        case "bounce-warn": return tokens.count > 1 ? [join("bounce warn-interval", tokens.dropFirst())] : []
        case "expire": return [join("queue ttl", tokens.dropFirst())]
        case "max-message-size": return [join("smtp max-message-size", tokens.dropFirst())]
        case "max-mta-deferred": return [join("mta max-deferred", tokens.dropFirst())]
        case "ciphers": return [join("smtp ciphers", tokens.dropFirst())]
        case "subaddressing-delimiter": return [join("smtp sub-addr-delim", tokens.dropFirst())]
        case "ca": return [tokens.map { $0.kind == .word("certificate") ? "cert" : word($0) }.joined(separator: " ")]
        case "limit": return [limit(tokens)]
        case "queue":
            let rest = tokens.dropFirst().filter { $0.kind != .word("key") }
            return [join("queue", rest[...])]
        case "curve":
            explain("7.x leaves the choice of the curve to the library.")
            return []
        case "filter", "filterchain":
            explain("Filters of 5.4 do not work with 7.x.")
            return []
        default:
            return unchanged(statement)
        }
    }

    private func limit(_ tokens: [Token]) -> String {
        var rest = tokens.dropFirst()
        guard let what = rest.popFirst() else { return "" }
        let head = what.kind == .word("session") ? "smtp" : word(what)
        return join("\(head) limit", rest)
    }

    private mutating func keyPair(_ tokens: [Token]) -> [String] {
        var rest = tokens.dropFirst()
        guard let nameToken = rest.popFirst(), let name = nameToken.kind.string else { return [] }
        let lower = ConfigurationParser.lowercased(name)
        var own: [String] = []
        var lines: [String] = []
        while let option = rest.popFirst(), let value = rest.popFirst() {
            switch option.kind {
            case .word("certificate"): own += ["cert", word(value)]
            case .word("dhparams"):
                explain("7.x reads no file of parameters; the library's own are used.")
                own += ["dhe", "auto"]
            case .word("ca"):
                // The last one counts in 5.4; in 7.x a name can be declared once.
                if writtenAuthorities.insert(lower).inserted, let file = configuration.keyPairs[lower]?.authority {
                    lines.append("ca \(MatchWriter.string(lower)) cert \(MatchWriter.quoted(file))")
                }
            default: own += [word(option), word(value)]
            }
        }
        if !own.isEmpty { lines.insert((["pki", word(nameToken)] + own).joined(separator: " "), at: 0) }
        return lines
    }

    // MARK: Tokens

    /// As written where the 7.x lexer reads the same, else word by word.
    func unchanged(_ statement: SplitStatement) -> [String] {
        let raw = String(decoding: statement.text, as: UTF8.self)
        let isSame = statement.tokens.enumerated().allSatisfy { index, token in
            switch token.kind {
            case .word(let text): index == 0 && text == "table" || MatchWriter.isWord(text)
            case .quoted(let text): !token.isLatin1 && !text.utf8.contains(UInt8(ascii: "\\"))
            case .number, .mark, .arrow, .newline: true
            case .end, .invalid: false
            }
        }
        if isSame { return [raw] }
        guard let head = statement.tokens.first else { return [] }
        let first = head.kind == .word("table") ? "table" : word(head)
        return [join(first, statement.tokens.dropFirst())]
    }

    func join(_ head: String, _ tokens: ArraySlice<Token>) -> String {
        var text = head
        var previous: Token.Kind?
        for token in tokens where token.kind != .newline {
            // No blank inside `<name>` and before commas.
            let isTight = previous == .mark(UInt8(ascii: "<")) || token.isMark(">") || token.isMark(",")
            if !isTight { text += " " }
            text += word(token)
            previous = token.kind
        }
        return text
    }

    /// One token in the 7.x language. A string that a macro gives stays the macro.
    func word(_ token: Token) -> String {
        switch token.kind {
        case .word(let text):
            if let macro = token.macro, MatchWriter.isWord(text), token.isWholeMacro { return "$\(macro)" }
            if ReservedWords.contains(text, in: .accept) { return text }
            return MatchWriter.string(text)
        case .quoted(let text): return MatchWriter.quoted(text)
        case .number(_, let spelling): return spelling
        case .mark(let byte): return String(decoding: [byte], as: UTF8.self)
        case .arrow: return "=>"
        case .newline, .end, .invalid: return ""
        }
    }
}
