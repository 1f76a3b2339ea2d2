import SeededTesting
import TableProgram
import Testing

@Suite("Commands of Redis with the key in them") struct CommandTemplateTests {
    private func words(_ template: String, _ key: String) throws -> [String] {
        try CommandTemplate(template, setting: "query_alias").words(for: Array(key.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: [
        ("GET alias:%s", "ada", ["GET", "alias:ada"]), ("HMGET  user:%s\tuid gid", "a", ["HMGET", "user:a", "uid", "gid"]),
        ("GET %s%s%%", "a", ["GET", "aa%"]), ("GET x%s", "", ["GET", "x"]),
        ("GET %s", "a b\r\nFLUSHALL %s", ["GET", "a b\r\nFLUSHALL %s"]),
    ])
    func `the key is part of one word, whatever it holds`(_ template: String, _ key: String, _ expected: [String]) throws {
        #expect(try words(template, key) == expected)
    }

    @Test(arguments: ["", "  ", "GET alias", "GET %d", "GET %", "GET %%s"])
    func `what is no command with a key is refused`(_ template: String) {
        #expect(throws: ProgramSettings.Problem.self) { try words(template, "a") }
    }
}

@Suite("Filters of LDAP with the key in them (RFC 4515)") struct FilterTemplateTests {
    private func filter(_ template: String, _ key: String) throws -> String {
        try FilterTemplate(template, setting: "alias_filter").filter(for: Array(key.utf8), table: "t*")
    }

    @Test(arguments: [
        ("(uid=%u)", "ada", "(uid=ada)"), ("(&(a=%s)(b=%h))", "x@y.z", "(&(a=x@y.z)(b=t\\2a))"), ("(a=100%%%u)", "x", "(a=100%x)"),
        ("(uid=%u)", "*", "(uid=\\2a)"), ("(uid=%u)", ")(cn=\\", "(uid=\\29\\28cn\\3d\\5c)"), ("(uid=%u)", "ä\u{0}", "(uid=\\c3\\a4\\00)"),
    ])
    func `the key stands for itself`(_ template: String, _ key: String, _ expected: String) throws {
        #expect(try filter(template, key) == expected)
    }

    @Test(arguments: ["(uid=ada)", "(uid=%x)", "(uid=%", "(uid=%%u)", "(uid=%h)"])
    func `what is no filter with a key is refused`(_ template: String) {
        #expect(throws: ProgramSettings.Problem.self) { try filter(template, "a") }
    }
}

@Suite("The socketmap protocol of Sendmail and Postfix") struct SocketmapTests {
    private func reply(_ text: String) throws -> (Socketmap.Reply?, rest: String) {
        var bytes = Array(text.utf8)
        let reply = try Socketmap.takeReply(from: &bytes)
        return (reply, String(decoding: bytes, as: UTF8.self))
    }

    @Test func `a request is the map and the key as one netstring`() {
        #expect(Socketmap.request(map: "virtual", key: Array("ada@x, y".utf8)) == Array("16:virtual ada@x, y,".utf8))
    }

    @Test func `replies`() throws {
        #expect(try reply("99:OK a, b c,").0 == nil)
        #expect(try reply("8:OK a, bc,").0 == .found(Array("a, bc".utf8)))
        #expect(try reply("3:OK ,x").0 == .found([]))
        #expect(try reply("3:OK ,x").rest == "x")
        #expect(try reply("2:OK,").0 == .found([]))
        #expect(try reply("9:NOTFOUND ,").0 == .notFound)
        #expect(try reply("8:TEMP why,").0 == .failed("the server says TEMP why"))
        #expect(try reply("7:TIMEOUT,").0 == .failed("the server says TIMEOUT"))
        #expect(try reply("6:PERM x,").0 == .failed("the server says PERM x"))
        for part in ["", "8", "8:", "8:OK", "8:OK a, bc"] { #expect(try reply(part).0 == nil) }
    }

    @Test(arguments: [
        ("x", Socketmap.Problem.notNetstring), (":x,", .notNetstring), ("1234567", .notNetstring), ("-1:x,", .notNetstring),
        ("2:OKx", .notNetstring), ("100001:", .tooLong), ("0:,", .unknownStatus), ("2:ok,", .unknownStatus),
    ])
    func `what is no reply`(_ text: String, _ problem: Socketmap.Problem) {
        #expect(throws: problem) { try reply(text) }
    }

    @Test func `no input makes it trap`() {
        for input in HostileInputs.variants(of: Array("21:OK ada@example.org, b,9:NOTFOUND ,".utf8)) {
            var bytes = input
            while let reply = try? Socketmap.takeReply(from: &bytes) { _ = reply }
        }
    }
}
