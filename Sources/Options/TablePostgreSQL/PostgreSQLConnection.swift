#if PostgreSQL
import CPostgreSQL
import Glibc
import Platform
import TableProgram
import Tables

/// A connection in libpq's pipeline mode: all questions are sent before the first answer is waited for.
///
/// Each question ends with a synchronization point, so that the failure of one leaves the others alone.
final class PostgreSQLConnection: TableConnection {
    private let queries: ServiceQueries
    private let answering: Duration
    // Made in the initializer and finished by deinit alone.
    private let handle: OpaquePointer
    private var prepared: Set<String> = []

    /// What libpq finds wrong with a connection string; nil when it is good.
    static func mistake(in text: String) -> String? {
        var reason: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(text, &reason)
        PQconninfoFree(options)
        defer { PQfreemem(reason) }
        guard options == nil else { return nil }
        return reason.map { line(String(cString: $0)) } ?? "no memory"
    }

    init(_ connection: String, _ queries: ServiceQueries, connecting: Int, answering: Duration) throws(TableFailure) {
        self.queries = queries
        self.answering = answering
        // Of two values of one name the later counts: the connection string may say otherwise than the first three.
        let names = ["connect_timeout", "client_encoding", "application_name", "dbname"]
        let values = [String(connecting), "UTF8", "martlet", connection]
        let handle = Self.withStrings(names) { names in
            Self.withStrings(values) { values in PQconnectdbParams(names, values, 1) }
        }
        guard let handle else { throw TableFailure("no memory") }
        self.handle = handle
        guard PQstatus(handle) == CONNECTION_OK else { throw TableFailure(Self.words(of: handle)) }
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else { throw TableFailure(Self.words(of: handle)) }
    }

    deinit { PQfinish(handle) }

    func find(_ questions: [ProgramQuestion]) throws(TableFailure) -> [TableFinding] {
        let deadline = TableClock.now() + answering
        // What was asked, with whether a statement is prepared before.
        var sent: [(question: ProgramQuestion, name: String, prepares: Bool)?] = []
        var preparing: Set<String> = []
        for question in questions {
            guard let (name, text) = queries.text(for: question) else {
                sent.append(nil)
                continue
            }
            let prepares = !prepared.contains(name) && preparing.insert(name).inserted
            try send(question, name, prepares ? text : nil)
            sent.append((question, name, prepares))
        }
        try flush(until: deadline)
        var findings: [TableFinding] = []
        for entry in sent {
            guard let entry else {
                findings.append(.failure(TableFailure("there is no query for that")))
                continue
            }
            findings.append(try finding(entry.question, entry.name, prepares: entry.prepares, until: deadline))
        }
        return findings
    }

    // MARK: Sending

    private func send(_ question: ProgramQuestion, _ name: String, _ text: String?) throws(TableFailure) {
        var good = true
        if let text { good = PQsendPrepare(handle, name, text, 0, nil) == 1 }
        switch question {
        case .elements: good = good && PQsendQueryPrepared(handle, name, 0, nil, nil, nil, 0) == 1
        case .key(_, let key):
            // As text, which ends with a NUL; a key with one inside ends there and is not the key of anybody.
            let value = key.map(CChar.init(bitPattern:)) + [0]
            good = good && value.withUnsafeBufferPointer { value in
                var values = [value.baseAddress]
                return PQsendQueryPrepared(handle, name, 1, &values, nil, nil, 0) == 1
            }
        }
        guard good, PQpipelineSync(handle) == 1 else { throw TableFailure(Self.words(of: handle)) }
    }

    /// Sends what is left, and takes in what the server says meanwhile, so that neither waits for the other.
    private func flush(until deadline: Duration) throws(TableFailure) {
        while true {
            let result = PQflush(handle)
            if result == 0 { return }
            guard result == 1 else { throw TableFailure(Self.words(of: handle)) }
            try wait(CShort(POLLIN | POLLOUT), until: deadline)
            guard PQconsumeInput(handle) == 1 else { throw TableFailure(Self.words(of: handle)) }
        }
    }

    private func wait(_ events: CShort, until deadline: Duration) throws(TableFailure) {
        let left = deadline - TableClock.now()
        guard left > .zero else { throw TableFailure("no answer in \(answering.components.seconds) seconds") }
        var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
        let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
        guard poll(&descriptor, 1, CInt(milliseconds)) >= 0 || errno == EINTR else { throw TableFailure(SystemError("poll").reason) }
    }

