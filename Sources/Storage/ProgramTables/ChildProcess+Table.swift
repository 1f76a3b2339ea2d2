import Glibc
import Platform
import Tables

/// How the program of a table is started, by whoever may start it.
extension ChildProcess {
    /// The program of a table with its name and its configuration, in a session of its own so that it ends with whatever
    /// it has started, and with nothing of our environment.
    ///
    /// - Throws: ENOENT when no such program is installed; EINVAL for a table that no program answers for.
    package init(of table: TableDefinition, among programs: InstalledPrograms) throws(SystemError) {
        guard let (type, path) = table.program else { throw SystemError("start a program for table \(table.name)", code: EINVAL) }
        guard let file = programs.tableProgram(type) else { throw SystemError("find table-\(type)", code: ENOENT) }
        self.init(
            path: file, arguments: [table.name] + (path.map { [$0] } ?? []),
            environment: ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
        startsSession = true
        directory = "/"
        mask = 0o077
        // Some of them use select.
        openFiles = 1_024
    }
}
