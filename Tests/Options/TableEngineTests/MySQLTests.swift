import Glibc
import Platform
import ServerTesting
import Testing

/// MariaDB on a Unix socket and, with TLS, on the loopback.
private final class MariaDBServer: DatabaseServer {
    let port: UInt16
    var socket: String { "\(scratch.path)/db.sock" }

    override init() throws {
        port = try Server.freePort()
        try super.init()
        try run([
            "/usr/bin/mariadb-install-db", "--no-defaults", "--datadir=\(scratch.path)/data", "--auth-root-authentication-method=normal",
            "--skip-test-db", "--skip-name-resolve",
        ])
        let certificates = try TestCertificates.shared.get()
        for name in ["mail.pem", "mail.key"] {
            try scratch.write(name, String(decoding: try Files.read(certificates.path(name)), as: UTF8.self), mode: 0o600)
        }
    }

    override func command() -> [String] {
        [
            "/usr/sbin/mariadbd", "--no-defaults", "--datadir=\(scratch.path)/data", "--socket=\(socket)", "--bind-address=127.0.0.1",
            "--port=\(port)", "--pid-file=\(scratch.path)/pid", "--skip-name-resolve", "--ssl-cert=\(scratch.path)/mail.pem",
            "--ssl-key=\(scratch.path)/mail.key", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=8M",
        ]
    }

    override func probe() throws { try sql("SELECT 1;", database: "mysql") }
    // It has committed what matters.
    override var stopSignal: CInt { SIGKILL }

    func sql(_ text: String, database: String = "mail") throws {
        try run(
            ["/usr/bin/mariadb", "--no-defaults", "--default-character-set=utf8mb4", "--socket=\(socket)", "-u", "root", database],
            input: text)
    }

    func prepared() async throws -> Self {
        try await start()
        try sql(
            "CREATE DATABASE mail CHARACTER SET utf8mb4; CREATE USER martlet IDENTIFIED BY 'sec ret'; GRANT SELECT ON mail.* TO martlet;",
            database: "mysql")
        try sql(SampleData.sql + "INSERT INTO aliases VALUES ('break', 'a\\nb'), ('long', repeat('x', 5000)); FLUSH TABLES;")
        // On the disk before it is killed.
        try sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1; CREATE TABLE flushed (x int);")
        return self
    }
}

extension TableEngines {
    @Suite("table-mysql") struct MySQLTests {
        @Test func `answers, and survives restarts in the middle of lookups`() async throws {
            let server = try await MariaDBServer().prepared()
            let login = "username martlet\npassword sec ret\ndatabase mail\n"
            let configuration = "host /nonexistent, \(server.socket)\n" + login + SampleData.queries("?")
            try expectSampleAnswers(try RunningProgram("table-mysql", configuration))
            try await expectSurvival(try RunningProgram("table-mysql", configuration), of: server, "lookup|alias|ada", "found|bob, carl, dora")

            let wrong = try RunningProgram("table-mysql", configuration.replacing("sec ret", with: "secret"))
            #expect(try wrong.ask("lookup|alias|ada").contains("Access denied"))

            let slow = try RunningProgram(
                "table-mysql", "host \(server.socket)\n" + login + "query_timeout 1\nquery_alias SELECT IF(? = 'slow', SLEEP(30), 'x')\n")
            #expect(try slow.ask("lookup|alias|slow").hasPrefix("error|query_alias"))
            #expect(try slow.ask("lookup|alias|quick") == "found|x")

            let certificates = try TestCertificates.shared.get()
            let remote = "host 127.0.0.1:\(server.port)\n" + login + SampleData.queries("?")
            for (tls, isGood) in [
                ("tls require", true), ("tls_ca \(certificates.path("authority.pem"))", true),
                ("tls_ca \(certificates.path("stranger.pem"))", false),
            ] {
                let secured = try RunningProgram("table-mysql", tls + "\n" + remote)
                let answer = try secured.ask("lookup|alias|ada")
                #expect(isGood ? answer == "found|bob, carl, dora" : answer.hasPrefix("error|127.0.0.1"), "\(tls): \(answer)")
            }
            // Who wants TLS does not go without.
            try server.stop()
        }
    }
}
