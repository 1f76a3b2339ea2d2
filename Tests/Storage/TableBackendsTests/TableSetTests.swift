import Glibc
import Platform
import Tables
import Testing

@testable import TableBackends

private func lookup(_ table: String, _ key: String, _ service: TableService = .alias) -> TableQuery {
    TableQuery(table: table, service: service, operation: .lookup, key: key)
}

private func match(_ table: String, _ key: String, _ service: TableService) -> TableQuery {
    TableQuery(table: table, service: service, operation: .match, key: key)
}

@Suite("Tables in files (table(5))") struct FileTableTests {
    let directory = ScratchDirectory()

    @Test func `answers from its file`() throws {
        let path = try directory.write("t", "ada bob\n")
        var table = try FileTable(name: "t", path: path, format: .general)
        #expect(table.answer(lookup("t", "ADA")) == .found("bob"))
        #expect(table.answer(lookup("t", "bob")) == .notFound)
    }

    @Test func `reads the file once and again on update`() throws {
        let path = try directory.write("t", "ada bob\n")
        var table = try FileTable(name: "t", path: path, format: .general)
        #expect(!table.isOutdated())
        try directory.write("t", "ada carol and more\n")
        #expect(table.isOutdated())
        #expect(table.answer(lookup("t", "ada")) == .found("bob"))
        try table.update()
        #expect(!table.isOutdated())
        #expect(table.answer(lookup("t", "ada")) == .found("carol and more"))
    }

    @Test func `an update that fails keeps the old content and names file and line`() throws {
        let path = try directory.write("t", "ada bob\n")
        var table = try FileTable(name: "t", path: path, format: .general)
        try directory.write("t", "ada carol\n\nbroken\n")
        #expect(throws: TableUpdateError.malformed(path: path, [TableFileProblem(line: 3, kind: .missingValue)])) {
            try table.update()
        }
        #expect(table.answer(lookup("t", "ada")) == .found("bob"))
        do {
            try table.update()
        } catch {
            #expect(error.description == "\(path):3: entry without a value")
        }
        unlink(path)
        #expect(table.isOutdated())
        #expect(throws: TableUpdateError.unreadable(SystemError("open \(path)", code: ENOENT))) { try table.update() }
        #expect(table.answer(lookup("t", "ada")) == .found("bob"))
    }

    @Test func `an alias file loses its bad lines only`() throws {
        let path = try directory.write("aliases", "ada:\n  bob,\n  carol\nbad\n")
        var table = try FileTable(name: "t", path: path, format: .aliases)
        #expect(table.answer(lookup("t", "ada")) == .found("bob, carol"))
        #expect(table.warnings == ["\(path):4: entry without a value"])
        #expect(throws: TableUpdateError.self) { try FileTable(name: "t", path: path, format: .general) }
    }

    @Test func `what is no regular file is refused and nothing waits for it`() throws {
        #expect(throws: TableUpdateError.notRegularFile(directory.path)) {
            try FileTable(name: "t", path: directory.path, format: .general)
        }
        let fifo = "\(directory.path)/fifo"
        mkfifo(fifo, 0o600)
        #expect(throws: TableUpdateError.notRegularFile(fifo)) { try FileTable(name: "t", path: fifo, format: .general) }
    }
}

@Suite("The user database as a table (type getpwnam)") struct UserDatabaseTableTests {
    @Test func `finds root and no stranger`() {
        var table = UserDatabaseTable()
        guard case .found(let value) = table.answer(lookup("<getpwnam>", "Root", .userinfo)) else {
            Issue.record("no root")
            return
        }
        #expect(value.hasPrefix("0:0:/"))
        #expect(table.answer(lookup("<getpwnam>", "no-such-user-here", .userinfo)) == .notFound)
    }

    @Test(arguments: ["", "a b", "a/b", "a:b", "root\0", "root\n", String(repeating: "x", count: 1023)])
    func `what no account is called is not found`(_ name: String) {
        var table = UserDatabaseTable()
        #expect(table.answer(lookup("<getpwnam>", name, .userinfo)) == .notFound)
    }

    @Test func `serves userinfo only, by look-up`() {
        var table = UserDatabaseTable()
        #expect(table.answer(lookup("t", "root", .alias)) == .failed("the user database serves userinfo only"))
        #expect(table.answer(match("t", "root", .userinfo)) == .found("root"))
        let long = String(repeating: "x", count: 1024)
        #expect(table.answer(lookup("t", long, .userinfo)) == .failed("key too long"))
    }

    @Test func `a database that cannot say is an error and not a missing user`() {
        var table = UserDatabaseTable { _ throws(SystemError) in throw SystemError("getpwnam ada", code: EIO) }
        guard case .failed = table.answer(lookup("t", "ada", .userinfo)) else {
            Issue.record("not an error")
            return
        }
        var other = UserDatabaseTable { _ in
            UserRecord(name: "other", uid: 1, gid: 1, gecos: "", home: "/", shell: "")
        }
        #expect(other.answer(lookup("t", "ada", .userinfo)) == .notFound)
        var homeless = UserDatabaseTable { name in
            UserRecord(name: name, uid: 7, gid: 8, gecos: "", home: "", shell: "")
        }
        #expect(homeless.answer(lookup("t", "ada", .userinfo)) == .found("7:8:/"))
    }
}

