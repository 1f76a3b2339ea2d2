import Glibc
import Platform
import ServerTesting

/// A database server from the distribution's packages, in a directory of the test's own, as the ordinary user.
class DatabaseServer {
    let scratch: Scratch
    private var process: pid_t?
    private var starts = 0

    init() throws { scratch = try Scratch() }

    deinit {
        guard let process else { return }
        kill(process, SIGKILL)
        _ = try? ChildProcess.wait(for: process)
    }

    // What one kind of server is.
    func command() -> [String] { [] }
    /// Throws as long as it does not answer.
    func probe() throws {}
    /// Ends it at once, but so that it starts again with its data.
    var stopSignal: CInt { SIGTERM }

    /// Starts it and waits until it answers.
    func start() async throws {
        try launch()
        try await eventually("\(command()[0])", within: 60) {
            if let process, try ChildProcess.poll(process) != nil {
                self.process = nil
                throw ServerFailure("\(command()): \(log)")
            }
            return (try? probe()) != nil
        }
    }

    /// Starts it, and waits for nothing.
    func launch() throws {
        let words = command()
        starts += 1
        let file = try Files.open("\(scratch.path)/log.\(starts)", O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        var program = ChildProcess(path: words[0], arguments: words, environment: Self.environment(scratch))
        program.identity = OrdinaryUser.current.identity
        program.directory = scratch.path
        process = try program.start(output: file.raw, error: file.raw)
    }

    /// Stops it and waits for its end.
    func stop() throws {
        guard let process else { return }
        try ChildProcess.signal(process, stopSignal)
        _ = try ChildProcess.wait(for: process)
        self.process = nil
    }

    var log: String { String((scratch.text("log.\(starts)") ?? "").suffix(2_000)) }

    /// Runs a program of the server's as its user.
    @discardableResult
    func run(_ words: [String], input: String = "") throws -> String {
        let run = try Programs.run(
            words[0], Array(words.dropFirst()), input: input, environment: Self.environment(scratch),
            identity: OrdinaryUser.current.identity)
        guard run.code == 0 else { throw ServerFailure("\(words): \(run.output)\(run.error)") }
        return run.output
    }

    private static func environment(_ scratch: Scratch) -> [String] {
        ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=\(scratch.path)", "LC_ALL=C"]
    }
}

/// The tables that all tests with SQL have.
enum SampleData {
    static let sql = """
        CREATE TABLE aliases (name varchar(255), target text);
        CREATE TABLE users (name varchar(255), uid int, gid int, home varchar(255), hash varchar(255));
        CREATE TABLE domains (name varchar(255));
        CREATE TABLE sources (address varchar(255));
        INSERT INTO aliases VALUES ('ada', 'bob'), ('ada', 'carl, dora'), ('gone', NULL), ('empty', '');
        INSERT INTO aliases VALUES ('o''brien|x', 'olga'), ('j\u{FC}rgen', 'j@example.org');
        INSERT INTO users VALUES ('ada', 1000, 100, '/home/ada', '$6$salt$hash:x');
        INSERT INTO domains VALUES ('example.org');
        INSERT INTO sources VALUES ('192.0.2.1'), ('192.0.2.2');

        """
    /// Added by each engine in its own words: `break`, with a line break, and `long`, with more than 4096 octets.
    static let hostile = ["lookup|alias|break", "lookup|alias|long", "lookup|alias|gone", "lookup|alias|empty"]

    static func queries(_ parameter: String) -> String {
        """
        query_alias SELECT target FROM aliases WHERE name = \(parameter)
        query_credentials SELECT name, hash FROM users WHERE name = \(parameter);
        query_userinfo: SELECT uid, gid, home FROM users WHERE name = \(parameter)
        query_domain SELECT name FROM domains WHERE name = \(parameter)
        query_mailaddr SELECT name FROM nowhere WHERE name = \(parameter)
        fetch_source SELECT address FROM sources ORDER BY address
        fetch_source_expire 3600

        """
    }
}
