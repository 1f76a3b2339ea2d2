import Tables

/// A kind of database, as its settings say: what it can be asked for, and how to get to it.
package protocol TableEngine {
    associatedtype Connection: TableConnection

    /// Reads the settings, and connects to nothing: a database may be away when the mail server starts.
    ///
    /// - Parameter table: The table's name in the configuration of the mail server.
    init(_ settings: inout ProgramSettings, table: String) throws(ProgramSettings.Problem)

    /// Settings that stand for a path which is that of no file of settings; nil for all others.
    static func configuration(at path: String) -> [UInt8]?

    /// What the program registers.
    var services: [TableService] { get }

    /// How long elements are kept, for those services that have elements.
    var fetching: [TableService: FetchPolicy] { get }

    /// Connects to the first of its servers that lets it.
    func connect() throws(TableFailure) -> Connection
}

/// A connection to a database, until it fails.
package protocol TableConnection: AnyObject {
    /// Asks some questions; where the database can, all before the first answer is waited for.
    ///
    /// - Returns: As many findings, in the order of the questions.
    /// - Throws: When the connection is of no more use. The questions are then asked again on another one.
    func find(_ questions: [ProgramQuestion]) throws(TableFailure) -> [TableFinding]
}

/// Keeps a connection: makes one when it is needed, and another one when it fails, once for the same questions.
package struct KeptConnection<Connection: TableConnection> {
    /// After a failure to connect, how long nobody tries again. A server that is away or hangs would else hold up each
    /// request for as long as connecting may take.
    package static var pause: Duration { .seconds(1) }

    private var connection: Connection?
    private var failed: (until: Duration, failure: TableFailure)?

    /// Without a connection.
    package init() {}

    /// Asks, connecting where that is necessary.
    package mutating func find(
        _ questions: [ProgramQuestion], at now: Duration, connect: () throws(TableFailure) -> Connection
    ) -> [TableFinding] {
        var last = TableFailure("no connection")
        for _ in 0..<2 {
            let current: Connection
            if let connection {
                current = connection
            } else if let failed, now < failed.until {
                last = failed.failure
                break
            } else {
                do throws(TableFailure) {
                    current = try connect()
                    connection = current
                    failed = nil
                } catch {
                    failed = (now + Self.pause, error)
                    last = error
                    break
                }
            }
            do throws(TableFailure) {
                let findings = try current.find(questions)
                precondition(findings.count == questions.count, "each question has one finding")
                return findings
            } catch {
                connection = nil
                last = error
            }
        }
        return questions.map { _ in .failure(last) }
    }
}
