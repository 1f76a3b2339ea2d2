import TableProgram

/// table-sqlite: tables in an SQLite database.
@main struct Program {
    static func main() {
        #if SQLite
        TableProgram.serve(SQLiteEngine.self)
        #else
        TableProgram.leftOut("table-sqlite", trait: "SQLite")
        #endif
    }
}
