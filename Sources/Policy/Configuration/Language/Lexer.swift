import MailSyntax

/// Turns the bytes of a configuration and of the files it includes into tokens.
///
/// Hands out tokens one by one and never fails: what is no token is one of kind `invalid`, after which
/// reading goes on at the next line. The rules are those of smtpd.conf(5) and, where it is silent, of
/// the daemons whose files we read.
struct Lexer {
    /// The longest word, quoted string or macro name, in bytes.
    static let maximumTokenLength = 8095
    /// How deep includes may nest: more than a sensible file, less than one that includes itself.
    static let maximumIncludeDepth = 16
    /// How many files one configuration may include in all: files that include each other several times
    /// would multiply within the depth.
    static let maximumIncludes = 1_000

    var generation: Generation
    var macros: MacroTable
    private var file: OpenFile
    /// The files that include the one being read, outermost first.
    private var outer: [OpenFile] = []
    private var filesOpened = 1
    /// Where the byte read last stands, in the file being read.
    private var last = Position()
    /// The quoted string read last was no UTF-8.
    private var isLatin1 = false

    private struct OpenFile {
        var name: String
        var number: Int
        var bytes: [UInt8]
        var cursor = Cursor()
        /// The last token of this file was the end of a line, or there was none yet.
        var isAtLineStart = true
    }

    /// A place to read on from; a copy is a place to come back to.
    private struct Cursor {
        var offset = 0
        var line = 1
        var lineStart = 0
        var expansion: Expansion?
    }

    private struct Expansion {
        var macro: String
        var value: [UInt8]
        var index = 0
        var start: Position

        var isSpent: Bool { index >= value.count }
    }

    private struct Position {
        var line = 1
        var column = 1
        var offset = 0
    }

    init(file name: String, bytes: [UInt8], generation: Generation, macros: MacroTable) {
        self.generation = generation
        self.macros = macros
        self.file = OpenFile(name: name, number: 0, bytes: bytes)
    }

    /// Reads a file next, and then what follows in the current one.
    mutating func include(_ name: String, _ bytes: [UInt8]) {
        outer.append(file)
        file = OpenFile(name: name, number: filesOpened, bytes: bytes)
        filesOpened += 1
    }

    /// True when one more file may be included.
    var canInclude: Bool { outer.count < Self.maximumIncludeDepth && filesOpened <= Self.maximumIncludes }

    /// The next token; `end` again and again after the last one.
    mutating func next() -> Token {
        while true {
            var byte = self.byte()
            while byte == 0x20 || byte == 0x09 { byte = self.byte() }
            if byte == UInt8(ascii: "#") {
                repeat { byte = self.byte() } while byte != nil && byte != 0x0A
            }
            guard let byte else {
                // A last line without its newline is complete all the same.
                if !file.isAtLineStart {
                    file.isAtLineStart = true
                    return token(.newline, from: position)
                }
                guard let includer = outer.popLast() else { return token(.end, from: position) }
                file = includer
                continue
            }
            let start = last
            let expansion = file.cursor.expansion
            if byte == UInt8(ascii: "$"), expansion == nil {
                if let failure = expandMacro() { return token(.invalid(failure), from: start) }
                continue
            }
            file.isAtLineStart = byte == 0x0A
            let kind = self.kind(startingWith: byte)
            if case .invalid = kind { skipLine() }
            var token = token(kind, from: start)
            token.isLatin1 = isLatin1
            isLatin1 = false
            if let expansion {
                token.macro = expansion.macro
                token.isWholeMacro = kind.string.map { $0.utf8.elementsEqual(expansion.value) } ?? false
            }
            return token
        }
    }

    private func token(_ kind: Token.Kind, from start: Position) -> Token {
        Token(
            kind: kind, location: SourceLocation(file: file.name, line: start.line, column: start.column),
            range: start.offset..<max(start.offset, file.cursor.offset), fileNumber: file.number)
    }

    private mutating func kind(startingWith byte: UInt8) -> Token.Kind {
        switch byte {
        case 0x0A:
            return .newline
        case UInt8(ascii: "'"), UInt8(ascii: "\""):
            return quoted(by: byte)
        case UInt8(ascii: "="):
            let here = cursor
            if self.byte() == UInt8(ascii: ">") { return .arrow }
            cursor = here
            return .mark(byte)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let here = cursor
            if let number = number(startingWith: byte) { return number }
            cursor = here
            return byte == UInt8(ascii: "-") ? .mark(byte) : word(startingWith: byte)
        default:
            let starts = isASCIIAlphanumeric(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "_")
            return starts ? word(startingWith: byte) : .mark(byte)
        }
    }

