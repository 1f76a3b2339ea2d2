import Testing

@testable import MailSyntax

@Suite("Address lists of header fields (RFC 5322 sections 3.4 and 4.4)") struct AddressListTests {
    private static func mailboxes(_ body: String) throws -> [String] {
        let result = AddressListParser.addresses(in: octets(body), defaultDomain: try domain("here.example"))
        #expect(result.errors.isEmpty, "\(result.errors)")
        return result.mailboxes.map(\.text)
    }

    @Test(arguments: [
        // RFC 5322 appendix A.1.
        ("John Doe <jdoe@machine.example>", ["jdoe@machine.example"]),
        (
            "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
            ["mary@x.test", "jdoe@example.org", "one@y.test"]
        ),
        ("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>", ["boss@nil.test", "sysservices@example.net"]),
        (
            "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
            ["c@a.test", "joe@where.test", "jdoe@one.test"]
        ),
        ("Undisclosed recipients:;", []),
        // Appendix A.5: comments and folding in every place.
        (
            "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            ["pete@silly.test"]
        ),
        (
            "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n joe@example.org,\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
            ["c@public.example", "joe@example.org", "jdoe@one.test"]
        ),
        ("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", []),
        // Appendix A.6: obsolete forms.
        ("Joe Q. Public <john.q.public@example.com>", ["john.q.public@example.com"]),
        (
            "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
            ["mary@example.net", "jdoe@test.example"]
        ),
        ("<@a.test,@b.test:c@d.test>", ["c@d.test"]),
        // As programs and scripts write them.
        ("<bob@host.example>,<carol@host.example>", ["bob@host.example", "carol@host.example"]),
        ("root", ["root@here.example"]),
        ("root (Cron Daemon)", ["root@here.example"]),
        ("Operator <root>", ["root@here.example"]),
        (",,a@b.example,,", ["a@b.example"]),
        ("a@b.example; c@d.example", ["a@b.example", "c@d.example"]),
        ("x: a@b.example;, y: c@d.example;", ["a@b.example", "c@d.example"]),
        ("=?utf-8?Q?Foo=2C_Bar?= <f@b.example>", ["f@b.example"]),
        ("=?utf-8?Q?a,b@c?= <f@b.example>", ["f@b.example"]),
        ("Foo@Bar <f@b.example>", ["f@b.example"]),
        ("J\u{F6}rg <j@b.example>", ["j@b.example"]),
        ("\"a, b: <c>; @\" <f@b.example>", ["f@b.example"]),
        ("\"john doe\"@b.example", ["\"john doe\"@b.example"]),
        ("\"a\\\"b\".c@d.example", ["\"a\\\"b.c\"@d.example"]),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        ("/etc/passwd, |cmd, -froot", ["/etc/passwd@here.example", "|cmd@here.example", "-froot@here.example"]),
        ("", []),
        (" \r\n ", []),
    ])
    func `holds these mailboxes`(_ body: String, _ expected: [String]) throws {
        #expect(try Self.mailboxes(body) == expected)
    }

    @Test(arguments: [
        ("a@b.example, Foo Bar, c@d.example", AddressSyntaxError.malformedPath),
        ("a@b.example, <>, c@d.example", .emptyLocalPart),
        ("a@b.example, @x.example, c@d.example", .emptyLocalPart),
        ("a@b.example, x@, c@d.example", .emptyDomain),
        ("a@b.example, x@y@z, c@d.example", .malformedDomain),
        ("a@b.example, x@-y-, c@d.example", .malformedDomain),
        ("a@b.example, <x@y> z, c@d.example", .malformedPath),
        ("a@b.example, <x@y> <z@y>, c@d.example", .malformedPath),
        ("a@b.example, :include:/x, c@d.example", .malformedPath),
        ("a@b.example, x\u{0}y@z, c@d.example", .forbiddenOctet(0, at: 14)),
    ])
    func `A wrong item is named and hides no other`(_ body: String, _ reason: AddressSyntaxError) throws {
        let result = AddressListParser.addresses(in: octets(body), defaultDomain: try domain("here.example"))
        #expect(result.mailboxes.map(\.text) == ["a@b.example", "c@d.example"])
        #expect(result.errors.map(\.reason) == [reason])
    }

    @Test(arguments: ["(a@b.example", "\"a@b.example", "a@[192.0.2.1", "<a@b.example", "x: <a", "\"a\\", "(\\"])
    func `What has no end is no address`(_ body: String) throws {
        let result = AddressListParser.addresses(in: octets(body), defaultDomain: try domain("here.example"))
        #expect(result.mailboxes.isEmpty)
        #expect(result.errors.count == 1)
    }

    @Test(arguments: [
        ("root", "root@mx.example"),
        (" root (Cron Daemon)\r\n", " root@mx.example (Cron Daemon)\r\n"),
        ("Bob <bob>, c@d.example", "Bob <bob@mx.example>, c@d.example"),
        ("a, b,\r\n\tc", "a@mx.example, b@mx.example,\r\n\tc@mx.example"),
        ("Team: a, b@c.example;, d", "Team: a@mx.example, b@c.example;, d@mx.example"),
        ("\"a, b\" <c@d.example>", "\"a, b\" <c@d.example>"),
        ("(a, b) c@d.example (e)", "(a, b) c@d.example (e)"),
        ("\"john doe\" (x)", "\"john doe\"@mx.example (x)"),
        ("Foo Bar, root", "Foo Bar, root@mx.example"),
        ("undisclosed-recipients:;", "undisclosed-recipients:;"),
        ("< root >", "< root@mx.example >"),
        ("<>", "<>"),
        ("", ""),
    ])
    func `Only addresses without a domain are completed`(_ body: String, _ expected: String) throws {
        #expect(text(AddressListParser.qualified(octets(body), with: try domain("mx.example"))) == expected)
    }

    @Test func `A list of 100,000 items is read in linear time`() throws {
        let body = octets(String(repeating: "=?,", count: 100_000)) + octets(String(repeating: "(", count: 100_000))
        let result = AddressListParser.addresses(in: body, defaultDomain: try domain("here.example"))
        #expect(result.mailboxes.count == 100_000)
        #expect(result.errors.count == 1)
    }

    @Test func `Mutated lists never trap, and completing them twice changes nothing more`() throws {
        let seeds = [
            "A Group(Some people)\r\n :Chris <c@(host.)public.example>, joe, John <jdoe@one.test> (my); (the end)",
            "\"a\\\"b\".c@d.example, <@a.test,@b.test:c@d.test>, =?utf-8?Q?a,b?= <x>, y@[IPv6:::1], z",
        ].map(octets)
        let alphabet = octets("(),:;<>@[]\\\".=?a \r\n\u{0}") + [0xFF]
        let host = try domain("mx.example")
        var generator = SeededGenerator(seed: 5322)
        for _ in 0..<4_000 {
            let seed = seeds.randomElement(using: &generator) ?? []
            let body = mutated(seed, from: alphabet, using: &generator)
            let before = AddressListParser.addresses(in: body, defaultDomain: host)
            let completed = AddressListParser.qualified(body, with: host)
            let after = AddressListParser.addresses(in: completed, defaultDomain: try domain("other.example"))
            #expect(before.mailboxes == after.mailboxes, "\(text(body))")
            #expect(AddressListParser.qualified(completed, with: host) == completed, "\(text(body))")
        }
    }
}
