#if PostgreSQL
import TableProgram
import Tables

/// A PostgreSQL database: libpq's connection string, which may name several servers and TLS, and queries that take
/// the key as `$1`.
struct PostgreSQLEngine: TableEngine {
    private let connection: String
    private let queries: ServiceQueries
    private let connecting: Int
    private let answering: Duration

    init(_ settings: inout ProgramSettings, table: String) throws(ProgramSettings.Problem) {
        connection = try settings.require("conninfo")
        connecting = try settings.takeNumber("connect_timeout", in: 2...300) ?? 5
        answering = .seconds(try settings.takeNumber("query_timeout", in: 1...300) ?? 5)
        queries = try ServiceQueries(taking: &settings)
        if let reason = PostgreSQLConnection.mistake(in: connection) { throw .init("conninfo: \(reason)") }
    }

    var services: [TableService] { queries.services }
    var fetching: [TableService: FetchPolicy] { queries.fetching }

    func connect() throws(TableFailure) -> PostgreSQLConnection {
        try PostgreSQLConnection(connection, queries, connecting: connecting, answering: answering)
    }
}
#endif
