import Testing

@testable import Configuration

/// The 7.x text for a 5.4 one.
func convert(
    _ text: String, on machine: FakeMachine = FakeMachine(), macros: [(String, String)] = [],
    sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws -> String {
    switch ConfigurationConverter.convert(text: Array(text.utf8), named: "smtpd.conf", macros: macros, environment: machine) {
    case .converted(let bytes, _): return String(decoding: bytes, as: UTF8.self)
    case .unchanged(let bytes, _): return String(decoding: bytes, as: UTF8.self)
    case .failed(let diagnostics):
        Issue.record("\(diagnostics.map(\.description))", sourceLocation: sourceLocation)
        throw LoadingFailed(text: "not converted")
    }
}

private let machine = FakeMachine().with("/c").with("/k")

/// What a conversion wrote for one statement: its lines without the header and without the rule that
/// makes the file complete.
private func lines(_ statement: String, before: String = "") throws -> [String] {
    let text = "\(before)# begin\n\(statement)\n# end\nreject tagged none for any\n"
    let all = try convert(text, on: machine).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let begin = try #require(all.firstIndex(of: "# begin"))
    let end = try #require(all.firstIndex(of: "# end"))
    return Array(all[(begin + 1)..<end])
}

/// The same with the names of actions replaced by NAME and comments left out.
private func rules(_ statement: String, before: String = "") throws -> [String] {
    try lines(statement, before: before).filter { !$0.hasPrefix("#") }.map { line in
        line.split(separator: "\"", omittingEmptySubsequences: false)
            .map { part in part.split(separator: "-").last?.count == 16 ? "NAME" : String(part) }
            .joined(separator: "\"")
    }
}

@Suite("Each row of the mapping (smtpd.conf Part 3)") struct ConverterRowTests {
    @Test(arguments: [
        ("expire 4d", "queue ttl 4d"), ("bounce-warn 1h, 6h", "bounce warn-interval 1h, 6h"), ("max-message-size 35M", "smtp max-message-size 35M"),
        ("max-mta-deferred 50", "mta max-deferred 50"), ("limit mta inet4", "mta limit inet4"), ("limit mta for domain d.org inet6", "mta limit for domain d.org inet6"),
        ("limit mda max-session 5", "mda limit max-session 5"), ("limit scheduler max-inflight 5", "scheduler limit max-inflight 5"), ("queue compression", "queue compression"),
        ("queue encryption key 0123456789abcdef0123456789abcdef", "queue encryption 0123456789abcdef0123456789abcdef"), ("queue encryption", "queue encryption"),
        ("listen on lo mask-source", "listen on lo mask-src"), ("listen on lo port smtp tag user", "listen on lo port smtp tag \"user\""), ("listen on lo port 25 port 26", "listen on lo port 26"),
        ("pki P certificate \"/c\" key \"/k\"", "pki P cert \"/c\" key \"/k\""), ("ca x certificate \"/c\"", "ca x cert \"/c\""),
        ("ciphers \"HIGH\"", "smtp ciphers \"HIGH\""), ("table user { a }", "table \"user\" { a }"), ("table a  { b,c }", "table a  { b,c }"), ("name = \"v\"", "name = \"v\""),
        ("user = \"v\"", "\"user\" = \"v\""),
    ])
    func `a statement gets its 7.x form`(_ old: String, _ new: String) throws {
        #expect(try lines(old).filter { !$0.hasPrefix("#") } == [new])
    }

    @Test(arguments: [
        ("accept for local deliver to mbox", ["action \"NAME\" mbox", "match from local for local action \"NAME\"", "match from auth for local action \"NAME\""]),
        ("reject from any for any", ["match from any for any reject"]), ("reject from ! local for any", ["match !from local !auth for any reject"]),
        ("reject from source <t> for any", ["match from src <t> for any reject"]), ("reject from ! source <t> for any", ["match !from src <t> for any reject"]),
        ("reject tagged T from any", ["match from any tag \"T\" for local reject"]), ("reject tagged ! T from any", ["match from any !tag \"T\" for local reject"]),
        ("reject from any sender <t>", ["match from any mail-from <t> for local reject"]), ("reject from any recipient ! <t>", ["match from any !rcpt-to <t> for local reject"]),
        ("reject from any for ! domain <t>", ["match from any !for domain <t> reject"]), ("reject from any for domain { a b }", ["match from any for domain { \"a\", \"b\" } reject"]),
        ("accept from any alias <m> deliver to maildir \"p\"", ["action \"NAME\" maildir \"p\" alias <m>", "match from any for local action \"NAME\""]),
        ("accept from any virtual <m> userbase <m> deliver to mda \"cat\"", ["action \"NAME\" mda \"cat\" virtual <m> userbase <m>", "match from any for local action \"NAME\""]),
        ("accept from any deliver to lmtp \"h:24\" expire 1d", ["action \"NAME\" lmtp \"h:24\" ttl 86400s", "match from any for local action \"NAME\""]),
        ("accept from any", ["action \"NAME\" expand-only", "match from any for local action \"NAME\""]),
        ("accept from any forward-only", ["action \"NAME\" forward-only", "match from any for local action \"NAME\""]),
    ])
    func `a rule gets its action and its match`(_ old: String, _ new: [String]) throws {
        #expect(try rules(old, before: "table t { q }\ntable m { a = b }\n") == new)
    }

    @Test(arguments: [
        ("relay", "relay"), ("relay backup", "relay backup"), ("relay backup m.org", "relay backup mx \"m.org\""), ("relay as \"@d.org\"", "relay mail-from \"@d.org\""),
        ("relay source <t>", "relay src <t>"), ("relay hostname h.org", "relay helo \"h.org\""), ("relay hostnames <m>", "relay helo-src <m>"), ("relay tls", "relay tls no-verify"),
        ("relay tls verify", "relay tls"), ("relay pki P", "relay pki p"), ("relay via smtp://h", "relay host \"smtp+notls://h\""), ("relay via h", "relay host \"smtp://h\""),
        ("relay via smtp+tls://h", "relay host \"smtp://h\""), ("relay via tls://h", "relay host \"smtp+tls://h\" tls no-verify"), ("relay via tls://h verify", "relay host \"smtp+tls://h\""),
        ("relay via smtps://h", "relay host \"smtps://h\" tls no-verify"), ("relay via secure://h", "relay host \"smtp+tls://h\" tls no-verify"),
        ("relay via tls+auth://l@h auth <m>", "relay host \"smtp+tls://l@h\" auth <m>"), ("relay via lmtp://h:24", "relay host \"lmtp://h:24\""), ("relay via h expire 4h", "relay host \"smtp://h\" ttl 14400s"),
    ])
    func `a relay gets its 7.x form`(_ old: String, _ new: String) throws {
        let before = "table t { \"192.0.2.1\" }\ntable m { a = b }\npki P certificate \"/c\" key \"/k\"\n"
        let found = try rules("accept from any for any \(old)", before: before)
        #expect(found.first == "action \"NAME\" \(new)")
    }

    @Test func `secure is two lines, the authority of a pki its own statement`() throws {
        let before = "pki p certificate \"/c\" key \"/k\"\npki P ca \"/c\"\npki p dhparams \"/c\"\n"
        #expect(try lines("listen on lo secure pki P auth", before: before) == ["listen on lo smtps pki p auth ca p", "listen on lo tls pki p auth ca p"])
        let text = try convert(before + "reject for any", on: machine)
        #expect(text.contains("\nca p cert \"/c\"\n"))
        #expect(text.contains("\n# 7.x reads no file of parameters; the library's own are used.\npki p dhe auto\n"))
    }

    @Test func `5.4 filters become comments`() throws {
        #expect(try lines("filter f \"/x\"") == ["# Filters of 5.4 do not work with 7.x.", "# filter f \"/x\""])
        #expect(try lines("listen on lo filter f tag t") == ["# Filters of 5.4 do not work with 7.x; left out here.", "listen on lo tag t"])
    }
}

@Suite("What a conversion keeps") struct ConverterTextTests {
    @Test func `comments, blank lines, indentation and order stay`() throws {
        let text = "# one\n\n  expire 4d # two\n# three \\\n four\nreject from any for any # five\n# six"
        let result = try convert(text)
        #expect(result.hasSuffix("# one\n\n  queue ttl 4d # two\n# three \\\n four\nmatch from any for any reject # five\n# six\n"))
    }

    @Test func `macros stay where a string stands for itself`() throws {
        let text = "life = 4d\nlist = \"a, b\"\nexpire $life\ntable t { $list }\nreject for any"
        let result = try convert(text)
        #expect(result.contains("\nlife = 4d\nlist = \"a, b\"\nqueue ttl $life\ntable t { $list }\n"))
    }

    @Test func `included text stands in place between two comments`() throws {
        let machine = FakeMachine().with("/inc", "# inside\nexpire 1d")
        let result = try convert("include \"/inc\" # why\nreject for any", on: machine)
        #expect(result.contains("\n# include \"/inc\": its text stands here. # why\n# inside\nqueue ttl 1d\n# End of include \"/inc\".\nmatch from local for any reject\n"))
    }

    @Test func `an action is written once`() throws {
        let result = try convert("accept for local deliver to mbox\naccept for any deliver to mbox")
        #expect(result.split(separator: "\n").count { $0.hasPrefix("action ") } == 1)
    }

    @Test func `a 7.x text is returned as it is, with a note`() {
        let text = Array("match reject # \u{E9}\n".utf8)
        guard case .unchanged(let same, let note) = ConfigurationConverter.convert(text: text, named: "f", macros: [], environment: FakeMachine())
        else {
            Issue.record("not unchanged")
            return
        }
        #expect(same == text)
        #expect(note.description == "note: f is written in the 7.x language already")
    }

    @Test func `a Latin-1 string becomes UTF-8, a Latin-1 comment stays`() throws {
        let text = Array("# ".utf8) + [0xE9] + Array("\nname = \"".utf8) + [0xE9] + Array("\"\nreject for any\n".utf8)
        guard case .converted(let bytes, _) = ConfigurationConverter.convert(text: text, named: "f", macros: [], environment: FakeMachine())
        else {
            Issue.record("not converted")
            return
        }
        let lines = bytes.split(separator: 0x0A).map(Array.init)
        #expect(lines.contains([0x23, 0x20, 0xE9]))
        #expect(lines.contains(Array("name = \"\u{E9}\"".utf8)))
    }

    @Test func `a mistaken text is not converted`() {
        guard case .failed(let diagnostics) = ConfigurationConverter.convert(text: Array("accept foo".utf8), named: "f", macros: [], environment: FakeMachine())
        else {
            Issue.record("converted")
            return
        }
        #expect(diagnostics.first?.location?.line == 1)
    }

    @Test(arguments: ["a", "a b", "\"", "'", "\\x", "a\\ b", "a\\\"b", "alias", "25", "10/8", "/p", "#", "a,b", "$x", "é", "", "-"])
    func `a string is written so that it is read back`(_ text: String) {
        var lexer = Lexer(file: "f", bytes: Array(MatchWriter.string(text).utf8), generation: .match, macros: MacroTable(persistent: []))
        let token = lexer.next()
        #expect(token.kind.string == text)
        #expect(lexer.next().kind == .newline)
        if case .word(let word) = token.kind { #expect(!ReservedWords.contains(word, in: .match)) }
    }
}