    // MARK: Receiving

    /// The answer to one question, up to and with its synchronization point.
    private func finding(
        _ question: ProgramQuestion, _ name: String, prepares: Bool, until deadline: Duration
    ) throws(TableFailure) -> TableFinding {
        var finding: TableFinding?
        if prepares {
            switch try result(name, of: question, until: deadline) {
            case .success: prepared.insert(name)
            case .failure(let failure): finding = .failure(failure)
            }
        }
        let answer = try result(name, of: question, until: deadline)
        // After a failure to prepare, the query itself says only that it was left out.
        let rows = finding ?? answer
        // The synchronization point: one result, which no empty one follows.
        try synchronize(until: deadline)
        return rows
    }

    /// The rows of one command of the pipeline; none for a statement that was prepared.
    private func result(_ name: String, of question: ProgramQuestion, until deadline: Duration) throws(TableFailure) -> TableFinding {
        var finding: TableFinding = .success([])
        while let result = try next(until: deadline) {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK: break
            case PGRES_TUPLES_OK: finding = Self.rows(of: result, name, question)
            case PGRES_PIPELINE_ABORTED: finding = .failure(TableFailure("\(name): left out after a failure"))
            default:
                let failure = TableFailure("\(name): \(Self.line(String(cString: PQresultErrorMessage(result))))")
                if Self.endsConnection(result, isPrepared: prepared.contains(name)) { throw failure }
                finding = .failure(failure)
            }
        }
        return finding
    }

    private func synchronize(until deadline: Duration) throws(TableFailure) {
        guard let result = try next(until: deadline) else { throw TableFailure("the server's answers are out of step") }
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_PIPELINE_SYNC else { throw TableFailure(Self.words(of: handle)) }
    }

    /// The next result; nil at the end of one command.
    private func next(until deadline: Duration) throws(TableFailure) -> OpaquePointer? {
        while PQisBusy(handle) == 1 {
            try wait(CShort(POLLIN), until: deadline)
            guard PQconsumeInput(handle) == 1 else { throw TableFailure(Self.words(of: handle)) }
        }
        let result = PQgetResult(handle)
        guard result != nil || PQstatus(handle) == CONNECTION_OK else { throw TableFailure(Self.words(of: handle)) }
        return result
    }

    private static func rows(of result: OpaquePointer, _ name: String, _ question: ProgramQuestion) -> TableFinding {
        let columns = Int(PQnfields(result))
        guard columns == question.service.columns else {
            return .failure(TableFailure("\(name) gives \(columns) columns and not \(question.service.columns)"))
        }
        let count = Int(PQntuples(result))
        guard count <= TableLimits.rows else { return .failure(TableFailure("\(name): more than \(TableLimits.rows) rows")) }
        let rows = (0..<CInt(count)).map { row in
            (0..<CInt(columns)).map { column -> [UInt8]? in
                guard PQgetisnull(result, row, column) == 0, let value = PQgetvalue(result, row, column) else { return nil }
                let octets = UnsafeBufferPointer(start: value, count: Int(PQgetlength(result, row, column)))
                return octets.map { UInt8(bitPattern: $0) }
            }
        }
        return .success(rows)
    }

    /// Whether a failure is about the connection: its classes of SQLSTATE are 08 (connection), 57P (the server ends or
    /// begins) and 26 (a statement is unknown, though we have prepared it: a pool has given us another server).
    private static func endsConnection(_ result: OpaquePointer, isPrepared: Bool) -> Bool {
        guard let state = PQresultErrorField(result, CInt(UInt8(ascii: "C"))) else { return true }
        let code = String(cString: state)
        return code.hasPrefix("08") || code.hasPrefix("57P") || (isPrepared && code.hasPrefix("26"))
    }

    // MARK: Words

    private static func words(of handle: OpaquePointer) -> String {
        let text = line(String(cString: PQerrorMessage(handle)))
        return text.isEmpty ? "the connection was lost" : text
    }

    /// libpq's messages have several lines, each with an end.
    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " || $0 == "\t" } }.joined(separator: "; ")
    }

    private static func withStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        let list = copies.map { UnsafePointer<CChar>($0) } + [nil]
        // The list is not empty: it ends with nil.
        return list.withUnsafeBufferPointer { body($0.baseAddress!) }
    }
}
#endif
