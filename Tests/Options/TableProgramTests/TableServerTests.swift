import TableProgram
import Tables
import Testing

/// A database in memory that fails when the test wants it to.
private final class FakeDatabase {
    var rows: [String: [TableRow]] = [:]
    var elements: [TableRow] = []
    var isAway = false
    /// How many of the next batches lose the connection.
    var losses = 0
    var words = "lost"
    var connections = 0
    var batches: [Int] = []
}

private final class FakeConnection: TableConnection {
    let database: FakeDatabase
    init(_ database: FakeDatabase) { self.database = database }

    func find(_ questions: [ProgramQuestion]) throws(TableFailure) -> [TableFinding] {
        database.batches.append(questions.count)
        if database.losses > 0 {
            database.losses -= 1
            throw TableFailure(database.words)
        }
        return questions.map { question in
            switch question {
            case .key(_, let key): .success(database.rows[String(decoding: key, as: UTF8.self)] ?? [])
            case .elements: .success(database.elements)
            }
        }
    }
}

private struct FakeEngine: TableEngine {
    var database: FakeDatabase
    var services: [TableService] = [.alias, .source]
    var fetching: [TableService: FetchPolicy] { [.source: FetchPolicy(expire: .seconds(10), refresh: 3)] }

    init(_ database: FakeDatabase) { self.database = database }
    init(_ settings: inout ProgramSettings, table: String) throws(ProgramSettings.Problem) { throw .init("not used") }

    func connect() throws(TableFailure) -> FakeConnection {
        if database.isAway { throw TableFailure("away") }
        database.connections += 1
        return FakeConnection(database)
    }
}

@Suite("How a table program answers") struct TableServerTests {
    private let database = FakeDatabase()

    init() {
        database.rows = ["ada": [[Array("bob".utf8)]]]
        database.elements = [[Array("192.0.2.1".utf8)], [Array("192.0.2.2".utf8)]]
    }

    private func server(reload: @escaping () throws(ProgramSettings.Problem) -> FakeEngine = { () throws(ProgramSettings.Problem) in throw .init("bad file") }) -> TableServer<FakeEngine> {
        TableServer(FakeEngine(database), reload: reload)
    }

