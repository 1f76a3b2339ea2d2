/// A statement with the text around it: what a conversion must keep.
struct SplitStatement {
    /// Empty for lines that hold nothing but blanks and a comment.
    var tokens: [Token]
    /// The bytes from the end of the line before to the first token.
    var prefix: ArraySlice<UInt8>
    /// The statement's own bytes as written.
    var text: ArraySlice<UInt8>
    /// What follows on the line: blanks and a comment.
    var suffix: ArraySlice<UInt8>
}

/// Cuts a configuration into statements and follows its macros and includes.
struct StatementSplitter {
    enum Piece {
        case statement(SplitStatement)
        case includeBegins(SplitStatement, path: String)
        case includeEnds(path: String)
    }

    private let environment: any ConfigurationEnvironment
    private var lexer: Lexer
    private var files: [(path: String, bytes: [UInt8], number: Int, end: Int)]
    private var filesOpened = 1

    init(_ source: ConfigurationSource, environment: any ConfigurationEnvironment) {
        self.environment = environment
        self.lexer = source.lexer(for: .accept)
        self.files = [(source.name, source.bytes, 0, 0)]
    }

    /// Every piece, in the order the loader reads them.
    mutating func pieces() -> [Piece] {
        var pieces: [Piece] = []
        while true {
            var tokens: [Token] = []
            var depth = 0
            var token = lexer.next()
            while token.kind != .end, token.kind != .newline || depth > 0 {
                if token.isMark("{") { depth += 1 }
                if token.isMark("}") { depth -= 1 }
                tokens.append(token)
                token = lexer.next()
            }
            while let file = files.last, file.number != token.fileNumber, files.count > 1 {
                // Text after the last newline, if any, belongs to the file that ended.
                if let rest = comment(at: file.bytes.count) { pieces.append(.statement(rest)) }
                pieces.append(.includeEnds(path: file.path))
                files.removeLast()
            }
            if token.kind == .end {
                if let rest = comment(at: files.last?.bytes.count ?? 0) { pieces.append(.statement(rest)) }
                return pieces
            }
            let statement = cut(tokens, newline: token)
            if let path = includedPath(tokens), lexer.canInclude, let bytes = try? environment.contents(ofFile: path) {
                // A file that cannot be read has been refused by the loader before.
                pieces.append(.includeBegins(statement, path: path))
                lexer.include(path, bytes)
                files.append((path, bytes, filesOpened, 0))
                filesOpened += 1
            } else {
                note(macroIn: tokens)
                pieces.append(.statement(statement))
            }
        }
    }

    private func includedPath(_ tokens: [Token]) -> String? {
        guard tokens.count == 2, tokens[0].kind == .word("include") else { return nil }
        return tokens[1].kind.string
    }

    private mutating func note(macroIn tokens: [Token]) {
        guard tokens.count == 3, tokens[1].isMark("="), let name = tokens[0].kind.string, let value = tokens[2].kind.string
        else { return }
        lexer.macros.define(name, value, at: tokens[0].location)
    }

    private mutating func cut(_ tokens: [Token], newline: Token) -> SplitStatement {
        let top = files.count - 1
        let bytes = files[top].bytes
        let end = min(newline.range.lowerBound, bytes.count)
        let start = min(files[top].end, end)
        files[top].end = min(end + 1, bytes.count)
        guard let first = tokens.first, let last = tokens.last else {
            return SplitStatement(tokens: [], prefix: bytes[start..<end], text: [], suffix: [])
        }
        let from = max(start, min(first.range.lowerBound, end))
        let to = max(from, min(last.range.upperBound, end))
        return SplitStatement(
            tokens: tokens, prefix: bytes[start..<from], text: bytes[from..<to], suffix: bytes[to..<end])
    }

    /// A last line without its newline that holds only a comment.
    private mutating func comment(at end: Int) -> SplitStatement? {
        let top = files.count - 1
        let start = files[top].end
        guard start < end else { return nil }
        files[top].end = end
        return SplitStatement(tokens: [], prefix: files[top].bytes[start..<end], text: [], suffix: [])
    }
}
