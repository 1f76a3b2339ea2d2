import ControlMessages
import Platform
import Submission
import Tables

/// `newaliases`: checks the aliases file, names its bad lines, and has a running daemon use it at once.
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
        let status = tellDaemon(console, paths)
        // A bad line costs that line; the others are in use.
        let isSound = problems.allSatisfy { if case .duplicateKey = $0.kind { true } else { false } }
        return status == .ok && !isSound ? .badData : status
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
