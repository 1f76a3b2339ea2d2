import EventLoop
import Platform
import ProcessMessages
import ProgramTables
import Tables

/// Table programs: the parent starts them, and this process speaks to them.
extension LookupProcess {
    /// Takes the tables of a view. A program whose table is declared as before goes on; the others end, and new ones
    /// are started once the daemon serves.
    func usePrograms(for tables: [String: TableDefinition]) {
        for (name, program) in programs where tables[name] != program.definition {
            program.close()
            programs[name] = nil
        }
        for (name, definition) in tables where definition.program != nil && programs[name] == nil {
            let program = ProgramTable(definition, launcher: self, log: context.log)
            programs[name] = program
            // Before the first `serve` the parent is not there yet.
            if parent != nil { program.start() }
        }
    }
}

extension LookupProcess: TableProgramLauncher {
    package func start(_ table: String) async -> StartedProgram {
        let request = programStarts.next()
        parent?.send(.startTableProgram(request: request, table: table))
        var started = await programStarts.answer(request) ?? StartedProgram(failure: "the parent is gone")
        started.request = request
        return started
    }

    package func end(_ request: UInt64) { parent?.send(.endTableProgram(request: request)) }
}