    private func ask(_ server: inout TableServer<FakeEngine>, _ requests: String..., at now: Duration = .zero) throws -> String {
        let requests = try requests.enumerated().map { try ProgramRequest(line: Array("table|0.1|1|x|\($1.replacing("#", with: "\($0)"))".utf8)) }
        return String(decoding: server.answer(requests, at: now).output, as: UTF8.self)
    }

    @Test func `requests that came together are asked together, each question once, and answered in order`() throws {
        var server = server()
        let answer = try ask(
            &server, "lookup|alias|#|ada", "check|alias|#|ada", "lookup|alias|#|eve", "fetch|source|#", "fetch|source|#", "fetch|source|#")
        #expect(answer == """
            lookup-result|0|found|bob
            check-result|1|found
            lookup-result|2|not-found
            fetch-result|3|found|192.0.2.1
            fetch-result|4|found|192.0.2.2
            fetch-result|5|found|192.0.2.1

            """)
        #expect(database.batches == [3])
    }

    @Test func `what is not registered is an error and not a no`() throws {
        var server = server()
        #expect(try ask(&server, "lookup|domain|#|ada", "check|colour|#|x", "fetch|alias|#") == """
            lookup-result|0|error|this table does not serve that
            check-result|1|error|this table does not serve that
            fetch-result|2|error|alias cannot be fetched here

            """)
    }

    @Test func `a lost connection is made again, once`() throws {
        var server = server()
        database.losses = 1
        #expect(try ask(&server, "lookup|alias|#|ada") == "lookup-result|0|found|bob\n")
        #expect(database.connections == 2)
        database.losses = 2
        #expect(try ask(&server, "lookup|alias|#|ada") == "lookup-result|0|error|lost\n")
        #expect(try ask(&server, "lookup|alias|#|ada") == "lookup-result|0|found|bob\n")
    }

    @Test func `who cannot be reached is not tried again for a second`() throws {
        var server = server()
        database.isAway = true
        #expect(try ask(&server, "lookup|alias|#|ada") == "lookup-result|0|error|away\n")
        database.isAway = false
        #expect(try ask(&server, "lookup|alias|#|ada", at: .milliseconds(999)) == "lookup-result|0|error|away\n")
        #expect(try ask(&server, "lookup|alias|#|ada", at: .seconds(1)) == "lookup-result|0|found|bob\n")
    }

    @Test func `elements are asked for again when they are old`() throws {
        var server = server()
        #expect(try ask(&server, "fetch|source|#") == "fetch-result|0|found|192.0.2.1\n")
        database.elements = [[Array("192.0.2.9".utf8)]]
        #expect(try ask(&server, "fetch|source|#", at: .seconds(9)) == "fetch-result|0|found|192.0.2.2\n")
        #expect(try ask(&server, "fetch|source|#", at: .seconds(10)) == "fetch-result|0|found|192.0.2.9\n")
        database.elements = []
        #expect(try ask(&server, "fetch|source|#", at: .seconds(20)) == "fetch-result|0|not-found\n")
        database.elements = [[Array("a\nb".utf8)]]
        #expect(try ask(&server, "fetch|source|#", at: .seconds(30)) == "fetch-result|0|error|a value with a line break or NUL\n")
        database.isAway = true
        database.losses = 1
        #expect(try ask(&server, "fetch|source|#", at: .seconds(40)) == "fetch-result|0|error|away\n")
    }

    @Test func `an update reads the file again, keeps what was when it is bad, and does not change what is served`() throws {
        let new = FakeDatabase()
        new.rows = ["ada": [[Array("carl".utf8)]]]
        var changed = FakeEngine(new)
        changed.services = [.alias]
        var results: [Result<FakeEngine, ProgramSettings.Problem>] = [.failure(.init("bad file")), .success(changed), .success(FakeEngine(new))]
        var server = server { () throws(ProgramSettings.Problem) in try results.removeFirst().get() }
        #expect(try ask(&server, "update|#", "lookup|alias|#|ada") == "update-result|0|error|bad file\nlookup-result|1|found|bob\n")
        #expect(try ask(&server, "update|#").hasPrefix("update-result|0|error|it now serves alias"))
        #expect(try ask(&server, "lookup|alias|#|ada", "update|#", "lookup|alias|#|ada")
            == "lookup-result|0|found|bob\nupdate-result|1|ok\nlookup-result|2|found|carl\n")
    }

    @Test func `the operator hears of a failure once, until something worked`() throws {
        var server = server()
        database.losses = 5
        func remarks(_ key: String) throws -> [String] {
            server.answer([try ProgramRequest(line: Array("table|0.1|1|x|lookup|alias|1|\(key)".utf8))], at: .zero).remarks
        }
        #expect(try remarks("ada") == ["alias: lost"])
        #expect(try remarks("ada") == [])
        #expect(try remarks("ada") == [], "the second try of it worked")
        database.losses = 2
        #expect(try remarks("ada") == ["alias: lost"])
    }

    @Test func `what a database says makes one line of the log`() throws {
        var server = server()
        database.losses = 2
        database.words = "lost\nsmtpd: all is well\u{1B}[2J"
        let turn = server.answer([try ProgramRequest(line: Array("table|0.1|1|x|lookup|alias|1|ada".utf8))], at: .zero)
        #expect(turn.remarks == ["alias: lost smtpd: all is well [2J"])
        #expect(turn.output == Array("lookup-result|1|error|lost smtpd: all is well [2J\n".utf8))
    }

    @Test func `many requests are asked in batches`() throws {
        var server = server()
        let requests = try (0..<150).map { try ProgramRequest(line: Array("table|0.1|1|x|lookup|alias|\($0)|\($0)".utf8)) }
        let lines = server.answer(requests, at: .zero).output.split(separator: UInt8(ascii: "\n"))
        #expect(lines.map { String(decoding: $0, as: UTF8.self) } == (0..<150).map { "lookup-result|\($0)|not-found" })
        #expect(database.batches == [64, 64, 22])
    }
}
