import Glibc
import Platform
import ServerTesting
import Testing

/// The programs of tables, built with their libraries into a place that `Tests/tables` names; a build without traits
/// has none of them, and these tests are left out there.
enum TablePrograms {
    static let source = getenv("MARTLET_TABLE_PROGRAMS").map { String(cString: $0) }
    static var areBuilt: Bool { source != nil }
}

/// A table program as the mail server runs it: one socket for both directions, the table's name as its own.
final class RunningProgram: Sendable {
    let scratch: Scratch
    /// What it has registered, in order.
    let services: [String]
    private let process: pid_t
    private let socket: OwnedDescriptor
    private let received = Shared<[UInt8]>([])
    private let number = Shared(0)

    /// Starts it with a configuration file, and waits until it has registered.
    init(_ name: String, _ configuration: String, path: String? = nil) throws {
        scratch = try Scratch()
        let source = try #require(TablePrograms.source)
        try copyProgram("\(source)/\(name)", to: "\(scratch.path)/\(name)")
        try scratch.write("table.conf", configuration, mode: 0o600)
        let errors = try Files.open("\(scratch.path)/errors", O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        let ends = try LocalSocket.pair()
        var program = ChildProcess(
            path: "\(scratch.path)/\(name)", arguments: ["people", path ?? "\(scratch.path)/table.conf"],
            environment: ["PATH=/usr/bin:/bin", "SWIFT_BACKTRACE=enable=no"])
        program.identity = OrdinaryUser.current.identity
        program.directory = "/"
        let other = ends.second.raw
        process = try program.start(input: other, output: other, error: errors.raw)
        socket = ends.intoFirst()
        try Sockets.setTimeout(socket.raw, seconds: 30)
        try Sockets.sendAll(
            socket.raw, Array("config|smtpd-version|7.8.0\nconfig|protocol|0.1\nconfig|tablename|people\nconfig|ready\n".utf8))
        var lines: [String] = []
        while true {
            guard let line = try Self.line(from: socket, received) else { break }
            if line == "register|ready" { break }
            lines.append(line)
        }
        services = lines.map { String($0.drop { $0 != "|" }.dropFirst()) }
    }

    deinit {
        kill(process, SIGKILL)
        var status: CInt = 0
        waitpid(process, &status, 0)
    }

    /// Sends requests such as `lookup|alias|ada` at once and waits for all answers, each without its first two fields'
    /// names: `found|bob`, `not-found`, `error|...`.
    func ask(_ requests: [String]) throws -> [String] {
        var text = ""
        var identifiers: [String] = []
        for request in requests {
            let fields = request.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false)
            let count = number.with { number -> Int in
                number += 1
                return number
            }
            let identifier = String(count, radix: 16)
            identifiers.append("\(fields[0])-result|\(identifier)|")
            let rest = fields[0] == "update" ? identifier
                : fields[0] == "fetch" ? "\(fields[1])|\(identifier)" : "\(fields[1])|\(identifier)|\(fields[2])"
            text += "table|0.1|1713795097.394049|people|\(fields[0])|\(rest)\n"
        }
        try Sockets.sendAll(socket.raw, Array(text.utf8))
        return try identifiers.map { start in
            guard let line = try Self.line(from: socket, received) else { throw ServerFailure("the program ended: \(errors)") }
            guard line.hasPrefix(start) else { throw ServerFailure("\(line) is not the answer \(start)") }
            return String(line.dropFirst(start.count))
        }
    }

    func ask(_ request: String) throws -> String { try ask([request])[0] }

    /// What it has said to people.
    var errors: String { scratch.text("errors") ?? "" }

    /// The most memory that it has had at one time, in octets.
    var peakMemory: Int {
        // `123456 kB`.
        let words = ProcessTable.status(process, "VmHWM")?.split(separator: " ") ?? []
        return (words.first.flatMap { Int($0) } ?? 0) << 10
    }

    /// Closes our end and waits for its own.
    func end() throws -> Platform.ExitStatus {
        shutdown(socket.raw, CInt(SHUT_WR))
        return try ChildProcess.wait(for: process)
    }

    /// The next line without its end; nil at the end of all.
    private static func line(from socket: borrowing OwnedDescriptor, _ received: Shared<[UInt8]>) throws -> String? {
        var room = [UInt8](repeating: 0, count: 65_536)
        while true {
            let line = received.with { bytes -> String? in
                guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                defer { bytes.removeFirst(end + 1) }
                return String(decoding: bytes[..<end], as: UTF8.self)
            }
            if let line { return line }
            let count = try Files.readSome(socket, into: &room)
            guard count > 0 else { return nil }
            received.with { $0 += room[..<count] }
        }
    }
}

extension SocketPair {
    /// Our end; the other one is closed here.
    fileprivate consuming func intoFirst() -> OwnedDescriptor { first }
}

/// Each of them has a database server for itself, and starts it more than once.
@Suite(
    "Programs of tables with real databases", .serialized,
    .enabled(if: TablePrograms.areBuilt, "run by Tests/tables, which builds the programs with their libraries"))
enum TableEngines {}
