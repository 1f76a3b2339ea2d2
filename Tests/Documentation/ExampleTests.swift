import Configuration
import Testing

@Suite("The manual's examples are what they are said to be") struct ExampleTests {
    @Test(arguments: [
        "smtpd.conf.5", "table.5", "aliases.5", "forward.5", "smtpd.8", "smtpctl.8", "makemap.8", "smtpd-filters.7", "smtpd-examples.7",
        "table-ldap.5", "table-mysql.5", "table-postgres.5", "table-redis.5", "table-socketmap.5", "table-sqlite.5",
    ])
    func `every display of a page`(_ name: String) throws {
        let examples = try Repository.page(name).examples
        #expect(!examples.isEmpty)
        for example in examples {
            for problem in ExampleReading.problems(of: example) {
                Issue.record("man/\(name):\(example.line): \(problem)")
            }
        }
    }

    @Test func `smtpd.conf(5) shows both languages`() throws {
        let page = try Repository.page("smtpd.conf.5")
        #expect(page.examples("match").count >= 3)
        #expect(page.examples("accept").count >= 3)
    }

    @Test func `alias files of aliases(5) are accepted by the configuration, the one with a bad line too`() throws {
        let page = try Repository.page("aliases.5")
        let examples = page.examples("aliases") + page.examples("aliases, warned")
        #expect(examples.count == 3)
        for text in examples.map(\.text) + ["team:\n    ada\n", "odd\nroot: ada\n"] {
            #expect(Self.errors(aliases: text, use: "alias") == [], "\(text)")
            #expect(Self.errors(aliases: text, use: "virtual") == [], "\(text)")
        }
    }

    @Test func `a file with a bad line is refused for any other use, and for none`() {
        let text = "ada 5000:5000:/srv/mail/ada\ngrace\n"
        #expect(Self.errors(aliases: text, use: "userbase").count == 1)
        #expect(Self.errors(aliases: text, use: nil).count == 1)
    }

    private static func errors(aliases: String, use: String?) -> [String] {
        let option = use.map { "\($0) <aliases>" } ?? ""
        let text = "table aliases file:/etc/aliases\naction a maildir \(option)\nmatch action a\n"
        var machine = ExampleMachine()
        machine.aliases = aliases
        let result = ConfigurationLoader.load(text: Array(text.utf8), named: "example", macros: [], environment: machine)
        switch result {
        case .configuration: return []
        case .failed(let diagnostics): return diagnostics.map(\.description)
        }
    }

    // What follows shows that the test above can fail.

    @Test(arguments: [
        ("match", "action a maildir\nmatch from any actoin a\n"),
        ("match", "accept for local deliver to mbox\n"),
        ("accept", "match for local reject\n"),
        ("accept", "accept for local deliver to pigeon\n"),
        ("match", "table t pigeon:/loft\naction a maildir\nmatch for domain <t> action a\n"),
        ("match, later", "action a maildir\nmatch from any action a\n"),
        ("match, part", "listen on nowhere\n"),
        ("accept, part", "expire 4\n"),
        ("configuration", "table a file:/no/such/file\n"),
        ("list", "a b\n"),
        ("mapping", "a\n"),
        ("mapping", "a b\nc\n"),
        ("refused", "a b\n"),
        ("aliases", "ada\n"),
        ("aliases", "ada: what is this\n"),
        ("aliases, warned", "ada: grace\n"),
        ("forward", "what is this\n"),
        ("forward", "# nothing\n"),
        ("settings", "dbpath\n"),
        ("settings", "# nothing\n"),
        ("pigeon", "coo\n"),
        (nil, "unmarked\n"),
    ])
    func `a wrong one is found`(_ mark: String?, _ text: String) {
        #expect(!ExampleReading.problems(of: ManualPage.Example(mark: mark, text: text, line: 1)).isEmpty)
    }

    @Test func `displays, marks and escapes are read as a reader sees them`() {
        let page = ManualPage(
            """
            .\\" Example: list
            .Bd -literal -offset indent
            a \\e
            \\&.b
            .Ed
            .\\" Example: mapping
            Text between.
            .Bd -literal
            c
            .Ed
            """)
        #expect(page.examples.map(\.mark) == ["list", nil])
        #expect(page.examples.map(\.text) == ["a \\\n.b\n", "c\n"])
        #expect(page.examples.map(\.line) == [2, 8])
    }
}
