#if Redis
import TableProgram
import Tables

/// A Redis server, and perhaps another one that has a copy; commands with the key in them.
struct RedisEngine: TableEngine {
    struct Login: Sendable {
        var user: String?
        var password: String?
        var database: Int
        /// In seconds.
        var connecting: Int
        var answering: Int
    }

    /// What a server has no command for is not served.
    private static let served: [TableService] = [
        .alias, .domain, .credentials, .netaddr, .userinfo, .mailaddr, .addrname, .mailaddrmap, .relayhost, .string,
    ]

    private let servers: [ServerAddress]
    private let login: Login
    private let commands: [TableService: CommandTemplate]

    init(_ settings: inout ProgramSettings, table: String) throws(ProgramSettings.Problem) {
        servers = try Self.server(&settings, "master", standard: "127.0.0.1") + Self.server(&settings, "slave", standard: nil)
        login = Login(
            user: settings.take("username"), password: settings.take("password"),
            database: try settings.takeNumber("database", in: 0...1_000_000) ?? 0,
            connecting: try settings.takeNumber("connect_timeout", in: 1...300) ?? 5,
            answering: try settings.takeNumber("query_timeout", in: 1...300) ?? 5)
        if login.user != nil, login.password == nil { throw .init("username needs a password") }
        var commands: [TableService: CommandTemplate] = [:]
        for service in Self.served {
            let name = "query_\(service.name)"
            if let text = settings.take(name) { commands[service] = try CommandTemplate(text, setting: name) }
        }
        guard !commands.isEmpty else { throw .init("there is no query: see query_alias and its like") }
        self.commands = commands
    }

    private static func server(
        _ settings: inout ProgramSettings, _ name: String, standard: String?
    ) throws(ProgramSettings.Problem) -> [ServerAddress] {
        let port = try settings.takeNumber("\(name)_port", in: 1...65535)
        guard let text = settings.take(name) ?? standard else {
            if port != nil { throw .init("\(name)_port without \(name)") }
            return []
        }
        let servers = try ServerAddress.list(text, setting: name)
        return servers.map { $0.with(defaultPort: UInt16(port ?? 6379)) }
    }

    var services: [TableService] { Self.served.filter { commands[$0] != nil } }
    var fetching: [TableService: FetchPolicy] { [:] }

    func connect() throws(TableFailure) -> RedisConnection {
        var failures: [String] = []
        for server in servers {
            do throws(TableFailure) {
                return try RedisConnection(server, login, commands)
            } catch {
                failures.append("\(server): \(error.reason)")
            }
        }
        throw TableFailure(failures.joined(separator: "; "))
    }
}
#endif
