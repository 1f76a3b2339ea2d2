import Testing

@testable import Configuration

private func tokens(_ text: String, _ generation: Generation = .match, macros: [(String, String)] = []) -> [Token] {
    tokens(Array(text.utf8), generation, macros: macros)
}

private func tokens(_ text: [UInt8], _ generation: Generation = .match, macros: [(String, String)] = []) -> [Token] {
    var lexer = Lexer(file: "f", bytes: text, generation: generation, macros: MacroTable(persistent: macros))
    var tokens: [Token] = []
    while true {
        let token = lexer.next()
        if token.kind == .end { return tokens }
        tokens.append(token)
    }
}

private func kinds(_ text: String, _ generation: Generation = .match, macros: [(String, String)] = []) -> [Token.Kind] {
    tokens(text, generation, macros: macros).map(\.kind).filter { $0 != .newline }
}

@Suite("Lines, comments and continuation (smtpd.conf)") struct LineTests {
    @Test func `a backslash at the end of a line joins it with the next`() {
        #expect(tokens("a \\\nb\n").map(\.kind) == [.word("a"), .word("b"), .newline])
        #expect(tokens("foo\\\nbar\n").map(\.kind) == [.word("foobar"), .newline])
    }

    @Test func `a comment that ends in a backslash swallows the next line`() {
        #expect(tokens("# a \\\nb\nc\n").map(\.kind) == [.newline, .word("c"), .newline])
    }

    @Test func `a comment ends a statement's tokens but not its line`() {
        #expect(tokens("a # b\n").map(\.kind) == [.word("a"), .newline])
    }

    @Test func `a last line without its newline is complete`() {
        #expect(tokens("a").map(\.kind) == [.word("a"), .newline])
        #expect(tokens("").isEmpty)
        #expect(tokens("# only a comment").isEmpty)
    }

    @Test func `a token knows its line and column`() {
        let list = tokens("ab  cd\n\tef \\\n  gh\n").filter { $0.kind != .newline }
        #expect(list.map(\.location.line) == [1, 1, 2, 3])
        #expect(list.map(\.location.column) == [1, 5, 2, 3])
    }

    @Test func `a backslash makes the next character ordinary outside quotes`() {
        #expect(kinds("a\\bc") == [.word("abc")])
        #expect(kinds("a\\ b") == [.word("a"), .word("b")])
    }

    @Test func `a carriage return is no blank`() {
        #expect(tokens("a\r\n").map(\.kind) == [.word("a"), .mark(0x0D), .newline])
    }
}

