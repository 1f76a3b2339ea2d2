import SeededTesting
import Testing

@testable import Tables

private func entries(_ file: TableFile) -> [String] {
    file.elements.map { element in element.value.map { "\(element.key)=\($0)" } ?? element.key }
}

@Suite("Table files (table(5))") struct TableFileTests {
    private func read(_ text: String) -> TableFile { TableFile(Array(text.utf8)) }

    @Test func `blank lines, comments and blanks around entries are ignored`() {
        let file = read("# comment\n\n  example.org  \n\t# more\nexample.net\r\n")
        #expect(file.kind == .list)
        #expect(entries(file) == ["example.org", "example.net"])
        #expect(file.isUsable)
    }

    @Test func `the first entry decides between list and mapping`() {
        #expect(read("a b\nc d\n").kind == .mapping)
        #expect(read("a\nb c\n").kind == .list)
        #expect(read("a:\n").errors == [TableFileProblem(line: 1, kind: .missingValue)])
        #expect(entries(read("a\nb c\n")) == ["a", "b c"])
    }

    @Test func `a comment declares a list`() {
        let file = read("# @list\n::1\na b\n")
        #expect(file.kind == .list)
        #expect(entries(file) == ["::1", "a b"])
        #expect(read("a b\n# @list\n").kind == .mapping)
    }

    @Test func `a file without entries is a mapping`() {
        #expect(read("").kind == .mapping)
        #expect(read("# @list\n").kind == .mapping)
    }

    @Test(arguments: [
        ("key value", "key=value"), ("key:value", "key=value"), ("key: value", "key=value"), ("key\tvalue", "key=value"),
        ("key : value", "key=value"), ("key  \t value with blanks ", "key=value with blanks"),
        ("key: value # not a comment", "key=value # not a comment"), ("isp user:password", "isp=user:password"),
        ("list :include:/etc/list", "list=:include:/etc/list"), ("list: :include:/etc/list", "list=:include:/etc/list"),
        ("[2001:db8::1] mail.example.org", "[2001:db8::1]=mail.example.org"),
        ("2001:db8::1 mail.example.org", "2001:db8::1=mail.example.org"),
        ("ipv6:2001:db8::1 mail.example.org", "ipv6:2001:db8::1=mail.example.org"),
        ("192.0.2.1: mail.example.org", "192.0.2.1=mail.example.org"), ("::1", "::1"), ("ipv6:::1", "ipv6:::1"),
        ("[::1]", "[::1]"), ("2001:db8::/32", "2001:db8::/32"),
    ])
    func `splits`(_ line: String, into entry: String) {
        #expect(entries(read(line)) == [entry])
    }

    @Test func `a mapping with a line without value names that line`() {
        let file = read("a b\n\nc\n:d\nad: \n")
        #expect(!file.isUsable)
        #expect(
            file.errors == [
                TableFileProblem(line: 3, kind: .missingValue), TableFileProblem(line: 4, kind: .emptyKey),
                TableFileProblem(line: 5, kind: .missingValue),
            ])
        #expect(file.errors[0].description == "line 3: entry without a value")
    }

    @Test func `bytes that are no text are refused with their line`() {
        #expect(TableFile([0x61, 0x0A, 0xFF, 0x0A]).errors == [TableFileProblem(line: 2, kind: .notUTF8)])
        #expect(TableFile([0x61, 0x0A, 0x62, 0x00]).errors == [TableFileProblem(line: 2, kind: .nulByte)])
    }

    @Test func `no more than twenty problems are kept`() {
        #expect(read("a b\n" + String(repeating: "x\n", count: 21)).errors.count == 20)
    }

    @Test func `what is kept of hostile files is read to its end`() {
        let inputs = HostileInputs.all("table-file")
        #expect(inputs.count >= 10)
        for bytes in inputs.flatMap({ HostileInputs.variants(of: $0.bytes) }) {
            #expect(TableFile(bytes).errors.count <= 20)
            #expect(TableFile(aliases: bytes).errors.count <= 20)
            // Refused or read: that it returns is what counts.
            _ = try? ItemFile.items(bytes, limit: 100)
            _ = try? ExpansionItem.list(bytes)
        }
    }

    @Test func `no content crashes the parser`() {
        var random = SplitMix64(seed: 21)
        let samples = [
            "# @list\n::1\n", "[::1]: x\nb c\n", "\"a b\": c,\n  d\n", "a: b \\\n c\n", "ipv6:::1 x\n:\n : \n[\n]\n", "x: \"|c\", :include:/p\n",
        ]
        for _ in 0..<10_000 {
            let bytes = mutated(samples, &random)
            _ = TableFile(bytes)
            _ = TableFile(aliases: bytes)
            // Nothing thrown on purpose is lost: only that it returns matters.
            _ = try? ItemFile.items(bytes, limit: 100)
            _ = try? ExpansionItem.list(bytes)
        }
    }
}

