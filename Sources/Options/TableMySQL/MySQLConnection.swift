#if MySQL
import CMariaDB
import Glibc
import Platform
import TableProgram
import Tables

/// A connection to a server, with the statements that it has prepared. Questions go one after the other: the client
/// library waits for each answer.
final class MySQLConnection: TableConnection {
    private let queries: ServiceQueries
    // Made in the initializer and closed by deinit alone, after its statements.
    private let handle: UnsafeMutablePointer<MYSQL>
    private var statements: [String: MySQLStatement] = [:]

    init(_ server: ServerAddress, _ login: MySQLEngine.Login, _ queries: ServiceQueries) throws(TableFailure) {
        self.queries = queries
        guard let handle = mysql_init(nil) else { throw TableFailure("no memory") }
        self.handle = handle
        var connecting = login.connecting
        var answering = login.answering
        mysql_options(handle, MYSQL_OPT_CONNECT_TIMEOUT, &connecting)
        mysql_options(handle, MYSQL_OPT_READ_TIMEOUT, &answering)
        mysql_options(handle, MYSQL_OPT_WRITE_TIMEOUT, &answering)
        mysql_options(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        // A server must not be able to ask for files of this machine.
        var no: CUnsignedInt = 0
        mysql_options(handle, MYSQL_OPT_LOCAL_INFILE, &no)
        let socket: String?
        let host: String?
        var port: UInt32 = 0
        switch server.place {
        case .path(let path): (socket, host) = (path, nil)
        case .host(let name, let number):
            (socket, host) = (nil, name)
            port = UInt32(number ?? 0)
            try Self.secure(handle, login.tls)
        }
        guard mysql_real_connect(handle, host, login.user, login.password, login.database, port, socket, 0) != nil else {
            throw TableFailure(Self.words(of: handle))
        }
    }

    deinit {
        // Closed by the server, when the connection still is.
        statements = [:]
        mysql_close(handle)
    }

    private static func secure(_ handle: UnsafeMutablePointer<MYSQL>, _ tls: ServerTLS) throws(TableFailure) {
        guard tls.mode != .off else { return }
        var yes: my_bool = 1
        var verify: my_bool = tls.mode == .verify ? 1 : 0
        guard mysql_ssl_set(handle, tls.key, tls.certificate, tls.authorities, nil, nil) == 0,
            mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &yes) == 0,
            mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify) == 0
        else { throw TableFailure("TLS cannot be set up: \(words(of: handle))") }
    }

    func find(_ questions: [ProgramQuestion]) throws(TableFailure) -> [TableFinding] {
        var findings: [TableFinding] = []
        for question in questions { findings.append(try find(question)) }
        return findings
    }

    private func find(_ question: ProgramQuestion) throws(TableFailure) -> TableFinding {
        guard let (name, text) = queries.text(for: question) else { return .failure(TableFailure("there is no query for that")) }
        do throws(MySQLStatement.Failure) {
            let statement = try prepared(name, text, question)
            let key: [UInt8]? = if case .key(_, let key) = question { key } else { nil }
            return .success(try statement.run(key))
        } catch {
            let failure = TableFailure("\(name): \(error.reason)")
            // What a statement has left on the connection goes with it.
            statements[name] = nil
            if error.isOfConnection { throw failure }
            return .failure(failure)
        }
    }

    private func prepared(
        _ name: String, _ text: String, _ question: ProgramQuestion
    ) throws(MySQLStatement.Failure) -> MySQLStatement {
        if let statement = statements[name] { return statement }
        let statement = try MySQLStatement(handle, text)
        do throws(TableFailure) {
            try ServiceQueries.check(question, name, parameters: statement.parameters, columns: statement.columns)
        } catch {
            throw .init(reason: error.reason, isOfConnection: false)
        }
        statements[name] = statement
        return statement
    }

    private static func words(of handle: UnsafeMutablePointer<MYSQL>) -> String { String(cString: mysql_error(handle)) }
}
#endif
