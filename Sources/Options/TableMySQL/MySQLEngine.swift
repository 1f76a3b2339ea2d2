#if MySQL
import TableProgram
import Tables

/// A MySQL or MariaDB database on one of some servers, with queries that take the key as their parameter.
struct MySQLEngine: TableEngine {
    struct Login: Sendable {
        var user: String?
        var password: String?
        var database: String?
        var tls: ServerTLS
        /// In whole seconds, for connecting and for each answer.
        var connecting: UInt32
        var answering: UInt32
    }

    private let servers: [ServerAddress]
    private let login: Login
    private let queries: ServiceQueries

    init(_ settings: inout ProgramSettings, table: String) throws(ProgramSettings.Problem) {
        servers = try ServerAddress.list(settings.take("host") ?? "localhost", setting: "host")
        login = Login(
            user: settings.take("username"), password: settings.take("password"), database: settings.take("database"),
            tls: try ServerTLS(taking: &settings),
            connecting: UInt32(try settings.takeNumber("connect_timeout", in: 1...300) ?? 5),
            answering: UInt32(try settings.takeNumber("query_timeout", in: 1...300) ?? 5))
        queries = try ServiceQueries(taking: &settings)
    }

    var services: [TableService] { queries.services }
    var fetching: [TableService: FetchPolicy] { queries.fetching }

    func connect() throws(TableFailure) -> MySQLConnection {
        var failures: [String] = []
        for server in servers {
            do throws(TableFailure) {
                return try MySQLConnection(server, login, queries)
            } catch {
                failures.append("\(server): \(error.reason)")
            }
        }
        throw TableFailure(failures.joined(separator: "; "))
    }
}
#endif
