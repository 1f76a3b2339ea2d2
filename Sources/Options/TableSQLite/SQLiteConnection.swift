#if SQLite
import CSQLite
import Glibc
import Platform
import TableProgram
import Tables

/// An open database, with its statements prepared when they are first needed. Only read.
final class SQLiteConnection: TableConnection {
    private let path: String
    private let queries: ServiceQueries
    // Opened in the initializer and closed by deinit alone.
    private let database: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]
    /// Which file this is: another one of the same name is another database.
    private let file: [UInt64]

    init(_ path: String, _ queries: ServiceQueries, patience: Duration) throws(TableFailure) {
        self.path = path
        self.queries = queries
        file = Self.file(at: path)
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nil)
        guard let opened else { throw TableFailure("\(path): no memory") }
        guard code == SQLITE_OK else {
            let reason = Self.words(of: opened)
            sqlite3_close_v2(opened)
            throw TableFailure("\(path): \(reason)")
        }
        database = opened
        sqlite3_busy_timeout(opened, CInt(patience.components.seconds * 1000))
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(database)
    }

    func find(_ questions: [ProgramQuestion]) throws(TableFailure) -> [TableFinding] {
        guard Self.file(at: path) == file else { throw TableFailure("\(path) is another file now") }
        var findings: [TableFinding] = []
        for question in questions { findings.append(try find(question)) }
        return findings
    }

    private func find(_ question: ProgramQuestion) throws(TableFailure) -> TableFinding {
        guard let (name, text) = queries.text(for: question) else { return .failure(TableFailure("there is no query for that")) }
        let statement: OpaquePointer
        do throws(TableFailure) {
            statement = try prepared(name, text, for: question)
        } catch {
            return .failure(error)
        }
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        if case .key(_, let key) = question {
            for number in 1...sqlite3_bind_parameter_count(statement) {
                guard bind(key, to: number, of: statement) == SQLITE_OK else {
                    return .failure(TableFailure("\(name): \(Self.words(of: database))"))
                }
            }
        }
        return try rows(of: statement, name)
    }

    private func bind(_ key: [UInt8], to number: CInt, of statement: OpaquePointer) -> CInt {
        // SQLITE_TRANSIENT, a macro of a number that stands for a function: SQLite makes a copy of its own.
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        return key.withUnsafeBytes { octets in
            // An empty array may have no address, which would be NULL and no text.
            let text = octets.baseAddress?.assumingMemoryBound(to: CChar.self)
            return text.map { sqlite3_bind_text(statement, number, $0, CInt(octets.count), transient) }
                ?? sqlite3_bind_text(statement, number, "", 0, transient)
        }
    }

    private func prepared(_ name: String, _ text: String, for question: ProgramQuestion) throws(TableFailure) -> OpaquePointer {
        if let statement = statements[name] { return statement }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v3(database, text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK, let statement
        else { throw TableFailure("\(name): \(Self.words(of: database))") }
        let parameters = sqlite3_bind_parameter_count(statement)
        let columns = Int(sqlite3_column_count(statement))
        do throws(TableFailure) {
            try ServiceQueries.check(question, name, parameters: Int(parameters), columns: columns)
        } catch {
            sqlite3_finalize(statement)
            throw error
        }
        statements[name] = statement
        return statement
    }

    private func rows(of statement: OpaquePointer, _ name: String) throws(TableFailure) -> TableFinding {
        var rows: [TableRow] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                guard rows.count < TableLimits.rows else { return .failure(TableFailure("\(name): more than \(TableLimits.rows) rows")) }
                rows.append((0..<sqlite3_column_count(statement)).map { column($0, of: statement) })
            case SQLITE_DONE: return .success(rows)
            // A lock that was not given up in time, or a query that does not fit the data.
            case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_ERROR, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_SCHEMA, SQLITE_TOOBIG:
                return .failure(TableFailure("\(name): \(Self.words(of: database))"))
            // What is read is no database any more, or cannot be read: another try from the start.
            default: throw TableFailure("\(path): \(Self.words(of: database))")
            }
        }
    }

    private func column(_ number: CInt, of statement: OpaquePointer) -> [UInt8]? {
        guard sqlite3_column_type(statement, number) != SQLITE_NULL else { return nil }
        // The text first, since it is what the count is of.
        guard let text = sqlite3_column_text(statement, number) else { return nil }
        return Array(UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(statement, number))))
    }

    private static func words(of database: OpaquePointer) -> String { String(cString: sqlite3_errmsg(database)) }

    private static func file(at path: String) -> [UInt64] {
        var status = stat()
        // No file is no file; opening says why.
        return stat(path, &status) == 0 ? [UInt64(status.st_dev), UInt64(status.st_ino)] : []
    }
}
#endif
