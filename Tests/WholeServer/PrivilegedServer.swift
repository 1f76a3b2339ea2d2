import Glibc
import Platform
import ServerTesting

/// A daemon with all its privileges, in a mount namespace where the system's places and users are a test's own:
/// nothing outside of it is touched. Needs root and the right to make such a namespace.
final class PrivilegedServer {
    /// Accounts that exist only inside.
    static let daemon = (name: "_smtpd", uid: uid_t(64_881))
    static let queue = (name: "_smtpq", uid: uid_t(64_882))
    static let ann = (name: "mxann", uid: uid_t(64_883))
    static let ben = (name: "mxben", uid: uid_t(64_884))
    private static let accounts = [daemon, queue, ann, ben]

    let scratch: Scratch
    let port: UInt16
    private let spoolOptions: String
    /// Commands of the shell before the daemon starts.
    private let preparation: [String]
    private let isolation: [String]
    private let more: String
    private let listener: String
    private let statements: String
    private(set) var process: pid_t?

    /// True where such a server can run.
    static let isPossible: Bool = {
        guard geteuid() == 0, access("/usr/bin/nsenter", X_OK) == 0 else { return false }
        let run = try? Programs.run("/usr/bin/unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], environment: [], identity: nil)
        return run?.code == 0
    }()

    /// - Parameters:
    ///   - spoolSize: How much there is room for in the spool, in MiB; nil for as much as the machine has.
    ///   - preparation: Commands for a shell of root's inside, before the daemon starts. `@DIR@` stands for the server's
    ///     directory.
    ///   - hasNetwork: With a network of its own, which has nothing in it but what `preparation` makes.
    ///   - listener: Options of the listener.
    ///   - statements: What stands before it. `@DIR@` stands for the server's directory, in the next one too.
    ///   - more: Statements at the end of the configuration.
    init(
        spoolSize: Int? = nil, preparation: [String] = [], hasNetwork: Bool = false, listener: String = "",
        statements: String = "", more: String = ""
    ) throws {
        self.more = more
        self.listener = listener
        self.statements = statements
        spoolOptions = spoolSize.map { ",size=\($0)m" } ?? ""
        self.preparation = preparation
        isolation = hasNetwork ? ["-m", "-n"] : ["-m"]
        scratch = try Scratch()
        port = try Server.freePort()
        // The programs are found beside the daemon, which only root may change.
        try scratch.write("setup", setup, mode: 0o700)
        for file in ["passwd", "group"] {
            let lines = Self.accounts.map { account in
                file == "group"
                    ? "\(account.name):x:\(account.uid):\n"
                    : "\(account.name):x:\(account.uid):\(account.uid)::\(scratch.path)/home/\(account.name):/bin/sh\n"
            }
            // The machine may know the daemon's accounts too, by other numbers.
            let others = String(decoding: try Files.read("/etc/" + file), as: UTF8.self).split(separator: "\n")
                .filter { line in !Self.accounts.contains { line.hasPrefix($0.name + ":") } }
            try scratch.write(file, others.map { $0 + "\n" }.joined() + lines.joined())
        }
        for name in ["passwd", "group", "setup"] { _ = try checked("chown") { chown(scratch.path + "/" + name, 0, 0) } }
        try scratch.makeDirectory("home")
        for user in [Self.ann, Self.ben] { try makeHome(user) }
        try configure()
    }

    deinit { end() }

    private var setup: String {
        """
        set -e
        mount --make-rprivate /
        for place in /run /var/mail; do mount -t tmpfs -o mode=755 tmpfs $place; done
        mount -t tmpfs -o mode=755\(spoolOptions) tmpfs /var/spool
        chown root:mail /var/mail; chmod 2775 /var/mail
        for file in passwd group; do mount --bind \(scratch.path)/$file /etc/$file; done
        \(preparation.joined(separator: "\n").replacing("@DIR@", with: scratch.path))
        exec \(Programs.directory)/smtpd -d -f \(scratch.path)/smtpd.conf "$@"
        """
    }

    private func makeHome(_ user: (name: String, uid: uid_t)) throws {
        let home = scratch.path + "/home/" + user.name
        try Files.makeDirectory(home, mode: 0o700)
        _ = try checked("chown") { chown(home, user.uid, user.uid) }
    }

    private func configure() throws {
        let text = """
            control group "mxben"
            metrics on socket "/run/metrics"
            \(statements)
            listen on 127.0.0.1 port \(port) hostname "mx.test.example" \(listener)
            action "mbox" mbox
            action "maildir" maildir
            action "command" mda "id >$HOME/identity; grep -E '^(NoNewPrivs|CapEff|Groups)' /proc/self/status >>$HOME/identity; cat >/dev/null"
            match from any for domain "mbox.example" action "mbox"
            match from any for domain "maildir.example" action "maildir"
            match from any for domain "command.example" action "command"
            \(more)

            """
        try configure(text)
    }

    /// Replaces the configuration. `@DIR@` stands for the server's directory.
    func configure(_ text: String) throws {
        try write("smtpd.conf", text.replacing("@DIR@", with: scratch.path), mode: 0o644)
    }

    /// Writes a file of root's.
    func write(_ name: String, _ text: String, mode: mode_t) throws {
        try scratch.write(name, text, mode: mode)
        _ = try checked("chown") { chown(scratch.path + "/" + name, 0, 0) }
    }

    /// Copies a certificate and its key to where root alone may change them.
    func copyCertificate(_ name: String) throws {
        let certificates = try TestCertificates.shared.get()
        for (ending, mode) in [("pem", 0o644), ("key", 0o600)] as [(String, mode_t)] {
            try write("\(name).\(ending)", String(decoding: try Files.read(certificates.path("\(name).\(ending)")), as: UTF8.self), mode: mode)
        }
    }

    func start(_ options: [String] = []) async throws {
        let file = try Files.open(scratch.path + "/log", O_WRONLY | O_CREAT | O_APPEND)
        let program = ChildProcess(
            path: "/usr/bin/unshare", arguments: ["unshare"] + isolation + ["/bin/sh", scratch.path + "/setup"] + options,
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SWIFT_BACKTRACE=enable=no"])
        // The test's descriptor is the log; what unshare and sh say goes there too.
        process = try program.start(output: file.raw, error: file.raw)
        try await eventually("smtpd to be ready") { log.contains("smtpd ready") }
    }

    var log: String { scratch.text("log") ?? "" }

    func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
        do {
            try await ServerTesting.eventually(what, condition)
        } catch let error as TimedOut {
            throw ServerFailure("\(error)\n\(log)")
        }
    }

    /// A path as the daemon sees it.
    func inside(_ path: String) -> String { "/proc/\(process ?? 0)/root\(path)" }

    var processes: [ProcessTable.Entry] { process.map { ProcessTable.tree(of: $0) } ?? [] }

    func role(_ name: String) -> ProcessTable.Entry? { processes.first { $0.title == "smtpd: \(name)" } }

    /// Runs a program inside, as root or as somebody else.
    func run(_ program: String, _ words: [String], as user: uid_t = 0, input: String = "") throws -> Programs.Run {
        let identity = user == 0 ? [] : ["setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups"]
        return try Programs.run(
            "/usr/bin/nsenter", ["-t", "\(process ?? 0)", "-m"] + identity + [Programs.directory + "/" + program] + words,
            input: input, environment: [], identity: nil)
    }

    func stop() async throws -> Platform.ExitStatus {
        guard let process else { throw ServerFailure("smtpd does not run") }
        try ChildProcess.signal(process, SIGTERM)
        var status: Platform.ExitStatus?
        try await eventually("smtpd to end") {
            status = try ChildProcess.poll(process)
            return status != nil
        }
        self.process = nil
        // The condition was that there is one.
        return status!
    }

    private func end() {
        for entry in processes { kill(entry.id, SIGKILL) }
        if let process {
            kill(process, SIGKILL)
            _ = try? ChildProcess.wait(for: process)
        }
    }
}
