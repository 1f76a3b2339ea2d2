import ControlMessages
import Glibc
import Platform
import Submission
import Tables

/// `newaliases`: checks the aliases file, names its bad lines, makes the database beside it anew where there is one,
/// and has a running daemon use it at once.
enum AliasesUpdate {
    static func run(_ console: Console, _ paths: InstallationPaths) -> ExitCode {
        let file: TableFile
        do throws(SystemError) {
            file = TableFile(aliases: try Files.read(InstallationPaths.aliases))
        } catch {
            console.complain("\(error)")
            return .unavailable
        }
        let problems = file.errors + file.warnings
        for problem in problems { console.complain("\(InstallationPaths.aliases): \(problem)") }
        console.write("\(InstallationPaths.aliases): \(file.elements.count) aliases\n")
        let made = makeDatabase(console)
        guard made == .ok else { return made }
        let status = tellDaemon(console, paths)
        // A bad line costs that line; the others are in use.
        let isSound = problems.allSatisfy { if case .duplicateKey = $0.kind { true } else { false } }
        return status == .ok && !isSound ? .badData : status
    }

    /// `db` tables read the database and not the file. Whether one is in use only the configuration knows, so the one
    /// that is there is kept up to date.
    private static func makeDatabase(_ console: Console) -> ExitCode {
        do throws(SystemError) {
            guard try Files.status(InstallationPaths.aliases + ".db") != nil else { return .ok }
            let makemap = ChildProcess(
                path: InstalledPrograms().makemap, arguments: ["makemap", "-t", "aliases", InstallationPaths.aliases],
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
            let status = try ChildProcess.wait(for: try makemap.start(error: STDERR_FILENO))
            return status.isSuccess ? .ok : .badData
        } catch {
            console.complain("\(error)")
            return .unavailable
        }
    }

    private static func tellDaemon(_ console: Console, _ paths: InstallationPaths) -> ExitCode {
        do throws(ControlClientError) {
            var client = try ControlClient(path: paths.controlSocket, timeout: DaemonSession.patience)
            return console.status(of: try client.request(.updateTable("aliases")) { console.write($0) })
        } catch {
            // It reads the file when it starts.
            if error == .notRunning { return .ok }
            console.complain("\(error)")
            return .unavailable
        }
    }
}
