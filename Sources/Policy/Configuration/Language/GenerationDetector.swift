/// Finds out in which language a configuration is written, from how its statements begin.
struct GenerationDetector {
    enum Finding {
        case one(Generation)
        /// Rules of both kinds: the first of each.
        case mixed(accept: Heading, match: Heading)
    }

    struct Heading {
        var word: String
        var location: SourceLocation
    }

    private var acceptRule: Heading?
    private var matchRule: Heading?
    private var acceptHint = false
    private var matchHint = false

    /// Reads the whole text loosely: only the first words of statements, macros and includes count, and
    /// mistakes are left to the parser.
    static func detect(_ source: ConfigurationSource, environment: any ConfigurationEnvironment) -> Finding {
        var detector = GenerationDetector()
        var lexer = source.lexer(for: .match)
        var token = lexer.next()
        while token.kind != .end {
            let head = token
            token = lexer.next()
            if head.kind == .word("include"), let path = token.kind.string {
                token = lexer.next()
                if token.kind == .newline, lexer.canInclude {
                    // A file that cannot be read is the parser's business to report.
                    if let bytes = try? environment.contents(ofFile: path) { lexer.include(path, bytes) }
                }
            } else if token.isMark("="), let name = head.kind.string {
                token = lexer.next()
                if let value = token.kind.string { lexer.macros.define(name, value, at: token.location) }
            } else if case .word(let word) = head.kind {
                detector.note(word, followedBy: token, at: head.location)
            }
            if head.kind == .newline { continue }
            while token.kind != .newline, token.kind != .end { token = lexer.next() }
            if token.kind == .newline { token = lexer.next() }
        }
        return detector.finding
    }

    private mutating func note(_ word: String, followedBy next: Token, at location: SourceLocation) {
        switch word {
        case "accept", "reject":
            if acceptRule == nil { acceptRule = Heading(word: word, location: location) }
        case "action", "match":
            if matchRule == nil { matchRule = Heading(word: word, location: location) }
        case "bounce-warn", "expire", "limit", "filterchain", "max-message-size", "max-mta-deferred":
            acceptHint = true
        case "smtp", "scheduler", "srs", "admd", "proc", "bounce", "mda", "mta":
            matchHint = true
        default:
            break
        }
    }

    private var finding: Finding {
        switch (acceptRule, matchRule) {
        case (let accept?, let match?): .mixed(accept: accept, match: match)
        case (.some, nil): .one(.accept)
        case (nil, .some): .one(.match)
        case (nil, nil): .one(acceptHint && !matchHint ? .accept : .match)
        }
    }
}

extension Token.Kind {
    /// The text of a word or a quoted string.
    var string: String? {
        switch self {
        case .word(let text), .quoted(let text): text
        default: nil
        }
    }
}

/// The bytes to read and the macros to read them with.
struct ConfigurationSource {
    var name: String
    var bytes: [UInt8]
    var macros: [(String, String)]

    func lexer(for generation: Generation) -> Lexer {
        Lexer(file: name, bytes: bytes, generation: generation, macros: MacroTable(persistent: macros))
    }
}
