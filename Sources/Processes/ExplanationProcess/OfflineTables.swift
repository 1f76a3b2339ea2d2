import Configuration
import EventLoop
import Glibc
import Log
import Platform
import ProcessMessages
import ProgramTables
import RoleProcess
import TableBackends
import Tables

/// The tables of a configuration without a daemon: those that are read, and programs that are started when they are
/// asked and end with the explanation.
///
/// A program has the rights of whoever asks; root's it never gets, but those of the daemon's user, as from the daemon.
@EventLoopActor
final class OfflineTables {
    let installation: InstallationPaths
    private let definitions: [String: TableDefinition]
    private let installed: InstalledPrograms
    private var loaded: TableSet
    private var programs: [String: ProgramTable] = [:]
    /// By the request that started them.
    private var running: [UInt64: pid_t] = [:]
    private var lastRequest: UInt64 = 0

    /// For a program to end when it is asked to.
    private static let patience = Duration.seconds(1)

    init(_ loaded: TableSet, _ configuration: Configuration, _ installed: InstalledPrograms, _ installation: InstallationPaths) {
        self.loaded = loaded
        self.installed = installed
        self.installation = installation
        definitions = configuration.tables.filter { $0.value.program != nil }
    }

    func answer(_ query: TableQuery) async -> TableAnswer {
        guard let definition = definitions[query.table] else { return loaded.answer(query) }
        let program = programs[query.table] ?? ProgramTable(definition, launcher: self, log: Self.log)
        programs[query.table] = program
        return await withUnsafeContinuation { continuation in program.ask(query) { continuation.resume(returning: $0) } }
    }

    /// Every element of a table once, as far as ``RelayEntries/maximumEntries``.
    func all(of table: String, _ service: TableService) async -> RelayEntries {
        let query = TableQuery(table: table, service: service, operation: .fetch, key: "")
        var round = FetchRound(limit: RelayEntries.maximumEntries)
        var step = FetchRound.Step.fetch
        while true {
            switch step {
            case .fetch: step = round.answer(await answer(query))
            case .finished(let entries): return .found(entries)
            case .failed(let reason): return .failed(reason)
            }
        }
    }

    private static var log: Logger { Logger(StandardErrorSink(program: "smtpctl")) }

    // MARK: Rights

    /// Root becomes the daemon's user for good; anybody else stays who he is.
    func giveUpRights() throws(SystemError) {
        guard let identity = try unprivileged() else { return }
        try Privileges.drop(to: identity)
    }

    /// Who is to do what needs no rights; nil for who we are.
    private func unprivileged() throws(SystemError) -> Identity? {
        guard geteuid() == 0, !installation.isRootless else { return nil }
        guard let user = try Users.named(DaemonAccounts.daemonUser) else {
            throw SystemError("user \(DaemonAccounts.daemonUser)", code: ENOENT)
        }
        return Identity(alone: user)
    }

    // MARK: Programs

    private func launch(_ table: TableDefinition, as request: UInt64) throws(SystemError) -> OwnedDescriptor {
        var program = try ChildProcess(of: table, among: installed)
        program.identity = try unprivileged()
        let socket = try LocalSocket.pair()
        // What it has to complain of is for whoever asks.
        running[request] = try program.start(input: socket.second.raw, output: socket.second.raw, error: STDERR_FILENO)
        return socket.first
    }

    /// Ends the programs with whatever they have started.
    func close() async {
        for program in programs.values { program.close() }
        programs = [:]
        let deadline = MonotonicInstant.now() + Self.patience
        while !running.isEmpty, MonotonicInstant.now() < deadline {
            // Nobody is left to be told what went wrong with a program that has given its answers.
            while let ended = try? ChildProcess.reap() { running = running.filter { $0.value != ended.process } }
            if !running.isEmpty { await pause(until: .now() + .milliseconds(2)) }
        }
        // One that has ended in this moment is fine.
        for process in running.values { try? ChildProcess.signalGroup(process, SIGKILL) }
    }
}

extension OfflineTables: TableProgramLauncher {
    func start(_ table: String) async -> StartedProgram {
        lastRequest += 1
        guard let definition = definitions[table] else { return StartedProgram(failure: "no such table") }
        do throws(SystemError) {
            let request = lastRequest
            return StartedProgram(request: request, socket: try launch(definition, as: request))
        } catch {
            return StartedProgram(failure: "\(error)")
        }
    }

    func end(_ request: UInt64) {
        // One that has ended already is fine.
        if let process = running[request] { try? ChildProcess.signalGroup(process, SIGTERM) }
    }
}
