import Glibc
import Platform

/// A real, rootless smtpd in a scratch directory: seven processes from the build, on ports of its own.
package final class Server {
    package let scratch: Scratch
    /// On which the configuration should listen.
    package let port: UInt16
    package private(set) var process: pid_t?
    /// How many descriptors each of its processes may have; nil for as many as the tests.
    package var openFiles: UInt64?
    /// A program and its arguments that become the daemon: the daemon's own words come behind them.
    package var launcher: [String] = []
    private var restarts = 0

    /// The roles that are processes, in no order.
    package static let roles = ["[priv]", "control", "lookup", "queue", "scheduler", "dispatcher", "crypto"]

    /// Prepares a server without starting it.
    ///
    /// - Parameter configuration: smtpd.conf, made from the server's directory and port.
    package init(_ configuration: (Server) throws -> String) throws {
        scratch = try Scratch()
        port = try Self.freePort()
        try scratch.makeDirectory("spool", mode: 0o700)
        try scratch.makeDirectory("spool/etc", mode: 0o755)
        // Nobody listens there, so that no test depends on the network, or waits for it.
        try setResolver("nameserver [127.0.0.1]:1\n")
        try configure(try configuration(self))
    }

    deinit { killEverything() }

    /// Replaces the configuration file.
    package func configure(_ text: String) throws { try scratch.write("smtpd.conf", text) }

    /// Replaces the daemon's resolv.conf, and its hosts file when there is a text for that.
    package func setResolver(_ settings: String, hosts: String? = nil) throws {
        try scratch.write("spool/etc/resolv.conf", settings)
        try scratch.write("spool/etc/hosts", hosts ?? "127.0.0.1 localhost\n")
    }

    // MARK: Life

    /// Starts the daemon and waits until it serves.
    ///
    /// - Throws: ``ServerFailure`` with its log when it ends instead.
    package func start(_ options: [String] = []) async throws {
        try launch(options)
        try await eventually("smtpd to be ready", within: 60) {
            if let status = try endStatus() { throw ServerFailure("smtpd ended with \(status):\n\(log)") }
            return log.contains("smtpd ready")
        }
    }

    /// Starts the daemon and does not wait for anything.
    package func launch(_ options: [String] = []) throws {
        restarts += 1
        _ = Programs.directory
        let file = try Files.open(logPath, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        // Both limits, since the daemon raises one to the other.
        let limit = openFiles.map { ["/usr/bin/prlimit", "--nofile=\($0):\($0)"] } ?? []
        let words = launcher + limit + [Programs.directory + "/smtpd", "-d", "-f", scratch.path + "/smtpd.conf"] + options
        var program = ChildProcess(
            path: words[0], arguments: words,
            environment: environment + ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SWIFT_BACKTRACE=enable=no"])
        program.identity = OrdinaryUser.current.identity
        program.directory = "/"
        process = try program.start(error: file.raw)
    }

    /// What smtpctl and sendmail need to find this server.
    package var environment: [String] { ["MARTLET_SPOOL=\(scratch.path)/spool", "HOME=\(scratch.path)"] }

    private var logPath: String { "\(scratch.path)/log.\(restarts)" }

    /// What the daemon has said since it was started last.
    package var log: String { scratch.text("log.\(restarts)") ?? "" }

    /// The daemon's exit status once it has ended.
    package func endStatus() throws -> Platform.ExitStatus? {
        guard let process else { return nil }
        guard let status = try ChildProcess.poll(process) else { return nil }
        self.process = nil
        return status
    }

    /// Waits for the daemon to end.
    package func ended(within seconds: Double = 30) async throws -> Platform.ExitStatus {
        var status: Platform.ExitStatus?
        try await eventually("smtpd to end", within: seconds) {
            status = try endStatus()
            return status != nil
        }
        // The condition was that there is one.
        return status!
    }

    /// Asks the parent to end and waits until it has.
    @discardableResult
    package func stop(within seconds: Double = 30) async throws -> Platform.ExitStatus {
        guard let process else { throw ServerFailure("smtpd does not run") }
        try ChildProcess.signal(process, SIGTERM)
        return try await ended(within: seconds)
    }

    // MARK: Processes

    /// All processes of the daemon, delivery agents and their commands included.
    package var processes: [ProcessTable.Entry] { process.map { ProcessTable.tree(of: $0) } ?? [] }

    /// The processes that show a role's title, by role.
    package var processesByRole: [String: ProcessTable.Entry] {
        var found: [String: ProcessTable.Entry] = [:]
        for entry in processes where entry.title.hasPrefix("smtpd: ") {
            let role = String(entry.title.dropFirst("smtpd: ".count))
            // A child of the parent has its title for a moment, until it is the program it will be.
            if role != "[priv]" || entry.id == process { found[role] = entry }
        }
        return found
    }

    /// SIGKILL to everything at once, and waits until it is gone.
    package func killEverything() {
        let all = processes
        // The parent first, so that it does not notice the others.
        for entry in all { kill(entry.id, SIGKILL) }
        if let process {
            kill(process, SIGKILL)
            _ = try? ChildProcess.wait(for: process)
            self.process = nil
        }
        let deadline = monotonicSeconds() + 10
        while all.contains(where: ProcessTable.isAlive), monotonicSeconds() < deadline { usleep(2_000) }
    }

    // MARK: Programs

    /// Runs smtpctl as the daemon's user.
    package func control(_ words: String...) throws -> Programs.Run { try control(words) }

    package func control(_ words: [String]) throws -> Programs.Run {
        try Programs.run("smtpctl", words, environment: environment, identity: OrdinaryUser.current.identity)
    }

    /// Runs sendmail as the daemon's user.
    package func sendmail(_ words: String..., input: String) throws -> Programs.Run {
        try Programs.run("sendmail", words, input: input, environment: environment, identity: OrdinaryUser.current.identity)
    }

    /// A client of the first listener.
    package func client(timeout: Int = 30) throws -> SMTPClient { try SMTPClient(port: port, timeout: timeout) }

    /// The lines of `show queue`.
    package func queue() throws -> [QueueLine] {
        let run = try control("show", "queue")
        guard run.code == 0 else { throw ServerFailure("show queue: \(run.error)") }
        return run.lines.map(QueueLine.init)
    }

    /// Waits until a condition holds; the log comes with the failure when it does not.
    package func eventually(_ what: String, within seconds: Double = 20, _ condition: () throws -> Bool) async throws {
        do {
            try await ServerTesting.eventually(what, within: seconds, condition)
        } catch let error as TimedOut {
            let queue = (try? control("show", "queue").output) ?? ""
            throw ServerFailure("\(error)\n\(queue)\(log.suffix(4_000))")
        }
    }

    /// Waits until the queue is empty.
    package func drained(within seconds: Double = 30) async throws {
        try await eventually("an empty queue", within: seconds) { try queue().isEmpty }
    }

    /// A port of 127.0.0.1 where nobody listens, below those that the kernel gives to clients.
    package static func freePort() throws -> UInt16 {
        for _ in 0..<200 {
            let port = UInt16.random(in: 10_000..<32_000)
            // The octets are four.
            if (try? ListeningSocket.internet(SocketAddress(octets: [127, 0, 0, 1], port: port)!)) != nil { return port }
        }
        throw ServerFailure("no free port")
    }
}

/// A server under test did not do what the test needs to go on.
package struct ServerFailure: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// One line of `smtpctl show queue`.
package struct QueueLine: Sendable {
    package let text: String
    package let fields: [String]

    package init(_ line: String) {
        text = line
        fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    }

    private func field(_ index: Int) -> String { index < fields.count ? fields[index] : "" }
    package var envelope: String { field(0) }
    package var message: String { String(field(0).prefix(8)) }
    package var kind: String { field(2) }
    package var flags: String { field(3) }
    package var sender: String { field(4) }
    package var recipient: String { field(5) }
    package var tries: Int { Int(field(10)) ?? -1 }
    package var state: String { field(11) }
    package var error: String { field(13) }
}
