#if SQLite
import TableProgram
import Tables

/// An SQLite database: a file, queries with the key as their parameter.
struct SQLiteEngine: TableEngine {
    private let path: String
    private let queries: ServiceQueries
    /// How long a lock of a writer is waited for.
    private let patience: Duration

    init(_ settings: inout ProgramSettings, table: String) throws(ProgramSettings.Problem) {
        path = try settings.require("dbpath")
        queries = try ServiceQueries(taking: &settings)
        patience = .seconds(try settings.takeNumber("query_timeout", in: 1...300) ?? 5)
    }

    var services: [TableService] { queries.services }
    var fetching: [TableService: FetchPolicy] { queries.fetching }

    func connect() throws(TableFailure) -> SQLiteConnection {
        try SQLiteConnection(path, queries, patience: patience)
    }
}
#endif
