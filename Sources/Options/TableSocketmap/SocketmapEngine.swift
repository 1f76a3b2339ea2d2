import Platform
import TableProgram
import Tables

/// Servers of the socketmap protocol: `server` names them, `map_SERVICE` the map for a service.
///
/// Instead of a file of settings the path may be that of the server's socket. Then all services are served, each by the
/// map of its own name.
struct SocketmapEngine: TableEngine {
    /// What a key leads to something for; elements cannot be asked for in this protocol.
    private static let served: [TableService] = TableService.allCases.filter { $0 != .source }

    private let servers: [ServerAddress]
    private let maps: [TableService: String]
    /// In seconds.
    private let connecting: Int
    private let answering: Int

    static func configuration(at path: String) -> [UInt8]? {
        // A path that cannot be looked at is found to be none when it is read.
        guard let status = try? Files.status(path), status.isSocket else { return nil }
        let maps = served.map { "map_\($0.name) \($0.name)\n" }.joined()
        return Array("server unix:\(path)\n\(maps)".utf8)
    }

    init(_ settings: inout ProgramSettings, table: String) throws(ProgramSettings.Problem) {
        servers = try ServerAddress.list(try settings.require("server"), setting: "server")
        for case .host(let name, nil) in servers.map(\.place) { throw .init("server: \(name) has no port") }
        connecting = try settings.takeNumber("connect_timeout", in: 1...300) ?? 5
        answering = try settings.takeNumber("query_timeout", in: 1...300) ?? 5
        var maps: [TableService: String] = [:]
        for service in Self.served {
            guard let map = settings.take("map_\(service.name)") else { continue }
            guard !map.contains(" ") else { throw .init("map_\(service.name): a name of a map has no blanks") }
            maps[service] = map
        }
        guard !maps.isEmpty else { throw .init("there is no map: see map_alias and its like") }
        self.maps = maps
    }

    var services: [TableService] { Self.served.filter { maps[$0] != nil } }
    var fetching: [TableService: FetchPolicy] { [:] }

    func connect() throws(TableFailure) -> SocketmapConnection {
        var failures: [String] = []
        for server in servers {
            do throws(TableFailure) {
                return try SocketmapConnection(server, maps, connecting: connecting, answering: answering)
            } catch {
                failures.append("\(server): \(error.reason)")
            }
        }
        throw TableFailure(failures.joined(separator: "; "))
    }
}