    private mutating func word(startingWith first: UInt8) -> Token.Kind {
        var bytes = [first]
        while true {
            let here = cursor
            guard let byte = self.byte(), Self.isWordByte(byte) else {
                cursor = here
                return .word(String(decoding: bytes, as: UTF8.self))
            }
            guard bytes.count < Self.maximumTokenLength else { return .invalid("string too long") }
            bytes.append(byte)
        }
    }

    /// Letters, digits and the marks that have no meaning of their own.
    static func isWordByte(_ byte: UInt8) -> Bool {
        guard byte > 0x20, byte < 0x7F else { return false }
        switch byte {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "<"),
            UInt8(ascii: ">"), UInt8(ascii: "!"), UInt8(ascii: "="), UInt8(ascii: "#"), UInt8(ascii: ","):
            return false
        default:
            return true
        }
    }

    private mutating func quoted(by quote: UInt8) -> Token.Kind {
        var bytes: [UInt8] = []
        while true {
            guard var byte = rawByte() else { return .invalid("quoted string without an end") }
            if byte == quote { break }
            if byte == 0x0A { continue }
            if byte == 0 { return .invalid("syntax error: NUL in a quoted string") }
            if byte == UInt8(ascii: "\\") {
                let here = cursor
                switch rawByte() {
                case 0x0A: continue
                case quote: byte = quote
                case let blank? where (blank == 0x20 || blank == 0x09) && generation == .match: byte = blank
                default: cursor = here
                }
            }
            guard bytes.count < Self.maximumTokenLength else { return .invalid("string too long") }
            bytes.append(byte)
        }
        if let text = String(validating: bytes, as: UTF8.self) { return .quoted(text) }
        isLatin1 = true
        return .quoted(String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })))
    }

    /// Nil when the characters are no number but the start of a word.
    private mutating func number(startingWith first: UInt8) -> Token.Kind? {
        var bytes = [first]
        var here = cursor
        while let byte = self.byte() {
            guard isASCIIDigit(byte) else {
                switch byte {
                case 0x09...0x0D, 0x20, UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: "/"), UInt8(ascii: "}"),
                    UInt8(ascii: "="):
                    cursor = here
                default:
                    return nil
                }
                break
            }
            guard bytes.count < Self.maximumTokenLength else { return .invalid("string too long") }
            bytes.append(byte)
            here = cursor
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if text == "-" { return nil }
        guard let value = Int64(text) else { return .invalid("\"\(text)\" is too large a number") }
        return .number(value, text)
    }

    /// Takes the name after `$` and reads its value next; returns what is wrong.
    private mutating func expandMacro() -> String? {
        let start = last
        var bytes: [UInt8] = []
        while true {
            let here = cursor
            guard let byte = self.byte(), isASCIIAlphanumeric(byte) || byte == UInt8(ascii: "_") else {
                cursor = here
                break
            }
            guard bytes.count < Self.maximumTokenLength else {
                skipLine()
                return "string too long"
            }
            bytes.append(byte)
        }
        let name = String(decoding: bytes, as: UTF8.self)
        guard let value = macros.use(name) else {
            skipLine()
            return "macro '\(name)' not defined"
        }
        cursor.expansion = Expansion(macro: name, value: value, start: start)
        return nil
    }

    /// Goes to the end of the line, so that the next token is the newline.
    private mutating func skipLine() {
        file.isAtLineStart = false
        while true {
            let here = cursor
            guard let byte = self.byte() else { return }
            if byte == 0x0A {
                cursor = here
                return
            }
        }
    }
}

// Bytes.
extension Lexer {
    private var cursor: Cursor {
        get { file.cursor }
        set { file.cursor = newValue }
    }

    /// Where the next byte stands; all of an expansion stands where its `$` does.
    private var position: Position {
        if let expansion = file.cursor.expansion, !expansion.isSpent { return expansion.start }
        return Position(
            line: file.cursor.line, column: file.cursor.offset - file.cursor.lineStart + 1, offset: file.cursor.offset)
    }

    /// The next byte of the macro being expanded or of the file, nil at the file's end.
    private mutating func rawByte() -> UInt8? {
        if let expansion = file.cursor.expansion {
            if !expansion.isSpent {
                last = expansion.start
                file.cursor.expansion?.index += 1
                return expansion.value[expansion.index]
            }
            file.cursor.expansion = nil
        }
        last = position
        let offset = file.cursor.offset
        guard offset < file.bytes.count else { return nil }
        let byte = file.bytes[offset]
        file.cursor.offset = offset + 1
        if byte == 0x0A {
            file.cursor.line += 1
            file.cursor.lineStart = offset + 1
        }
        return byte
    }

    /// The next byte outside quotes: a backslash joins two lines or makes the byte after it ordinary.
    private mutating func byte() -> UInt8? {
        while let first = rawByte() {
            guard first == UInt8(ascii: "\\") else { return first }
            guard let second = rawByte() else { return nil }
            if second != 0x0A { return second }
        }
        return nil
    }
}
