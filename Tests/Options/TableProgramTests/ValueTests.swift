import TableProgram
import Tables
import Testing

@Suite("What a database may answer, and what becomes of it") struct ValueTests {
    private func row(_ columns: String?...) -> TableRow { columns.map { $0.map { Array($0.utf8) } } }

    private func value(_ rows: [TableRow], _ service: TableService) throws(TableFailure) -> String? {
        try RowValue.value(of: rows, for: service).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `rows of aliases and of senders' addresses are joined`() throws {
        #expect(try value([row("a"), row("b, c")], .alias) == "a, b, c")
        #expect(try value([row("a@x"), row("b@y")], .mailaddrmap) == "a@x, b@y")
    }

    @Test func `of other services the first row counts`() throws {
        #expect(try value([row("a"), row("b")], .domain) == "a")
        #expect(try value([row("ada", "$6$x:y"), row("b", "c")], .credentials) == "ada:$6$x:y")
        #expect(try value([row("1000", "100", "/home/a:b")], .userinfo) == "1000:100:/home/a:b")
    }

    @Test(arguments: TableService.allCases)
    func `no row is no value`(_ service: TableService) throws {
        #expect(try value([], service) == nil)
    }

    @Test(arguments: ["a\nb", "a\rb", "a\u{0}b", "\n", ""])
    func `a value that breaks the line, or is none, is a failure`(_ text: String) {
        #expect(throws: TableFailure.self) { try value([row(text)], .domain) }
        #expect(throws: TableFailure.self) { try value([row("a"), row(text)], .alias) }
        #expect(throws: TableFailure.self) { try value([row("ada", text)], .credentials) }
        #expect(throws: TableFailure.self) { try RowValue.elements(of: [row("a"), row(text)], for: .source) }
    }

    @Test func `a missing value is a failure`() {
        #expect(throws: TableFailure.self) { try value([row(nil)], .domain) }
        #expect(throws: TableFailure.self) { try value([row("ada", nil)], .credentials) }
    }

    @Test(arguments: [["1000", "100"], ["1000"], ["1000", "100", "/h", "x"], ["-1", "1", "/h"], ["1:0", "1", "/h"], ["1", "x", "/h"],
        ["10000000000", "1", "/h"], ["", "1", "/h"]])
    func `user information is uid, gid and a directory`(_ columns: [String]) {
        #expect(throws: TableFailure.self) { try value([columns.map { Array($0.utf8) }], .userinfo) }
    }

    @Test func `a user with a colon would be another user`() {
        #expect(throws: TableFailure.self) { try value([row("a:b", "hash")], .credentials) }
    }

    @Test func `a value has a limit, joined too`() throws {
        let longest = String(repeating: "x", count: TableLimits.value)
        #expect(try value([row(longest)], .domain) == longest)
        #expect(throws: TableFailure.self) { try value([row(longest + "x")], .domain) }
        #expect(throws: TableFailure.self) { try value([row(longest), row("y")], .alias) }
    }
}

@Suite("Elements one after the other: fetch_source with expire and refresh") struct ElementCycleTests {
    private func text(_ cycle: inout ElementCycle) -> String? { cycle.next().map { String(decoding: $0, as: UTF8.self) } }
    private let elements = [Array("a".utf8), Array("b".utf8), Array("c".utf8)]

    @Test func `they come round, until they are old`() {
        var cycle = ElementCycle(FetchPolicy(expire: .seconds(60), refresh: 1000))
        #expect(cycle.isStale(at: .zero))
        cycle.fill(elements, at: .seconds(5))
        #expect([text(&cycle), text(&cycle), text(&cycle), text(&cycle)] == ["a", "b", "c", "a"])
        #expect(!cycle.isStale(at: .seconds(5) + .milliseconds(59_999)))
        #expect(cycle.isStale(at: .seconds(65)))
        cycle.fill(elements, at: .seconds(65))
        #expect(text(&cycle) == "b", "where it was")
    }

    @Test func `they are asked for anew after some requests`() {
        var cycle = ElementCycle(FetchPolicy(expire: .seconds(60), refresh: 2))
        cycle.fill(elements, at: .zero)
        _ = cycle.next()
        #expect(!cycle.isStale(at: .zero))
        _ = cycle.next()
        #expect(cycle.isStale(at: .zero))
    }

    @Test func `none at all is none, and fewer than before is no trouble`() {
        var cycle = ElementCycle(FetchPolicy())
        cycle.fill(elements, at: .zero)
        _ = cycle.next()
        _ = cycle.next()
        cycle.fill([elements[0]], at: .zero)
        #expect(text(&cycle) == "a")
        cycle.fill([], at: .zero)
        #expect(text(&cycle) == nil)
    }
}
