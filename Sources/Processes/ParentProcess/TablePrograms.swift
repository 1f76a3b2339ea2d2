import Configuration
import EventLoop
import Glibc
import Log
import Platform
import ProcessMessages
import ProgramTables
import RoleProcess
import Tables

/// The programs that answer for tables: started here for lookup, which speaks to them.
///
/// Lookup itself may start nothing: it reads what strangers wrote, and its confinement would be theirs too, which a
/// client library of a database cannot live with. A program has the rights of the daemon's user and no more, gets
/// nothing but one socket and a pipe for its complaints, and leads a session of its own so that it ends with whatever
/// it has started.
@EventLoopActor
final class TablePrograms {
    /// Programs at once: more than any configuration has tables, so beyond it something is wrong with lookup.
    private static let maximumRunning = 256
    /// For a program to end when it is asked to.
    private static let patience = Duration.seconds(5)
    /// The same at the end of the daemon.
    private static let lastPatience = Duration.seconds(2)

    private struct Running {
        let request: UInt64
        let table: String
        let complaints: ProgramComplaints
        /// Set once it is to end.
        var deadline: LoopTimer?
    }

    private let installation: InstallationPaths
    private let programs: InstalledPrograms
    private let log: Logger
    private var running: [pid_t: Running] = [:]

    init(installation: InstallationPaths, programs: InstalledPrograms, log: Logger) {
        self.installation = installation
        self.programs = programs
        self.log = log
    }

    /// Starts a program.
    ///
    /// - Returns: Our end of the socket that is its standard input and output.
    func start(_ table: TableDefinition, for request: UInt64) throws(SystemError) -> OwnedDescriptor {
        guard running.count < Self.maximumRunning else { throw SystemError("start the program of \(table.name)", code: EAGAIN) }
        var program = try ChildProcess(of: table, among: programs)
        if !installation.isRootless {
            guard let user = try Users.named(DaemonAccounts.daemonUser) else {
                throw SystemError("user \(DaemonAccounts.daemonUser)", code: ENOENT)
            }
            program.identity = Identity(alone: user)
        }
        let socket = try LocalSocket.pair()
        let pipe = try Pipe()
        let process = try program.start(input: socket.second.raw, output: socket.second.raw, error: pipe.writing.raw)
        let complaints = ProgramComplaints(of: "table \(table.name): \(program.path)", log: log)
        complaints.read(pipe.intoReading())
        running[process] = Running(request: request, table: table.name, complaints: complaints)
        return socket.first
    }

    /// Ends the program that a request started, politely and then not; one that is gone is fine.
    func end(_ request: UInt64) {
        for (process, program) in running where program.request == request && program.deadline == nil { end(process) }
    }

    /// Ends all, at the end of the daemon. Lookup is gone then, and most have ended with their sockets.
    ///
    /// - Parameter reap: Has the ends of children told to ``childEnded(_:_:)``.
    func endAll(reap: () -> Void) async {
        for process in running.keys where running[process]?.deadline == nil { end(process) }
        let deadline = MonotonicInstant.now() + Self.lastPatience
        while !running.isEmpty, MonotonicInstant.now() < deadline {
            await pause(until: .now() + .milliseconds(5))
            reap()
        }
        for process in running.keys { signal(process, SIGKILL) }
    }

    /// Takes the end of a child; false when it is none of ours.
    func childEnded(_ process: pid_t, _ status: ExitStatus) -> Bool {
        guard let program = running.removeValue(forKey: process) else { return false }
        // Lookup sees the end of the socket, and asks for the end, before the process is gone: what it ended with is its own.
        let isOurDoing = program.deadline != nil && (status == .signalled(SIGTERM) || status == .signalled(SIGKILL))
        if !status.isSuccess, !isOurDoing { log.warning("table \(program.table): its program ended: \(status)") }
        return true
    }

    private func end(_ process: pid_t) {
        signal(process, SIGTERM)
        let timer = LoopTimer { [weak self] in self?.signal(process, SIGKILL) }
        timer.schedule(after: Self.patience)
        running[process]?.deadline = timer
    }

    private func signal(_ process: pid_t, _ number: CInt) {
        guard running[process] != nil else { return }
        do throws(SystemError) {
            try ChildProcess.signalGroup(process, number)
        } catch {
            log.warning("a table program cannot be ended: \(error)")
        }
    }
}

extension ParentProcess {
    /// Only for a table of the configuration, and with what that says of it.
    func startTableProgram(of table: String, answering request: UInt64) {
        guard let definition = configuration.tables[table], definition.program != nil else {
            lookup?.send(.tableProgram(request: request, failure: "no table \(table) that a program answers for"))
            return
        }
        do throws(SystemError) {
            let socket = try tablePrograms.start(definition, for: request)
            lookup?.send(.tableProgram(request: request, failure: nil), descriptor: socket)
        } catch {
            lookup?.send(.tableProgram(request: request, failure: "\(error)"))
        }
    }
}
