import Glibc
import Platform
import TableProgram
import Tables

/// A connection to a socketmap server. One question after the other: the protocol says nothing of more.
final class SocketmapConnection: TableConnection {
    private let server: ServerAddress
    private let maps: [TableService: String]
    private let answering: Int
    private let socket: OwnedDescriptor
    private var received: [UInt8] = []
    private var room = [UInt8](repeating: 0, count: 16_384)

    init(
        _ server: ServerAddress, _ maps: [TableService: String], connecting: Int, answering: Int
    ) throws(TableFailure) {
        self.server = server
        self.maps = maps
        self.answering = answering
        socket = try Self.socket(to: server, connecting: connecting, answering: answering)
    }

    private static func socket(to server: ServerAddress, connecting: Int, answering: Int) throws(TableFailure) -> OwnedDescriptor {
        let addresses: [SocketAddress] = switch server.place {
        case .path(let path): [.local(path: path)]
        case .host(let name, let port):
            HostNames.addresses(of: name).compactMap { SocketAddress(octets: $0.octets, port: port ?? 0) }
        }
        var last = TableFailure("the name has no address")
        for address in addresses {
            do throws(SystemError) {
                let socket = try ConnectingSocket.wait(to: address, timeout: Int32(connecting * 1000))
                try Sockets.setTimeout(socket.raw, seconds: answering)
                return socket
            } catch {
                last = TableFailure(error.reason)
            }
        }
        throw last
    }

    func find(_ questions: [ProgramQuestion]) throws(TableFailure) -> [TableFinding] {
        var findings: [TableFinding] = []
        for question in questions {
            guard case .key(let service, let key) = question, let map = maps[service] else {
                findings.append(.failure(TableFailure("there is no map for that")))
                continue
            }
            do throws(SystemError) {
                try Sockets.sendAll(socket.raw, Socketmap.request(map: map, key: key))
            } catch {
                throw TableFailure("\(server): \(error.reason)")
            }
            switch try reply() {
            case .found(let value): findings.append(.success([Self.row(of: value, service)]))
            case .notFound: findings.append(.success([]))
            case .failed(let reason): findings.append(.failure(TableFailure(reason)))
            }
        }
        return findings
    }

    /// The value as the columns that the service has: they stand in it with colons between.
    private static func row(of value: [UInt8], _ service: TableService) -> TableRow {
        value.split(separator: UInt8(ascii: ":"), maxSplits: service.columns - 1, omittingEmptySubsequences: false).map(Array.init)
    }

    private func reply() throws(TableFailure) -> Socketmap.Reply {
        let deadline = TableClock.now() + .seconds(answering)
        while true {
            do throws(Socketmap.Problem) {
                if let reply = try Socketmap.takeReply(from: &received) { return reply }
            } catch {
                throw TableFailure("\(server): the reply makes no sense (\(error))")
            }
            // Each wait has its limit; one that trickles has one for the whole.
            guard TableClock.now() < deadline else { throw TableFailure("\(server): no answer in \(answering) seconds") }
            let count: Int
            do throws(SystemError) {
                count = try Files.readSome(socket, into: &room)
            } catch {
                throw TableFailure("\(server): \(error.code == EAGAIN ? "no answer in \(answering) seconds" : error.reason)")
            }
            guard count > 0 else { throw TableFailure("\(server): the server has closed the connection") }
            received += room[..<count]
        }
    }
}
