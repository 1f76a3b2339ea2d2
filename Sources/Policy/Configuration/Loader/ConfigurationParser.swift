import MailSyntax
import Tables

/// Thrown inside the parser when a statement is given up; its diagnostic has been noted.
struct StatementFailure: Error {}

/// What both grammars share: the tokens, the configuration being built, and the way on after a mistake.
///
/// Each statement is read by a method named for it. A mistake ends the statement; reading goes on after
/// the next newline, so that one run reports all mistakes.
struct ConfigurationParser {
    let generation: Generation
    let environment: any ConfigurationEnvironment
    var lexer: Lexer
    /// The token looked at; the next statement's first one between statements.
    var token: Token
    var result: Configuration
    var diagnostics: [Diagnostic] = []
    /// A file to read once the line of its `include` is over.
    private var pendingInclude: (path: String, bytes: [UInt8])?

    // Facts about declarations that the result does not hold.
    /// What tables turned out to be; those of other programs are `dynamic`.
    var tableKinds: [String: TableKind] = [:]
    /// What spoils the files of tables, unless they turn out to be alias or virtual maps.
    var tableFileMistakes: [String: Diagnostic] = [:]
    var anonymousTables = 0
    /// Where the item of a list read last stands.
    var itemLocation = SourceLocation(file: "", line: 1, column: 1)

    init(
        source: ConfigurationSource, generation: Generation, serverName: String, environment: any ConfigurationEnvironment
    ) {
        self.generation = generation
        self.environment = environment
        self.lexer = source.lexer(for: generation)
        self.result = Configuration(generation: generation, serverName: serverName)
        if generation == .accept {
            // The only limits in which the languages' defaults differ.
            self.result.mta.limits.connectionsPerSource = 50
            self.result.mta.limits.transactionDelay = 1
        }
        self.token = self.lexer.next()
        declarePredefinedTables()
    }

    /// Reads everything.
    mutating func parse() -> ConfigurationResult {
        while token.kind != .end {
            if token.kind != .newline {
                do {
                    try statement()
                    if token.kind != .newline && token.kind != .end { throw unexpected("the end of the statement") }
                } catch {
                    pendingInclude = nil
                    skipStatement()
                }
            }
            if let (path, bytes) = pendingInclude {
                pendingInclude = nil
                lexer.include(path, bytes)
            }
            if token.kind != .end { advance() }
        }
        checkWhole()
        if diagnostics.contains(where: { $0.severity == .error }) { return .failed(diagnostics) }
        return .configuration(result, notes: diagnostics)
    }

    private mutating func skipStatement() {
        while token.kind != .newline && token.kind != .end { advance() }
    }

    private mutating func statement() throws(StatementFailure) {
        if isKeyword("include") {
            try include()
        } else if !(try macro()) {
            if case .word(let head) = token.kind, isOperationStatement(head) { return try operationStatement() }
            switch generation {
            case .match: try matchStatement()
            case .accept: try acceptStatement()
            }
        }
    }

    private mutating func include() throws(StatementFailure) {
        advance()
        let location = token.location
        let path = try string("the path of a file in quotes")
        guard lexer.canInclude else {
            throw fail(at: location, "includes nest deeper than \(Lexer.maximumIncludeDepth) files, or are more than \(Lexer.maximumIncludes)")
        }
        do {
            pendingInclude = (path, try environment.contents(ofFile: path))
        } catch {
            throw fail(at: location, "failed to include file \(path): \(error.text)")
        }
    }

    /// Takes `name = value`; false, with nothing taken, when the statement is another.
    private mutating func macro() throws(StatementFailure) -> Bool {
        guard isString else { return false }
        if case .word(let word) = token.kind, isContextualStatement(word) || isOperationStatement(word) {
            return false
        }
        let name = token
        advance()
        guard token.isMark("=") else {
            switch name.kind {
            case .word(let word):
                let modern = generation == .match ? Self.replacement(ofAcceptHead: word) : nil
                throw unexpected(name, modern ?? "a statement")
            default: throw unexpected("`=` after the name of a macro")
            }
        }
        guard let text = name.kind.string else { return false }
        if generation == .match, text.utf8.contains(where: { $0 == 0x20 || $0 == 0x09 }) {
            throw fail(at: name.location, "macro name cannot contain whitespace")
        }
        advance()
        lexer.macros.define(text, try string("the value of a macro, a word or a quoted string"), at: name.location)
        return true
    }
}

// Tokens.
extension ConfigurationParser {
    mutating func advance() {
        token = lexer.next()
        if token.isLatin1 { warn(at: token.location, "this string is not UTF-8 and is read as ISO 8859-1") }
    }

    func isKeyword(_ word: String) -> Bool { token.kind == .word(word) }

    /// Takes a keyword if it is there.
    mutating func take(_ word: String) -> Bool {
        guard isKeyword(word) else { return false }
        advance()
        return true
    }

    mutating func take(mark: Unicode.Scalar) -> Bool {
        guard token.isMark(mark) else { return false }
        advance()
        return true
    }

    mutating func require(_ word: String) throws(StatementFailure) {
        guard take(word) else { throw unexpected("`\(word)`") }
    }

    /// The token is a quoted string or a word without a meaning of its own.
    var isString: Bool {
        switch token.kind {
        case .quoted: true
        case .word(let word): !ReservedWords.contains(word, in: generation)
        default: false
        }
    }

    mutating func string(_ what: String) throws(StatementFailure) -> String {
        guard isString, let text = token.kind.string else { throw unexpected(what) }
        advance()
        return text
    }

    /// A name where no keyword can stand: reserved words are names there too.
    mutating func name(_ what: String) throws(StatementFailure) -> String {
        guard let text = token.kind.string else { throw unexpected(what) }
        advance()
        return text
    }

    /// A whole number in a range.
    mutating func number(_ what: String, in range: ClosedRange<Int>) throws(StatementFailure) -> Int {
        guard case .number(let value, let spelling) = token.kind else { throw unexpected(what) }
        guard let number = Int(exactly: value), range.contains(number) else {
            throw fail(
                at: token.location, "\(spelling) is out of range",
                expected: "\(what) from \(range.lowerBound) to \(range.upperBound)")
        }
        advance()
        return number
    }
}

// Mistakes.
extension ConfigurationParser {
    /// Notes that the token looked at does not belong there.
    mutating func unexpected(_ expected: String) -> StatementFailure { unexpected(token, expected) }

    mutating func unexpected(_ token: Token, _ expected: String) -> StatementFailure {
        if case .invalid(let reason) = token.kind { return fail(at: token.location, reason) }
        return fail(at: token.location, "syntax error at \(token.text)", expected: expected)
    }

    mutating func fail(at location: SourceLocation?, _ message: String, expected: String? = nil) -> StatementFailure {
        diagnostics.append(Diagnostic(at: location, message, expected: expected))
        return StatementFailure()
    }

    mutating func warn(at location: SourceLocation?, _ message: String) {
        diagnostics.append(Diagnostic(.warning, at: location, message))
    }

    mutating func note(at location: SourceLocation?, _ message: String) {
        diagnostics.append(Diagnostic(.note, at: location, message))
    }
}
