import SeededTesting
import TableProgram
import Tables
import Testing

@Suite("The configuration file of a table program, as opensmtpd-extras has it") struct SettingsTests {
    private func settings(_ text: String) throws -> ProgramSettings { try ProgramSettings(Array(text.utf8)) }

    @Test(arguments: [
        ("dbpath /a/b", "/a/b"), ("dbpath\t /a/b \t", "/a/b"), ("dbpath: /a/b", "/a/b"), ("dbpath:/a/b", "/a/b"),
        ("dbpath : /a/b", "/a/b"), ("  dbpath /a b:c # d", "/a b:c # d"), ("dbpath :a", ":a"), ("dbpath /x\ndbpath /a", "/a"),
        ("# dbpath /x\n\n   \n#\ndbpath /a\r\n", "/a"), ("dbpath ä", "ä"), ("dbpath ::1", "::1"), ("dbpath::1", ":1"),
    ])
    func `a name and its value`(_ text: String, _ value: String) throws {
        var settings = try settings(text)
        #expect(settings.take("dbpath") == value)
        #expect(settings.take("dbpath") == nil, "taken once")
        try settings.finish()
    }

    @Test(arguments: [
        ("dbpath", "line 1: dbpath has no value"), ("\n: x", "line 2: no name before the colon"),
        ("dbpath:", "line 1: dbpath has no value"), ("dbpath : ", "line 1: dbpath has no value"),
        ("dbpath a\u{0}b", "line 1: not UTF-8 text"),
    ])
    func `what is no setting is refused with its line`(_ text: String, _ problem: String) {
        #expect { try settings(text) } throws: { "\($0)" == problem }
    }

    @Test func `a setting that nobody knows is refused`() throws {
        var settings = try settings("dbpath /a\nquery_aliases select\nzz 1")
        _ = settings.take("dbpath")
        #expect { try settings.finish() } throws: { "\($0)" == "line 2: there is no setting query_aliases" }
    }

    @Test(arguments: [("0", nil), ("1", 1), ("300", 300), ("301", nil), ("-1", nil), ("1.5", nil), ("99999999999999999999", nil)] as [(String, Int?)])
    func `numbers have bounds`(_ text: String, _ number: Int?) throws {
        var settings = try settings("query_timeout \(text)")
        #expect((try? settings.takeNumber("query_timeout", in: 1...300)) == number)
    }

    @Test func `queries of all services, and the times of elements`() throws {
        var settings = try settings(
            "query_alias a\nquery_mailaddrmap m\nfetch_source s\nfetch_source_expire 5\nfetch_source_refresh 7")
        let queries = try ServiceQueries(taking: &settings)
        try settings.finish()
        #expect(queries.services == [.alias, .source, .mailaddrmap])
        #expect(queries.fetching[.source] == FetchPolicy(expire: .seconds(5), refresh: 7))
        #expect(queries.text(for: .key(.alias, []))?.text == "a")
        #expect(queries.text(for: .elements(.source))?.name == "fetch_source")
        #expect(queries.text(for: .key(.source, [])) == nil)
    }

    @Test func `a file without a query is a mistake`() throws {
        var settings = try settings("fetch_source_expire 5")
        #expect(throws: ProgramSettings.Problem.self) { try ServiceQueries(taking: &settings) }
    }

    @Test(arguments: [
        ("tls verify", ServerTLS.Mode.verify), ("tls_ca /ca", .verify), ("tls require", .require), ("tls off", .off), ("", .off),
    ])
    func `TLS`(_ text: String, _ mode: ServerTLS.Mode) throws {
        var settings = try settings(text)
        #expect(try ServerTLS(taking: &settings).mode == mode)
    }

    @Test(arguments: ["tls require\ntls_ca /ca", "tls off\ntls_cert /c\ntls_key /k", "tls verify\ntls_cert /c", "tls yes", "tls_key /k"])
    func `TLS settings that would not matter are refused`(_ text: String) throws {
        var settings = try settings(text)
        #expect(throws: ProgramSettings.Problem.self) { try ServerTLS(taking: &settings) }
    }

    @Test(arguments: [
        ("db", "db"), ("db:1", "db:1"), ("inet:db:1", "db:1"), ("[::1]:2", "::1:2"), ("[::1]", "::1"), ("::1", "::1"),
        ("/run/x", "/run/x"), ("unix:/run/x", "/run/x"), ("unix:x", nil), ("inet:/x", nil), ("db:0", nil), ("db:65536", nil),
        ("db:x", nil), (":1", nil), ("[::1", nil), ("[]", nil), ("[::1]x", nil), ("[::1]:", nil), ("", nil),
    ] as [(String, String?)])
    func `servers`(_ text: String, _ expected: String?) {
        #expect(ServerAddress(text)?.description == expected)
    }

    @Test func `lists of servers keep their order`() throws {
        #expect(try ServerAddress.list("a, b:2  /c", setting: "host").map(\.description) == ["a", "b:2", "/c"])
        #expect(throws: ProgramSettings.Problem.self) { try ServerAddress.list(" , ", setting: "host") }
        #expect(throws: ProgramSettings.Problem.self) { try ServerAddress.list("a b:x", setting: "host") }
        #expect(try #require(ServerAddress("a")).with(defaultPort: 7).description == "a:7")
        #expect(try #require(ServerAddress("a:1")).with(defaultPort: 7).description == "a:1")
    }

    @Test func `no input makes it trap`() {
        let file = Array("# x\ndbpath /a\nquery_alias: select v from t where k=?;\nhost [::1]:3306, /run/s\n".utf8)
        for input in HostileInputs.variants(of: file) { _ = try? ProgramSettings(input) }
    }
}
