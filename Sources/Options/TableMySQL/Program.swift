import TableProgram

/// table-mysql: tables in a MySQL or MariaDB database.
@main struct Program {
    static func main() {
        #if MySQL
        TableProgram.serve(MySQLEngine.self)
        #else
        TableProgram.leftOut("table-mysql", trait: "MySQL")
        #endif
    }
}
