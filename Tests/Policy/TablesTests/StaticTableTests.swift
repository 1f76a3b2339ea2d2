import SeededTesting
import Testing

@testable import Tables

private func match(_ service: TableService, _ key: String) -> TableQuery {
    TableQuery(table: "t", service: service, operation: .match, key: key)
}

private func lookup(_ service: TableService, _ key: String) -> TableQuery {
    TableQuery(table: "t", service: service, operation: .lookup, key: key)
}

private func list(_ items: String...) -> StaticTable {
    StaticTable(name: "t", kind: .list, elements: items.map { TableElement(key: $0) })
}

private func mapping(_ entries: (String, String)...) -> StaticTable {
    StaticTable(name: "t", kind: .mapping, elements: entries.map { TableElement(key: $0.0, value: $0.1) })
}

@Suite("Tables in memory (table(5))") struct StaticTableTests {
    @Test func `keys are looked up without regard to case`() {
        var table = mapping(("Postmaster", "Root"), ("ada@Example.org", "ada"))
        #expect(table.answer(lookup(.alias, "POSTMASTER")) == .found("Root"))
        #expect(table.answer(lookup(.alias, "ada@example.ORG")) == .found("ada"))
        #expect(table.answer(lookup(.alias, "bob")) == .notFound)
    }

    @Test func `the last of equal keys wins`() {
        var table = mapping(("a", "1"), ("A", "2"))
        #expect(table.answer(lookup(.alias, "a")) == .found("2"))
        #expect(table.elements.count == 1)
    }

    @Test func `a key of 1023 bytes is looked for and one of 1024 is an error`() {
        let longest = String(repeating: "x", count: 1023)
        var table = list(longest)
        #expect(table.answer(match(.string, longest)) == .found(longest))
        #expect(table.answer(match(.string, longest + "x")) == .failed("key too long"))
        #expect(table.answer(match(.domain, longest + "x")) == .failed("key too long"))
        #expect(table.answer(lookup(.alias, longest + "x")) == .failed("key too long"))
    }

    @Test func `a value is not looked up in a list`() {
        var table = list("a")
        #expect(table.answer(lookup(.alias, "a")) == .failed("table t is a list"))
        var empty = list()
        #expect(empty.answer(lookup(.alias, "a")) == .notFound)
    }

    @Test func `mail addresses match in a mapping too`() {
        var table = mapping(("@example.org", "x"))
        #expect(table.answer(match(.mailaddr, "ada@example.org")) == .found("@example.org"))
    }

    @Test func `the first pattern in byte order wins`() {
        var domains = list("mail.example.org", "*.example.org", "*", "m*.example.org")
        #expect(domains.answer(match(.domain, "mail.example.org")) == .found("*"))
        var fewer = list("mail.example.org", "m*.example.org")
        #expect(fewer.answer(match(.domain, "mail.example.org")) == .found("m*.example.org"))
        var networks = list("10.1.0.0/16", "10.0.0.0/8", "10.1.1.1")
        #expect(networks.answer(match(.netaddr, "10.1.1.1")) == .found("10.0.0.0/8"))
        var expressions = list("xy", "x", "(?i)X")
        #expect(expressions.answer(match(.regex, "xy")) == .found("(?i)X"))
    }

    @Test func `keys are in lower case when regular expressions see them`() {
        var table = list("^[a-z]+$")
        #expect(table.answer(match(.regex, "MAIL")) == .found("^[a-z]+$"))
    }

    @Test func `an expression that does not compile matches nothing and is reported`() {
        var table = list("(", "^a")
        #expect(table.answer(match(.regex, "abc")) == .found("^a"))
        #expect(table.answer(match(.regex, "(")) == .notFound)
        #expect(table.invalidEntries(for: .regex).map(\.entry) == ["("])
        var networks = list("10.0.0.0/8", "local", "example.org")
        #expect(networks.invalidEntries(for: .netaddr).map(\.entry) == ["example.org"])
    }

    @Test func `fetch goes round`() {
        var table = list("192.0.2.11", "192.0.2.10")
        let query = TableQuery(table: "t", service: .source, operation: .fetch, key: "")
        #expect((0..<5).map { _ in table.answer(query) } == ["11", "10", "11", "10", "11"].map { .found("192.0.2.\($0)") })
        var empty = list()
        #expect(empty.answer(query) == .notFound)
    }

    @Test(arguments: ["[2001:db8::1]", "2001:db8::1", "ipv6:2001:db8::1"])
    func `an address is the same key in every form`(_ written: String) {
        var table = mapping((written, "mail.example.org"))
        for asked in ["[2001:db8::1]", "2001:DB8::1", "[IPv6:2001:db8::1]"] {
            #expect(table.answer(lookup(.addrname, asked)) == .found("mail.example.org"))
        }
    }

    @Test func `a definition with a back end is no static table`() {
        #expect(StaticTable(TableDefinition(name: "t", content: .backend(type: "db", path: "/x"))) == nil)
        let definition = TableDefinition(name: "t", content: .mapping([.init(key: "a", value: "b")]))
        var table = StaticTable(definition)
        #expect(table?.answer(lookup(.alias, "a")) == .found("b"))
    }

    @Test func `a hundred thousand patterns answer at once`() {
        let elements = (0..<100_000).map { TableElement(key: $0 % 2 == 0 ? "*.d\($0).example" : "d\($0).example") }
        var table = StaticTable(name: "t", kind: .list, elements: elements)
        _ = table.answer(match(.domain, "x"))
        let elapsed = ContinuousClock().measure {
            for number in stride(from: 0, to: 2_000, by: 2) {
                #expect(table.answer(match(.domain, "a.b.d\(number).example")) == .found("*.d\(number).example"))
                #expect(table.answer(match(.domain, "a.d\(number + 1).example")) == .notFound)
            }
        }
        #expect(elapsed < .seconds(10))
    }

    /// Compares every index with trying the patterns one by one in byte order.
    @Test func `an index answers as trying one by one does`() {
        var random = SplitMix64(seed: 5)
        func name() -> String {
            (0..<Int.random(in: 1...3, using: &random)).map { _ in ["a", "b", "*", "a*"].randomElement(using: &random)! }
                .joined(separator: ".")
        }
        for _ in 0..<300 {
            let domains = (0..<6).map { _ in name() }
            let addresses = domains.map { ["", "u", "u+t"].randomElement(using: &random)! + "@" + $0 } + ["u", "@"].shuffled(using: &random).prefix(1)
            var byDomain = StaticTable(name: "t", kind: .list, elements: domains.map { TableElement(key: $0) })
            var byAddress = StaticTable(name: "t", kind: .list, elements: addresses.map { TableElement(key: $0) })
            for _ in 0..<10 {
                let host = String(name().map { $0 == "*" ? "a" : $0 })
                let first = domains.sorted { TableKey($0) < TableKey($1) }
                    .first { WildcardPattern($0).matches(Array(host.utf8)) }
                #expect(byDomain.answer(match(.domain, host)) == first.map { TableAnswer.found($0) } ?? .notFound, "\(domains) \(host)")
                let address = ["u", "u+t", "v"].randomElement(using: &random)! + "@" + host
                let firstAddress = addresses.sorted { TableKey($0) < TableKey($1) }
                    .first { MailAddressPattern($0).matches(address, delimiter: UInt8(ascii: "+")) }
                #expect(
                    byAddress.answer(match(.mailaddr, address)) == firstAddress.map { TableAnswer.found($0) } ?? .notFound,
                    "\(addresses) \(address)")
            }
        }
    }
}
