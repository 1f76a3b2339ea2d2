import TableProgram

/// table-postgres: tables in a PostgreSQL database.
@main struct Program {
    static func main() {
        #if PostgreSQL
        TableProgram.serve(PostgreSQLEngine.self)
        #else
        TableProgram.leftOut("table-postgres", trait: "PostgreSQL")
        #endif
    }
}