@Suite("Alias files (aliases(5))") struct AliasFileTests {
    private func read(_ text: String) -> TableFile { TableFile(aliases: Array(text.utf8)) }

    @Test func `a Debian alias file reads`() {
        let file = read("# /etc/aliases\nmailer-daemon: postmaster\npostmaster: root\nnobody: root\nroot:\tada\n")
        #expect(entries(file) == ["mailer-daemon=postmaster", "postmaster=root", "nobody=root", "root=ada"])
        #expect(file.warnings.isEmpty)
    }

    @Test(arguments: [
        ("team: ada,\n  bob,\n\tcarol\n", ["team=ada, bob, carol"]),
        ("team: ada\n  , bob\n", ["team=ada , bob"]),
        ("team:\n  ada\n", ["team=ada"]),
        ("team: ada, \\\nbob\n", ["team=ada, bob"]),
        ("team: ada,\n# comment\n\n  bob\n", ["team=ada, bob"]),
        ("a: b\n  c: d\n", ["a=b", "c=d"]),
        ("  a: b\n", ["a=b"]),
        ("a: b\n  info@example.org  ada\n", ["a=b", "info@example.org=ada"]),
        ("a: b,\n  \"|/bin/cat x\"\n", ["a=b, \"|/bin/cat x\""]),
        ("a: b,\n  :include:/etc/list\n", ["a=b, :include:/etc/list"]),
        ("\"Ada Lovelace\": ada\n", ["Ada Lovelace=ada"]),
        ("\"ada\"@example.org: x\n", ["ada@example.org=x"]),
        ("\"a\\\"b\": x\n", ["a\"b=x"]),
        ("Ada : x\n", ["Ada=x"]),
        ("@example.org ada\n@ bob\n", ["@example.org=ada", "@=bob"]),
    ])
    func `reads`(_ text: String, _ expected: [String]) {
        let file = read(text)
        #expect(entries(file) == expected)
        #expect(file.warnings.isEmpty)
    }

    @Test func `a bad line costs that line only and is named`() {
        let file = read("a: b\nbad\n\"open: x\nc: d\n: y\n")
        #expect(entries(file) == ["a=b", "c=d"])
        #expect(file.isUsable)
        #expect(
            file.warnings == [
                TableFileProblem(line: 2, kind: .missingValue), TableFileProblem(line: 3, kind: .unbalancedQuote),
                TableFileProblem(line: 5, kind: .emptyKey),
            ])
    }

    @Test func `a value that cannot be expanded is kept and named`() {
        let file = read("a: b c d\ne: \"open\nok: x\n")
        #expect(file.elements.count == 3)
        #expect(file.warnings.map(\.line) == [1, 2])
    }

    @Test func `a repeated key is named and the later counts`() {
        let file = read("a: b\nA: c\n")
        #expect(file.warnings == [TableFileProblem(line: 2, kind: .duplicateKey("A"))])
        var table = StaticTable(name: "t", kind: file.kind, elements: file.elements)
        #expect(table.answer(TableQuery(table: "t", service: .alias, operation: .lookup, key: "a")) == .found("c"))
    }
}
