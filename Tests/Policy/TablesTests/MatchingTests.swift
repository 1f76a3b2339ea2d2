import MailSyntax
import SeededTesting
import Testing

@testable import Tables

@Suite("Domain patterns (table(5), service domain)") struct WildcardPatternTests {
    @Test(arguments: [
        ("example.org", "example.org", true),
        ("example.org", "EXAMPLE.Org", true),
        ("Example.ORG", "example.org", true),
        ("example.org", "example.org.", false),
        ("example.org", "a.example.org", false),
        ("*.example.com", "a.example.com", true),
        ("*.example.com", "a.b.example.com", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", "a.example.com.evil", false),
        ("*", "anything.at.all", true),
        ("*", "", true),
        ("mail*.example.org", "mail17.example.org", true),
        ("mail*.example.org", "mail.example.org", true),
        ("mail*.example.org", "email.example.org", false),
        ("a*b*c", "axxbxxc", true),
        ("a*b*c", "axxcxxb", false),
        ("*a", "aaa", true),
        ("**", "x", true),
        ("", "", true),
        ("", "a", false),
    ])
    func `matches`(_ pattern: String, _ name: String, _ expected: Bool) {
        #expect(WildcardPattern(pattern).matches(Array(name.utf8)) == expected)
    }

    @Test func `many wildcards cost no more than length times length`() {
        let pattern = WildcardPattern(String(repeating: "*a", count: 400) + "b")
        let name = Array(String(repeating: "a", count: TableQuery.maximumKeyLength).utf8)
        let elapsed = ContinuousClock().measure { #expect(!pattern.matches(name)) }
        #expect(elapsed < .seconds(10))
    }
}

@Suite("Mail address patterns (table(5), service mailaddr)") struct MailAddressPatternTests {
    static let rows: [(String, String, Bool)] = [
        ("ada", "ada@example.org", true),
        ("ada", "ada@example.net", true),
        ("ada", "Ada+tag@example.org", true),
        ("ada", "adam@example.org", false),
        ("ada+tag", "ada+tag@example.org", true),
        ("ada+tag", "ada@example.org", false),
        ("ada+tag", "ada+other@example.org", false),
        ("@example.org", "anyone@example.org", true),
        ("@example.org", "anyone@sub.example.org", false),
        ("ADA@Example.ORG", "ada@example.org", true),
        ("ada@example.org", "ada+x@example.org", true),
        ("ada+x@example.org", "ada+x@example.org", true),
        ("ada+x@example.org", "ada@example.org", false),
        ("ada@*.example.org", "ada@a.b.example.org", true),
        ("ada@*.example.org", "ada@example.org", false),
        ("ada@mail*.example.org", "ada@mail3.example.org", true),
        ("@mail*.example.org", "bob@mail3.example.org", true),
        ("ada@mail*.example.org", "bob@mail3.example.org", false),
        ("gilles@*", "gilles@anything", true),
        ("gilles@*", "gilles+x@anything", true),
        ("gilles@*", "bob@anything", false),
        ("gilles@", "gilles@anything", true),
        ("@*", "a@b", true),
        ("@", "a@b", true),
        ("@", "@", true),
        ("@*", "@", false),
        ("*", "@", false),
        ("ada", "@", false),
        ("a@b@example.org", "a@b@example.org", true),
        ("+x", "+x@example.org", true),
    ]

    @Test(arguments: rows)
    func `matches alone`(_ pattern: String, _ address: String, _ expected: Bool) {
        #expect(MailAddressPattern(pattern).matches(address, delimiter: UInt8(ascii: "+")) == expected)
    }

    @Test(arguments: rows)
    func `matches the same through the index of a table`(_ pattern: String, _ address: String, _ expected: Bool) {
        var table = StaticTable(name: "t", kind: .list, elements: [TableElement(key: pattern), TableElement(key: "zz@zz")])
        let answer = table.answer(TableQuery(table: "t", service: .mailaddr, operation: .match, key: address))
        #expect(answer == (expected ? .found(pattern) : .notFound))
    }

    @Test func `a map of senders allows what one of its patterns matches`() {
        let map = MailAddressMap(" ada@example.org , @example.net,, ")
        #expect(map.patterns.count == 2)
        #expect(map.allows("ADA+news@example.org", delimiter: UInt8(ascii: "+")))
        #expect(map.allows("bob@example.net", delimiter: UInt8(ascii: "+")))
        #expect(!map.allows("bob@example.org", delimiter: UInt8(ascii: "+")))
        #expect(!map.allows("@", delimiter: UInt8(ascii: "+")))
        #expect(!MailAddressMap("").allows("ada@example.org", delimiter: UInt8(ascii: "+")))
    }
}

@Suite("Networks (table(5), service netaddr)") struct NetworkPatternTests {
    @Test(arguments: [
        ("192.0.2.10", "192.0.2.10", true),
        ("192.0.2.10", "192.0.2.11", false),
        ("10.0.0.0/8", "10.255.1.2", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.1.2.3/8", "10.9.9.9", true),
        ("10/8", "10.9.9.9", true),
        ("192.168", "192.168.77.1", true),
        ("192.168", "192.169.0.1", false),
        ("192.168.5/23", "192.168.4.9", true),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "[2001:db8::1]", false),
        ("::/0", "[2001:db8::1]", true),
        ("::/0", "203.0.113.9", false),
        ("::1", "[::1]", true),
        ("[::1]", "[::1]", true),
        ("IPv6:::1", "[::1]", true),
        ("[IPv6:::1]", "::1", true),
        ("2001:db8::/32", "[2001:db8:ffff::9]", true),
        ("[2001:db8::]/32", "[2001:db8:ffff::9]", true),
        ("[2001:db8::/32]", "[2001:db8:ffff::9]", true),
        ("2001:db8::/33", "[2001:db8:8000::1]", false),
        ("2001:db8::/64", "2001:db8::1", true),
        ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
        ("2001:db8::1/128", "2001:db8::1", true),
        ("fe80::1%eth0", "fe80::1", true),
        ("local", "local", true),
        ("LOCAL", "local", true),
        ("local", "127.0.0.1", false),
        ("0.0.0.0/0", "local", false),
    ])
    func `matches`(_ entry: String, _ address: String, _ expected: Bool) {
        var table = StaticTable(name: "t", kind: .list, elements: [TableElement(key: entry)])
        let answer = table.answer(TableQuery(table: "t", service: .netaddr, operation: .match, key: address))
        #expect(answer == (expected ? .found(entry) : .notFound))
    }

    @Test(arguments: [
        "", "/", "/8", "10/", "10/33", "::/129", "256/8", "1.2.3.4.5", "10.0.0.0/-1", "10.0.0.0/8x", "[::1", "::1]", "[]",
        "ipv6:1.2.3.4", "1.2.3.4%eth0", "::1%", "a.b", "local", "1..2", "10.0.0.0/99999999999999999999",
    ])
    func `is no network`(_ text: String) {
        #expect(NetworkPattern(text) == nil)
    }

    @Test func `no text crashes the parser`() {
        var random = SplitMix64(seed: 3)
        let samples = ["10.0.0.0/8", "[2001:db8::]/32", "IPv6:fe80::1%eth0", "::ffff:192.0.2.1/97", "192.168"]
        for _ in 0..<5_000 {
            if let network = NetworkPattern(mutated(samples, &random)) { #expect(network.contains(network.address)) }
        }
    }
}
