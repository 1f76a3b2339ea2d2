import ControlMessages
import Glibc
import Platform
import Submission

/// `mailq`: what `smtpctl show queue` shows, and the messages that wait for the daemon to start.
enum QueueListing {
    static func run(_ console: Console, _ paths: InstallationPaths) -> ExitCode {
        let status = listDaemon(console, paths)
        listOffline(console, paths)
        return status
    }

    private static func listDaemon(_ console: Console, _ paths: InstallationPaths) -> ExitCode {
        do throws(ControlClientError) {
            var client = try ControlClient(path: paths.controlSocket, timeout: DaemonSession.patience)
            let answer = try client.request(.showQueue(nil)) { console.write($0) }
            return console.status(of: answer)
        } catch {
            console.complain("\(error)")
            return .unavailable
        }
    }

    /// Users other than root may not look into the directory of the system; there is nothing to say of that.
    private static func listOffline(_ console: Console, _ paths: InstallationPaths) {
        guard let names = try? Files.list(paths.offline) else { return }
        for name in names where !name.hasPrefix(".") {
            // Who cannot read a file is not told of it, and neither is who finds something else in its place.
            guard let lines = try? lines(paths.offline + "/" + name, name) else { continue }
            console.write(lines)
        }
    }

    /// One line for each recipient, in the format of `show queue`. The id is the random part of the name.
    private static func lines(_ path: String, _ name: String) throws -> String {
        let file = try Files.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let status = try Files.status(file)
        guard status.isRegular else { return "" }
        var beginning: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while beginning.count < OfflineMessage.longestPreamble {
            let count = try Files.readSome(file, into: &chunk)
            if count == 0 { break }
            beginning += chunk[..<count]
        }
        let envelope = try OfflineMessage(beginning: beginning, fileSize: status.size).envelope
        let id = name.split(separator: ".").last.map(String.init) ?? name
        let sender = envelope.sender.address?.text ?? "@"
        return envelope.recipients.map { recipient in
            let name = recipient.text
            return "\(id)|local|mta||\(sender)|\(name)|\(name)|\(status.modified.seconds)|0|0|0|offline||\n"
        }.joined()
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
