import Platform
import ServerTesting
import Testing

extension TableEngines {
    @Suite("table-sqlite") struct SQLiteTests {
        private let scratch: Scratch

        init() throws {
            scratch = try Scratch()
            try fill("people.db", SampleData.sql + """
                INSERT INTO aliases VALUES ('break', 'a' || char(10) || 'b'), ('long', printf('%.*c', 5000, 'x'));
                """)
        }

        private func fill(_ name: String, _ sql: String) throws {
            let run = try Programs.run(
                "/usr/bin/sqlite3", ["\(scratch.path)/\(name)"], input: sql, environment: [], identity: OrdinaryUser.current.identity)
            guard run.code == 0, run.error.isEmpty else { throw ServerFailure(run.error) }
        }

        private var configuration: String { "dbpath \(scratch.path)/people.db\n" + SampleData.queries("?") }

        @Test func `answers`() throws {
            try expectSampleAnswers(try RunningProgram("table-sqlite", configuration))
        }

        @Test func `a database that is not there is a failure, and one that comes is used`() async throws {
            let program = try RunningProgram("table-sqlite", "dbpath \(scratch.path)/later.db\n" + SampleData.queries("?"))
            #expect(try program.ask("lookup|alias|ada").hasPrefix("error|"))
            try fill("later.db", SampleData.sql)
            try await eventually("the new database") { try program.ask("lookup|alias|ada") == "found|bob, carl, dora" }
        }

        @Test func `a database that replaces another is used, and what a writer changes is seen`() async throws {
            let program = try RunningProgram("table-sqlite", configuration)
            #expect(try program.ask("lookup|alias|ada") == "found|bob, carl, dora")
            try fill("people.db", "UPDATE aliases SET target = 'eve' WHERE name = 'ada';")
            #expect(try program.ask("lookup|alias|ada") == "found|eve, eve")
            try fill("new.db", "CREATE TABLE aliases (name, target); INSERT INTO aliases VALUES ('ada', 'zoe');")
            try Files.rename("\(scratch.path)/new.db", to: "\(scratch.path)/people.db")
            #expect(try program.ask("lookup|alias|ada") == "found|zoe")
        }

        @Test func `what is no database is a failure`() throws {
            try scratch.write("people.db", String(repeating: "garbage ", count: 1000))
            let program = try RunningProgram("table-sqlite", configuration)
            #expect(try program.ask("lookup|alias|ada").hasPrefix("error|"))
            #expect(try program.end() == .exited(0))
        }

        @Test(arguments: [
            ("", "the setting dbpath is missing"), ("dbpath /x\nquery_aliases x", "there is no query"),
            ("dbpath /x\nquery_alias select\nquery_aliases x", "line 3: there is no setting query_aliases"),
        ])
        func `a mistake in the file ends it with the reason`(_ text: String, _ reason: String) throws {
            let program = try RunningProgram("table-sqlite", text)
            #expect(try program.end() == .exited(1))
            #expect(program.errors.contains(reason))
            #expect(program.services == [])
        }
    }
}
