import Glibc
import Platform
import ServerTesting
import Testing

/// PostgreSQL on a Unix socket and, with TLS, on the loopback.
private final class PostgreSQLServer: DatabaseServer {
    let port: UInt16
    private let programs: String

    override init() throws {
        port = try Server.freePort()
        // Debian keeps each major version by itself; any will do.
        let versions = try Files.list("/usr/lib/postgresql")
        guard let version = versions.last(where: { Int($0) != nil }) else { throw ServerFailure("no postgresql") }
        programs = "/usr/lib/postgresql/\(version)/bin"
        try super.init()
        try run([
            "\(programs)/initdb", "-D", "\(scratch.path)/data", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C",
        ])
        let certificates = try TestCertificates.shared.get()
        for name in ["mail.pem", "mail.key"] {
            try scratch.write(name, String(decoding: try Files.read(certificates.path(name)), as: UTF8.self), mode: 0o600)
        }
    }

    override func command() -> [String] {
        [
            "\(programs)/postgres", "-D", "\(scratch.path)/data", "-k", scratch.path, "-p", String(port),
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "ssl=on", "-c", "ssl_cert_file=\(scratch.path)/mail.pem",
            "-c", "ssl_key_file=\(scratch.path)/mail.key",
        ]
    }

    override func probe() throws { try sql("SELECT 1;") }
    // Immediately: sessions are cut off.
    override var stopSignal: CInt { SIGQUIT }

    func sql(_ text: String) throws {
        try run(
            ["\(programs)/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", scratch.path, "-p", String(port), "-U", "postgres", "postgres"],
            input: text)
    }

    func prepared() async throws -> Self {
        try await start()
        try sql(SampleData.sql + "INSERT INTO aliases VALUES ('break', E'a\\nb'), ('long', repeat('x', 5000));")
        return self
    }
}

extension TableEngines {
    @Suite("table-postgres") struct PostgreSQLTests {
        private func configuration(_ server: PostgreSQLServer, _ more: String = "") -> String {
            // Nobody listens at the first of the two.
            "conninfo host=/nonexistent,\(server.scratch.path) port=\(server.port) user=postgres dbname=postgres\n\(more)\n"
                + SampleData.queries("$1")
        }

        @Test func `answers, and survives restarts in the middle of lookups`() async throws {
            let server = try await PostgreSQLServer().prepared()
            try expectSampleAnswers(try RunningProgram("table-postgres", configuration(server)))
            try await expectSurvival(
                try RunningProgram("table-postgres", configuration(server)), of: server, "lookup|alias|ada", "found|bob, carl, dora")

            // A table that comes after its statement could not be prepared.
            let program = try RunningProgram("table-postgres", configuration(server))
            #expect(try program.ask(["check|mailaddr|a", "check|mailaddr|b"]).allSatisfy { $0.hasPrefix("error|query_mailaddr") })
            try server.sql("CREATE TABLE nowhere (name text); INSERT INTO nowhere VALUES ('a');")
            #expect(try program.ask(["check|mailaddr|a", "check|mailaddr|b"]) == ["found", "not-found"])

            // A query that takes too long is given up, and the next one answered.
            let slow = try RunningProgram(
                "table-postgres",
                "conninfo host=\(server.scratch.path) port=\(server.port) user=postgres dbname=postgres\nquery_timeout 1\n"
                    + "query_alias SELECT 'x' FROM pg_sleep(CASE WHEN $1 = 'slow' THEN 30 ELSE 0 END)\n")
            #expect(try slow.ask("lookup|alias|slow") == "error|no answer in 1 seconds")
            #expect(try slow.ask("lookup|alias|quick") == "found|x")

            // An answer of gigabytes is a failure, in time and within memory.
            let large = try RunningProgram(
                "table-postgres",
                "conninfo host=\(server.scratch.path) port=\(server.port) user=postgres dbname=postgres\n"
                    + "query_alias SELECT repeat('x', 1000000) FROM generate_series(1, CASE WHEN $1 = 'large' THEN 2000 ELSE 0 END)\n")
            #expect(try large.ask("lookup|alias|large").hasPrefix("error|"))
            #expect(large.peakMemory < 700 << 20)
            #expect(try large.ask("lookup|alias|none") == "not-found")

            // TLS, with the server's certificate verified.
            let certificates = try TestCertificates.shared.get()
            for (authority, isGood) in [("authority", true), ("stranger", false)] {
                let secured = try RunningProgram(
                    "table-postgres",
                    "conninfo host=127.0.0.1 port=\(server.port) user=postgres dbname=postgres sslmode=verify-full"
                        + " sslrootcert=\(certificates.path("\(authority).pem"))\n" + SampleData.queries("$1"))
                let answer = try secured.ask("lookup|alias|ada")
                #expect(isGood ? answer == "found|bob, carl, dora" : answer.contains("certificate verify failed"), "\(answer)")
            }
        }

        @Test func `a connection string that is none ends it with the reason`() throws {
            let program = try RunningProgram("table-postgres", "conninfo hosts=x\n" + SampleData.queries("$1"))
            #expect(try program.end() == .exited(1))
            #expect(program.errors.contains("invalid connection option \"hosts\""))
        }
    }
}