@Suite("Words, strings and numbers (smtpd.conf)") struct WordTests {
    @Test(arguments: ["a/b:c.d*", "_x", ":25", "file:/etc/aliases", "4d", "10M", "1.2.3.4", "a$b", "it's", "x-y"])
    func `is one word`(_ text: String) {
        #expect(kinds(text) == [.word(text)])
    }

    @Test(arguments: ["/path", "*.org", "@x", "+", "[::1]", ".x", "-x", "é"])
    func `does not start a word`(_ text: String) throws {
        let first = try #require(kinds(text).first)
        guard case .mark = first else {
            Issue.record("\(first)")
            return
        }
    }

    @Test(arguments: [("25", 25), ("-1", -1), ("0", 0), ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min)])
    func `is a number`(_ text: String, _ value: Int64) {
        #expect(kinds(text) == [.number(value, text)])
    }

    @Test func `a number that does not fit 64 bits is refused`() {
        #expect(kinds("9223372036854775808 x") == [.invalid("\"9223372036854775808\" is too large a number")])
    }

    @Test func `digits followed by a comma, brace, slash or equals sign are a number`() {
        #expect(kinds("1,2") == [.number(1, "1"), .mark(UInt8(ascii: ",")), .number(2, "2")])
        #expect(kinds("1}") == [.number(1, "1"), .mark(UInt8(ascii: "}"))])
        #expect(kinds("10/8") == [.number(10, "10"), .mark(UInt8(ascii: "/")), .number(8, "8")])
        #expect(kinds("1=2") == [.number(1, "1"), .mark(UInt8(ascii: "=")), .number(2, "2")])
    }

    @Test func `=> is one token`() {
        #expect(kinds("a=>b") == [.word("a"), .arrow, .word("b")])
        #expect(kinds("a= >") == [.word("a"), .mark(UInt8(ascii: "=")), .mark(UInt8(ascii: ">"))])
    }

    @Test(arguments: [
        (#""a b""#, "a b"), (#"'a "b"'"#, #"a "b""#), (#""a \"b\"""#, #"a "b""#), (#""a\.b""#, #"a\.b"#),
        ("\"a\nb\"", "ab"), ("\"a\\\nb\"", "ab"), (#""$x #""#, "$x #"), (#""a\ b""#, "a b"),
    ])
    func `is a quoted string`(_ text: String, _ value: String) {
        #expect(kinds(text) == [.quoted(value)])
    }

    @Test func `5.4 keeps the backslash before a blank in quotes`() {
        #expect(kinds(#""a\ b""#, .accept) == [.quoted(#"a\ b"#)])
    }

    @Test func `a quote without an end is refused where it starts`() throws {
        let token = try #require(tokens("a \"b\nc\n").first { $0.kind != .word("a") })
        #expect(token.kind == .invalid("quoted string without an end"))
        #expect(token.location.line == 1)
        #expect(token.location.column == 3)
    }

    @Test func `NUL is refused in quotes`() {
        #expect(tokens([0x22, 0x00, 0x22]).first?.kind == .invalid("syntax error: NUL in a quoted string"))
    }

    @Test func `a quoted string that is not UTF-8 is read as Latin-1, which is told`() {
        #expect(tokens([0x22, 0xE9, 0x22]).first?.kind == .quoted("\u{E9}"))
        let text = Array("match tag \"".utf8) + [0xE9] + Array("\" reject".utf8)
        guard case .configuration(_, let notes) = ConfigurationLoader.load(text: text, named: "f", macros: [], environment: FakeMachine())
        else {
            Issue.record("it did not load")
            return
        }
        #expect(notes.map(\.description) == ["f:1:11: warning: this string is not UTF-8 and is read as ISO 8859-1"])
    }

    @Test func `a token has at most 8095 bytes`() {
        let longest = String(repeating: "x", count: Lexer.maximumTokenLength)
        #expect(kinds(longest) == [.word(longest)])
        #expect(kinds("\"\(longest)\"") == [.quoted(longest)])
        #expect(kinds(longest + "x") == [.invalid("string too long")])
        #expect(kinds("\"\(longest)x\"") == [.invalid("string too long")])
    }
}

@Suite("Macros (smtpd.conf)") struct MacroTests {
    @Test func `a value is read as tokens in place`() {
        #expect(kinds("a $m b", macros: [("m", "x 25 \"y z\"")]) == [.word("a"), .word("x"), .number(25, "25"), .quoted("y z"), .word("b")])
    }

    @Test func `what follows directly belongs to the last token`() {
        #expect(kinds("$m/sub", macros: [("m", "path")]) == [.word("path/sub")])
    }

    @Test func `a value is not expanded again`() {
        #expect(kinds("$m", macros: [("m", "$n"), ("n", "x")]) == [.mark(UInt8(ascii: "$")), .word("n")])
    }

    @Test func `quotes are not expanded`() {
        #expect(kinds("\"$m\"", macros: [("m", "x")]) == [.quoted("$m")])
    }

    @Test func `an empty value is nothing`() {
        #expect(kinds("a $m b", macros: [("m", "")]) == [.word("a"), .word("b")])
    }

    @Test func `an undefined macro is refused and the line with it`() {
        #expect(tokens("a $m b\nc\n").map(\.kind) == [.word("a"), .invalid("macro 'm' not defined"), .newline, .word("c"), .newline])
    }

    @Test func `the last definition counts, but the command line counts more`() throws {
        let text = "n = \"one\"\nn = \"two\"\naction a mda $n\nmatch for any action a\n"
        #expect(try configuration(text).actions["a"]?.kind == .local(LocalAction(method: .command("two"))))
        #expect(try configuration(text, macros: [("n", "zero")]).actions["a"]?.kind == .local(LocalAction(method: .command("zero"))))
    }

    @Test func `the name of a 7.x macro has no blanks`() {
        #expect(errors("\"a b\" = x\nmatch reject\n") == ["smtpd.conf:1:1: macro name cannot contain whitespace"])
    }

    @Test func `a value is one word or string`() {
        #expect(errors("a = 25\nmatch reject\n").count == 1)
        #expect(errors("a = b c\nmatch reject\n").count == 1)
    }

    @Test func `a macro nobody uses is noted`() {
        #expect(notes("a = b\nmatch reject\n") == ["smtpd.conf:1:1: note: macro a is not used"])
        #expect(notes("match reject\n", macros: [("d", "x")]) == ["note: macro d is not used"])
    }
}

@Suite("Includes (smtpd.conf)") struct IncludeTests {
    @Test func `the included text stands where the include stands`() throws {
        let machine = FakeMachine().with("/inc/a", "table t { x }").with("/inc/b", "include \"/inc/a\"\naction a mbox\n")
        let result = try configuration("include \"/inc/b\"\nmatch for domain <t> action a\n", on: machine)
        #expect(result.tables["t"]?.content == .list(["x"]))
    }

    @Test func `a mistake is told with the file it is in`() {
        let machine = FakeMachine().with("/inc/a", "action a mbox\nnonsense\n")
        #expect(errors("include \"/inc/a\"\nmatch reject\n", on: machine) == ["/inc/a:2:1: syntax error at `nonsense`, expected a statement"])
    }

    @Test func `a file that cannot be read is a mistake of the include line`() {
        #expect(errors("\ninclude \"/missing\"\nmatch reject\n") == ["smtpd.conf:2:9: failed to include file /missing: no such file"])
    }

    @Test func `a file that includes itself is refused`() {
        let machine = FakeMachine().with("/inc/a", "include \"/inc/a\"\n")
        #expect(errors("include \"/inc/a\"\nmatch reject\n", on: machine).contains { $0.contains("nest deeper than 16") })
    }

    @Test func `a file that includes itself many times ends all the same`() {
        let machine = FakeMachine().with("/inc/a", String(repeating: "include \"/inc/a\"\n", count: 10))
        #expect(!errors("include \"/inc/a\"\nmatch reject\n", on: machine).isEmpty)
    }

    @Test func `sixteen files deep is allowed, seventeen is not`() {
        var machine = FakeMachine()
        for depth in 1...17 { machine = machine.with("/inc/\(depth)", depth == 1 ? "" : "include \"/inc/\(depth - 1)\"\n") }
        #expect(errors("include \"/inc/16\"\nmatch reject\n", on: machine).isEmpty)
        #expect(errors("include \"/inc/17\"\nmatch reject\n", on: machine).count == 1)
    }

    @Test func `rules in an included file decide the language`() throws {
        let machine = FakeMachine().with("/inc/rules", "accept for any relay\n")
        #expect(try configuration("expire 1d\ninclude \"/inc/rules\"\n", on: machine).generation == .accept)
    }
}
