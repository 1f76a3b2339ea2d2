import Configuration
import EventLoop
import Filters
import Glibc
import Log
import Platform
import ProcessMessages
import RoleProcess

/// Filter programs: started as the user the configuration names, with no more than they need; started again, later and
/// later, when they end; and ended when nobody has use for them.
///
/// The dispatcher holds the other ends: what a program says is for nobody's ears with the rights of this process.
@EventLoopActor
final class FilterPrograms {
    /// A program of the configuration in force.
    private final class Entry {
        let plan: FilterPlan
        /// Of the start that runs.
        var instance: UInt32 = 0
        var process: pid_t?
        var began = MonotonicInstant.now()
        var failures = 0
        var timer: LoopTimer?

        init(plan: FilterPlan) { self.plan = plan }
    }

    /// Seconds until a program that has ended is started again: the first, and the longest after several.
    static let shortestPause: Int64 = 1
    static let longestPause: Int64 = 60
    /// What a program has for its end, once told.
    private static let ending = Duration.seconds(3)

    private let installation: InstallationPaths
    private let programs: InstalledPrograms
    private let log: Logger
    private let tell: @EventLoopActor (ParentToDispatcher, consuming OwnedDescriptor?) -> Void
    private var entries: [String: Entry] = [:]
    /// All that run, with those that are not wanted any more.
    private var running: [pid_t: (name: String, instance: UInt32)] = [:]
    private var lastInstance: UInt32 = 0
    private var isStopping = false

    /// - Parameter tell: Sends to the dispatcher.
    init(
        installation: InstallationPaths, programs: InstalledPrograms, log: Logger,
        tell: @escaping @EventLoopActor (ParentToDispatcher, consuming OwnedDescriptor?) -> Void
    ) {
        self.installation = installation
        self.programs = programs
        self.log = log
        self.tell = tell
    }

    /// Starts what is new or changed, and lets the dispatcher finish with the rest. What stays the same runs on.
    func configure(_ plans: [FilterPlan]) {
        let wanted = Dictionary(plans.map { ($0.process.name, $0) }) { first, _ in first }
        for (name, entry) in entries where wanted[name] != entry.plan {
            entry.timer?.cancel()
            if entry.process != nil { tell(.filterRetired(name: name, instance: entry.instance), nil) }
            entries[name] = nil
        }
        for plan in plans where entries[plan.process.name] == nil {
            let entry = Entry(plan: plan)
            entries[plan.process.name] = entry
            start(entry)
        }
    }

    /// Takes the end of a child; false when it is none of ours.
    func childEnded(_ process: pid_t, _ status: ExitStatus) -> Bool {
        guard let (name, instance) = running.removeValue(forKey: process) else { return false }
        // What it has started may still be there.
        try? ChildProcess.signalGroup(process, SIGTERM)
        guard !isStopping, let entry = entries[name], entry.instance == instance else { return true }
        entry.process = nil
        restart(entry, because: "has ended: \(status)")
        return true
    }

    /// The dispatcher has no more use for a start.
    func end(_ instance: UInt32) {
        // One that has ended by itself is none any more.
        guard let process = running.first(where: { $0.value.instance == instance })?.key else { return }
        try? ChildProcess.signalGroup(process, SIGTERM)
        let timer = LoopTimer { [weak self] in
            guard let self, running[process]?.instance == instance else { return }
            try? ChildProcess.signalGroup(process, SIGKILL)
        }
        timer.schedule(after: Self.ending)
        endings.append(timer)
        endings.removeAll { !$0.isScheduled }
    }
    private var endings: [LoopTimer] = []

    /// Ends all of them; the dispatcher is gone.
    func stop() async {
        isStopping = true
        for entry in entries.values { entry.timer?.cancel() }
        for process in running.keys { try? ChildProcess.signalGroup(process, SIGTERM) }
        let deadline = MonotonicInstant.now() + Self.ending
        while !running.isEmpty, MonotonicInstant.now() < deadline { await pause(until: .now() + .milliseconds(5)) }
        for process in running.keys { try? ChildProcess.signalGroup(process, SIGKILL) }
    }

    // MARK: Starting

