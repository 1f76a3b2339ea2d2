import ControlMessages
import Glibc
import OfflineStore
import Platform
import Submission

/// `mailq`: what `smtpctl show queue` shows, and the messages that wait for the daemon to start. While none runs,
/// smtpctl takes over, who can read the spool.
enum QueueListing {
    static func run(_ console: Console, _ paths: InstallationPaths) -> ExitCode {
        let status = listDaemon(console, paths)
        for lines in OfflineListing.lines(in: paths.offline) { console.write(lines) }
        return status
    }

    private static func listDaemon(_ console: Console, _ paths: InstallationPaths) -> ExitCode {
        do throws(ControlClientError) {
            var client = try ControlClient(path: paths.controlSocket, timeout: DaemonSession.patience)
            let answer = try client.request(.showQueue(.all)) { console.write($0) }
            return console.status(of: answer)
        } catch {
            // Where no daemon has ever run there is nothing to list.
            if case .notRunning = error, (try? Files.status(paths.spool + "/queue")) ?? nil != nil { listSpool() }
            console.complain("\(error)")
            return .unavailable
        }
    }

    /// Becomes smtpctl; returns where that is not installed.
    private static func listSpool() {
        // The list ends at the first nil.
        let words = [strdup("smtpctl"), strdup("show"), strdup("queue"), nil]
        _ = execv(InstalledPrograms().control, words)
    }
}

extension Program {
    /// `-q`.
    static func runQueue(_ console: Console, _ paths: InstallationPaths) -> ExitCode {
        do throws(ControlClientError) {
            var client = try ControlClient(path: paths.controlSocket, timeout: DaemonSession.patience)
            return console.status(of: try client.request(.schedule(.all)) { console.write($0) })
        } catch {
            console.complain("\(error)")
            return .unavailable
        }
    }
}

extension Console {
    /// Says what is wrong with the last answer to a request.
    func status(of answer: ControlToClient) -> ExitCode {
        switch answer {
        case .end, .done, .submissionReady, .output: return .ok
        case .failed(let reason):
            complain(reason)
            return .unavailable
        case .refused:
            complain("permission denied: only root may ask this of smtpd")
            return .noPermission
        case .incompatible(let version):
            complain("\(ControlClientError.incompatible(daemon: version))")
            return .unavailable
        }
    }
}
