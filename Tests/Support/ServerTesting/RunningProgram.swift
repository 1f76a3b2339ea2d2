import Glibc
import Platform

/// Somebody else's program that a test needs, running as the ordinary user, and killed with the value.
package final class RunningProgram {
    private var process: pid_t?
    private let scratch: Scratch
    private let name: String

    /// Starts a program that stays in the foreground; what it says goes to the file NAME.log in the directory.
    ///
    /// - Parameter words: The path of the program, then its arguments.
    package init(_ words: [String], in scratch: Scratch) throws {
        self.scratch = scratch
        name = words[0].split(separator: "/").last.map(String.init) ?? words[0]
        let file = try Files.open("\(scratch.path)/\(name).log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        var program = ChildProcess(
            path: words[0], arguments: words, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=\(scratch.path)"])
        program.identity = OrdinaryUser.current.identity
        program.directory = "/"
        program.startsSession = true
        process = try program.start(output: file.raw, error: file.raw)
    }

    deinit { end(SIGKILL) }

    /// Sends a signal to the program and its children, and waits until it has ended.
    package func end(_ signal: CInt) {
        guard let process else { return }
        kill(-process, signal)
        _ = try? ChildProcess.wait(for: process)
        self.process = nil
    }

    /// What it has said.
    package var log: String { scratch.text("\(name).log") ?? "" }

    /// Waits until somebody listens on a port of 127.0.0.1.
    ///
    /// - Throws: ``ServerFailure`` with the program's words when it ends, or does not listen in time.
    package func listens(on port: UInt16, within seconds: Double = 60) async throws {
        try await eventually("\(name) to listen", within: seconds) {
            if let process, (try? ChildProcess.poll(process)) != nil {
                self.process = nil
                throw ServerFailure("\(name) ended:\n\(log)")
            }
            // The octets are four.
            let address = SocketAddress(octets: [127, 0, 0, 1], port: port)!
            do {
                _ = try ConnectingSocket.wait(to: address, timeout: 100)
                return true
            } catch {
                return false
            }
        }
    }
}