@Suite("All tables of a configuration") struct TableSetTests {
    let directory = ScratchDirectory()

    private func definition(_ name: String, _ content: TableDefinition.Content) -> TableDefinition {
        TableDefinition(name: name, content: content)
    }

    @Test func `answers by name`() throws {
        let path = try directory.write("aliases", "ada:\n  bob\n")
        var set = try TableSet(
            [
                "<localhost>": definition("<localhost>", .list(["local", "127.0.0.0/8"])),
                "names": definition("names", .mapping([.init(key: "192.0.2.1", value: "a.example")])),
                "aliases": definition("aliases", .backend(type: "file", path: path)),
                "<getpwnam>": definition("<getpwnam>", .backend(type: "getpwnam", path: nil)),
            ], aliasTables: ["aliases"])
        #expect(set.names == ["<getpwnam>", "<localhost>", "aliases", "names"])
        #expect(set.answer(match("<localhost>", "127.3.2.1", .netaddr)) == .found("127.0.0.0/8"))
        #expect(set.answer(lookup("names", "192.0.2.1", .addrname)) == .found("a.example"))
        #expect(set.answer(lookup("aliases", "ada")) == .found("bob"))
        #expect(set.answer(match("<getpwnam>", "root", .userinfo)) == .found("root"))
        #expect(set.answer(match("other", "x", .string)) == .failed("no table other"))
        #expect(set.warnings.isEmpty)
    }

    @Test func `entries that can never match are named`() throws {
        let path = try directory.write("t", "^a\n(\n")
        var set = try TableSet([
            "t": definition("t", .backend(type: "file", path: path)), "u": definition("u", .list(["10/8", "x"])),
        ])
        #expect(set.invalidEntries(in: "t", for: .regex) == ["table t: (: parenthesis without its end"])
        #expect(set.invalidEntries(in: "u", for: .netaddr) == ["table u: x: not an address or a network"])
        #expect(set.invalidEntries(in: "u", for: .string).isEmpty)
    }

    @Test func `fetch goes on from question to question`() throws {
        var set = try TableSet(["s": definition("s", .list(["a", "b"]))])
        let query = TableQuery(table: "s", service: .source, operation: .fetch, key: "")
        #expect([set.answer(query), set.answer(query), set.answer(query)] == [.found("a"), .found("b"), .found("a")])
    }

    @Test func `every failure at load is reported`() throws {
        do {
            _ = try TableSet([
                "a": definition("a", .backend(type: "file", path: "/nonexistent/a")),
                "b": definition("b", .backend(type: "file", path: nil)),
                "c": definition("c", .backend(type: "mystery", path: "/x")),
            ])
            Issue.record("loaded")
        } catch {
            #expect(
                error.failures == [
                    "a": .unreadable(SystemError("open /nonexistent/a", code: ENOENT)), "b": .missingPath(type: "file"),
                    "c": .unknownType("mystery"),
                ])
            #expect(error.description.contains("table c: unknown table type mystery"))
        }
    }

    @Test func `one table is updated by name`() throws {
        let path = try directory.write("t", "ada bob\n")
        var set = try TableSet(["t": definition("t", .backend(type: "static", path: path))])
        #expect(set.outdated.isEmpty)
        try directory.write("t", "ada caroline\n")
        #expect(set.outdated == ["t"])
        try set.update("t")
        #expect(set.answer(lookup("t", "ada")) == .found("caroline"))
        try directory.write("t", "ada x\nbroken\n")
        #expect(throws: TableUpdateError.self) { try set.update("t") }
        #expect(set.answer(lookup("t", "ada")) == .found("caroline"))
        #expect(throws: TableUpdateError.noSuchTable("u")) { try set.update("u") }
    }

    @Test func `other types come from outside`() throws {
        struct Echo: TableBackend {
            mutating func answer(_ query: TableQuery) -> TableAnswer { .found(query.key) }
            mutating func update() throws(TableUpdateError) { throw .failed("never") }
        }
        var set = try TableSet(
            ["e": definition("e", .backend(type: "echo", path: nil))],
            others: { type, _, _ in type == "echo" ? Echo() : nil })
        #expect(set.answer(lookup("e", "x")) == .found("x"))
        #expect(throws: TableUpdateError.failed("never")) { try set.update("e") }
        #expect(set.answer(lookup("e", "y")) == .found("y"))
    }
}