    private func restart(_ entry: Entry, because reason: String) {
        if MonotonicInstant.now() - entry.began > .seconds(Self.longestPause) { entry.failures = 0 }
        let seconds = min(Self.longestPause, Self.shortestPause << Int64(min(entry.failures, 6)))
        entry.failures += 1
        log.warning("filter \(entry.plan.process.name) \(reason); started again in \(seconds) s")
        let timer = LoopTimer { [weak self, weak entry] in
            guard let self, let entry, !isStopping else { return }
            start(entry)
        }
        entry.timer = timer
        timer.schedule(after: .seconds(seconds))
    }

    private func start(_ entry: Entry) {
        entry.began = .now()
        lastInstance += 1
        entry.instance = lastInstance
        let name = entry.plan.process.name
        do throws(FilterStartFailure) {
            let program = try program(for: entry.plan.process)
            let (socket, errors, process) = try launch(program)
            entry.process = process
            running[process] = (name, entry.instance)
            tell(.filterStarted(name: name, instance: entry.instance), socket.take())
            tell(.filterErrors(name: name, instance: entry.instance), errors.take())
            log.info("filter \(name) started, process \(process)")
        } catch {
            restart(entry, because: "cannot be started: \(error.reason)")
        }
    }

    private func launch(_ program: ChildProcess) throws(FilterStartFailure) -> (DescriptorBox, DescriptorBox, pid_t) {
        do throws(SystemError) {
            let pair = try LocalSocket.pair()
            let pipe = try Pipe()
            let process = try program.start(input: pair.second.raw, output: pair.second.raw, error: pipe.writing.raw)
            return (DescriptorBox(pair.first), DescriptorBox(pipe.intoReading()), process)
        } catch {
            throw FilterStartFailure("\(error)")
        }
    }

    /// Where the packages of filters for OpenSMTPD put them.
    private static let otherDirectories = ["/usr/libexec/opensmtpd", "/usr/lib/opensmtpd", "/usr/local/libexec/opensmtpd"]

    /// The command with the path of its program: in our own directory of programs, or in one of OpenSMTPD's, unless it
    /// begins with a slash.
    private func command(of process: FilterProcess) -> String {
        guard process.command.utf8.first != UInt8(ascii: "/") else { return process.command }
        let name = process.command.prefix { $0 != " " && $0 != "\t" }
        let directory = ([programs.libexec] + Self.otherDirectories).first { directory in
            // One that cannot be looked at has no program for us.
            (try? Files.status("\(process.chroot ?? "")\(directory)/\(name)")) != nil
        }
        return "\(directory ?? programs.libexec)/\(process.command)"
    }

    /// Through the shell, as `exec` of the command.
    private func program(for process: FilterProcess) throws(FilterStartFailure) -> ChildProcess {
        let command = command(of: process)
        var program = ChildProcess(path: "/bin/sh", arguments: ["sh", "-c", "exec \(command)"], environment: [])
        program.startsSession = true
        program.mask = 0o022
        program.openFiles = 1_024
        let (user, home): (String, String)
        if installation.isRootless {
            // Without rights of ours to give away, it is who we are.
            let record = try? Users.withID(getuid())
            (user, home) = (record?.name ?? "", record?.home ?? "/")
        } else {
            let account = try account(of: process)
            program.identity = account.identity
            program.root = process.chroot
            (user, home) = (account.name, account.home)
        }
        program.directory = "/"
        program.environment = [
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=\(home)", "USER=\(user)", "LOGNAME=\(user)", "SHELL=/bin/sh",
        ]
        return program
    }

    private func account(of process: FilterProcess) throws(FilterStartFailure) -> (identity: Identity, name: String, home: String) {
        do throws(SystemError) {
            let name = process.user ?? DaemonAccounts.daemonUser
            guard let user = try Users.named(name) else { throw SystemError("user \(name)", code: ENOENT) }
            var gid = user.gid
            if let group = process.group {
                guard let record = try Groups.named(group) else { throw SystemError("group \(group)", code: ENOENT) }
                gid = record.gid
            }
            return (Identity(uid: user.uid, gid: gid, groups: [gid]), user.name, user.home)
        } catch {
            throw FilterStartFailure("\(error)")
        }
    }
}

private struct FilterStartFailure: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}
