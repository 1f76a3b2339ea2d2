#if MySQL
import CMariaDB
import Glibc
import TableProgram

/// A prepared statement with the room that its rows are put into.
final class MySQLStatement {
    struct Failure: Error {
        var reason: String
        /// True when the connection is of no more use.
        var isOfConnection: Bool
    }

    /// Room for one column; longer values are reported by the library as cut.
    private static let room = TableLimits.value + 1

    // Closed by deinit alone, while its connection is still there: the connection lets its statements go first.
    private let handle: UnsafeMutablePointer<MYSQL_STMT>
    let parameters: Int
    let columns: Int
    // The library keeps these addresses from one call to the next; they are freed by deinit alone.
    private let binds: UnsafeMutableBufferPointer<MYSQL_BIND>
    private let lengths: UnsafeMutableBufferPointer<UInt>
    private let absent: UnsafeMutableBufferPointer<my_bool>
    private let cut: UnsafeMutableBufferPointer<my_bool>
    private let octets: UnsafeMutableBufferPointer<UInt8>

    /// Prepares a query.
    init(_ connection: UnsafeMutablePointer<MYSQL>, _ text: String) throws(Failure) {
        guard let handle = mysql_stmt_init(connection) else { throw Failure(reason: "no memory", isOfConnection: true) }
        guard mysql_stmt_prepare(handle, text, UInt(text.utf8.count)) == 0 else {
            let failure = Self.failure(of: handle)
            mysql_stmt_close(handle)
            throw failure
        }
        self.handle = handle
        parameters = Int(mysql_stmt_param_count(handle))
        columns = Int(mysql_stmt_field_count(handle))
        let count = columns
        binds = .allocate(capacity: count)
        binds.initialize(repeating: MYSQL_BIND())
        lengths = .allocate(capacity: count)
        lengths.initialize(repeating: 0)
        absent = .allocate(capacity: count)
        absent.initialize(repeating: 0)
        cut = .allocate(capacity: count)
        cut.initialize(repeating: 0)
        octets = .allocate(capacity: count * Self.room)
        octets.initialize(repeating: 0)
        for column in 0..<count {
            binds[column].buffer_type = MYSQL_TYPE_STRING
            binds[column].buffer = UnsafeMutableRawPointer(octets.baseAddress! + column * Self.room) // Allocated above, not empty.
            binds[column].buffer_length = UInt(Self.room)
            binds[column].length = lengths.baseAddress! + column
            binds[column].is_null = absent.baseAddress! + column
            binds[column].error = cut.baseAddress! + column
        }
    }

    deinit {
        mysql_stmt_close(handle)
        binds.deallocate()
        lengths.deallocate()
        absent.deallocate()
        cut.deallocate()
        octets.deallocate()
    }

    /// Runs it with the key for each parameter.
    func run(_ key: [UInt8]?) throws(Failure) -> [TableRow] {
        defer { mysql_stmt_free_result(handle) }
        guard execute(key ?? []), mysql_stmt_bind_result(handle, binds.baseAddress) == 0 else { throw Self.failure(of: handle) }
        var rows: [TableRow] = []
        while true {
            switch mysql_stmt_fetch(handle) {
            case 0, MYSQL_DATA_TRUNCATED:
                guard rows.count < TableLimits.rows else {
                    throw Failure(reason: "more than \(TableLimits.rows) rows", isOfConnection: false)
                }
                rows.append(try row())
            case MYSQL_NO_DATA: return rows
            default: throw Self.failure(of: handle)
            }
        }
    }

    private func execute(_ key: [UInt8]) -> Bool {
        var key = key
        // An address is needed even where there is nothing.
        let count = UInt(key.count)
        if key.isEmpty { key = [0] }
        return key.withUnsafeMutableBytes { octets in
            var bind = MYSQL_BIND()
            bind.buffer_type = MYSQL_TYPE_STRING
            bind.buffer = octets.baseAddress
            bind.buffer_length = count
            bind.length_value = count
            var binds = [MYSQL_BIND](repeating: bind, count: parameters)
            // The library copies what is bound, and reads the key within the call to execute.
            return binds.withUnsafeMutableBufferPointer { binds in
                (binds.isEmpty || mysql_stmt_bind_param(handle, binds.baseAddress) == 0) && mysql_stmt_execute(handle) == 0
            }
        }
    }

    private func row() throws(Failure) -> TableRow {
        var row: TableRow = []
        for column in 0..<columns {
            guard absent[column] == 0 else {
                row.append(nil)
                continue
            }
            let length = lengths[column]
            guard cut[column] == 0, length < UInt(Self.room) else {
                throw Failure(reason: "a value of more than \(TableLimits.value) octets", isOfConnection: false)
            }
            let start = column * Self.room
            row.append(Array(octets[start..<(start + Int(length))]))
        }
        return row
    }

    private static func failure(of handle: UnsafeMutablePointer<MYSQL_STMT>) -> Failure {
        let code = mysql_stmt_errno(handle)
        return Failure(reason: String(cString: mysql_stmt_error(handle)), isOfConnection: endsConnection(code))
    }

    /// Codes of the client library are about the connection; of the server's those that say it goes away, that this
    /// connection was ended, or that it does not know the statement any more.
    private static func endsConnection(_ code: UInt32) -> Bool {
        switch code {
        case 2000..<3000, 1053, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1243, 1927, 3169, 4031: true
        default: false
        }
    }
}
#endif
