import MailSyntax
import Testing

@testable import Tables

private func address(_ local: String, _ domain: String) -> ExpansionItem {
    .address(MailAddress(try! LocalPart(validating: Array(local.utf8)), at: try! Domain(validating: Array(domain.utf8))))
}

@Suite("Expansion items (aliases(5), forward(5))") struct ExpansionItemTests {
    @Test(arguments: [
        ("ada", [ExpansionItem.user("ada")]),
        ("Ada, bob ,,carol", [.user("ada"), .user("bob"), .user("carol")]),
        ("ada+tag", [.user("ada+tag")]),
        ("\\ada", [.user("ada")]),
        ("ada@example.org", [address("ada", "example.org")]),
        ("o'brien@example.org, x", [address("o'brien", "example.org"), .user("x")]),
        ("\"ada@example.org\"", [address("ada", "example.org")]),
        ("/var/mail/archive", [.file("/var/mail/archive")]),
        ("/a=b@c", [.file("/a=b@c")]),
        ("\"/with, comma\"", [.file("/with, comma")]),
        ("|/bin/cat -x", [.pipe("/bin/cat -x")]),
        ("\"|/bin/cat a, b\", ada", [.pipe("/bin/cat a, b"), .user("ada")]),
        ("|\"/bin/cat a, b\"", [.pipe("/bin/cat a, b")]),
        ("\"|sh -c \\\"x, y\\\"\"", [.pipe("sh -c \"x, y\"")]),
        ("|sed s/\\,/x/", [.pipe("sed s/\\,/x/")]),
        ("|\"a\" \"b\"", [.pipe("\"a\" \"b\"")]),
        (":include:/etc/list", [.include("/etc/list")]),
        ("include:/etc/list", [.include("/etc/list")]),
        (":Include: /etc/list", [.include("/etc/list")]),
        ("error:550 no such user", [.error(code: 550, text: "no such user")]),
        (":error:451 later", [.error(code: 451, text: "later")]),
        ("\"error:550 gone, sorry\"", [.error(code: 550, text: "gone, sorry")]),
        ("error:5501", [ExpansionItem]()),
        ("error:350 x", []),
        ("error:550 !", []),
        ("error:550", []),
        ("error:55", []),
        ("", []),
        (" , ", []),
        ("a b", []),
        ("|", []),
        ("| ", []),
        ("/", []),
        ("include:relative", []),
        ("@example.org", []),
        ("ada@", []),
        ("a@b@c", []),
        ("ada@exam_ple.org", []),
        ("ada@[192.0.2.1]", []),
        ("a..b@example.org", []),
        ("\"open", []),
        ("ada, 'open", []),
        ("ada\\", []),
        ("a\u{01}b", []),
        ("ada, b c", []),
    ])
    func `reads`(_ value: String, _ expected: [ExpansionItem]) throws {
        if expected.isEmpty {
            #expect(throws: ExpansionItem.SyntaxError.self) { try ExpansionItem.list(value) }
        } else {
            #expect(try ExpansionItem.list(value) == expected)
        }
    }

    @Test func `names the mistake`() {
        #expect(throws: ExpansionItem.SyntaxError.unbalancedQuote) { try ExpansionItem.list("\"x") }
        #expect(throws: ExpansionItem.SyntaxError.trailingBackslash) { try ExpansionItem.list("x\\") }
        #expect(throws: ExpansionItem.SyntaxError.noItem) { try ExpansionItem.list(",") }
        #expect(throws: ExpansionItem.SyntaxError.unknownForm("a b")) { try ExpansionItem.list("x,a b") }
        #expect(throws: ExpansionItem.SyntaxError.tooLong) { try ExpansionItem.list("/" + String(repeating: "x", count: 4096)) }
        #expect(throws: Never.self) { try ExpansionItem.list("/" + String(repeating: "x", count: 4095)) }
    }

    @Test func `files of items have comments and continuations`() throws {
        let items = try ItemFile.items(Array("# me\nada, \\\n bob\n\n  # x\n\"|cmd #1\"\n,\n".utf8), limit: 3)
        #expect(items == [.user("ada"), .user("bob"), .pipe("cmd #1")])
        #expect(throws: ItemFile.Failure.tooManyItems) { try ItemFile.items(Array("a\nb\nc\nd".utf8), limit: 3) }
        #expect(throws: ItemFile.Failure.malformed(.unknownForm("b c"), line: 2)) {
            try ItemFile.items(Array("a\nb c\n".utf8), limit: 3)
        }
        #expect(try ItemFile.items(Array("# nothing\n\n".utf8), limit: 3).isEmpty)
    }
}

@Suite("Values of services (table(5))") struct ValueTests {
    @Test func `credentials hold a user or take the key`() throws {
        let both = try Credentials("ada:se:cret", key: "x")
        #expect(both.user == "ada" && both.secret == "se:cret")
        let secret = try Credentials("$6$hash", key: "ada")
        #expect(secret.user == "ada" && secret.secret == "$6$hash")
    }

    @Test(arguments: [
        ("ab", Credentials.SyntaxError.wrongLength(2)), (String(repeating: "x", count: 2048), .wrongLength(2048)),
        (":secret", .emptyUser), ("ada:", .emptySecret),
    ])
    func `credentials are refused`(_ value: String, because reason: Credentials.SyntaxError) {
        #expect(throws: reason) { try Credentials(value, key: "k") }
    }

    @Test func `credentials of 3 and of 2047 bytes are taken`() throws {
        #expect(try Credentials("a:b", key: "k").secret == "b")
        #expect(try Credentials(String(repeating: "x", count: 2047), key: "k").user == "k")
    }

    @Test func `userinfo is uid, gid and an absolute directory`() throws {
        let info = try UserInfo("1000:100:/home/a:da", name: "ada")
        #expect(info == UserInfo(name: "ada", uid: 1000, gid: 100, directory: "/home/a:da"))
        #expect(info.text == "1000:100:/home/a:da")
        #expect(try UserInfo("4294967294:0:/", name: "x").uid == 4_294_967_294)
    }

    @Test(arguments: [
        ("1000:100", UserInfo.SyntaxError.missingField), ("", .missingField), ("x:1:/", .malformedUID), (":1:/", .malformedUID),
        ("-1:1:/", .malformedUID), ("4294967295:1:/", .malformedUID), ("1:4294967296:/", .malformedGID),
        ("1:+1:/", .malformedGID), ("1:1:home", .relativeDirectory), ("1:1:", .relativeDirectory),
    ])
    func `userinfo is refused`(_ value: String, because reason: UserInfo.SyntaxError) {
        #expect(throws: reason) { try UserInfo(value, name: "ada") }
    }

    @Test func `a source address may have brackets, a tag and a scope`() {
        #expect(SourceAddress("192.0.2.1")?.address.description == "192.0.2.1")
        #expect(SourceAddress("[ipv6:fe80::1%eth0.5]")?.scope == "eth0.5")
        #expect(SourceAddress("ipv6:[::1]")?.address.description == "::1")
        for bad in ["", "[]", "[::1", "host", "192.0.2.1%x", "fe80::1%a b", "ipv6:", "[192.0.2.1]x"] {
            #expect(SourceAddress(bad) == nil)
        }
    }
}
