import Glibc
import Platform

extension SMTPClient {
    /// Connects to a listener that speaks TLS from the first octet on, through `openssl s_client`, which is ended
    /// with the client.
    ///
    /// - Parameter options: More words for s_client.
    package convenience init(securePort port: UInt16, _ options: [String] = []) throws {
        let pair = try LocalSocket.pair()
        let program = ChildProcess(
            path: "/usr/bin/openssl",
            arguments: ["openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-quiet"] + options, environment: [])
        let process = try program.start(input: pair.second.raw, output: pair.second.raw)
        try self.init(adopting: pair.first, with: Companion(process))
    }
}

/// A process that ends with the value.
private final class Companion {
    private let process: pid_t

    init(_ process: pid_t) { self.process = process }

    deinit {
        kill(process, SIGKILL)
        _ = try? ChildProcess.wait(for: process)
    }
}
