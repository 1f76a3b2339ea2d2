import EventLoop
import Glibc
import Log
import Platform
import RoleProcess

/// Hands in what `sendmail` left in the offline directory while no daemon answered: a second after the start, then
/// every minute.
///
/// The parent parses nothing of it. It starts `sendmail --replay-offline` as the owner of each file, with the file on
/// standard input; that program submits over the control socket like anybody, so that the kernel says who it is,
/// and its exit status says what becomes of the file (see `OfflineReplay` of the program).
@EventLoopActor
final class OfflineReplay {
    private let installation: InstallationPaths
    private let sendmail: String
    private let log: Logger
    private var schedule = OfflineSchedule()
    private var running: [pid_t: Run] = [:]
    private var timer: LoopTimer?
    private var areMore = false

    private struct Run {
        let name: String
        let started: MonotonicInstant
        /// Where what the program says can be read.
        let output: DescriptorBox
    }

    /// Exit statuses of the program besides 0.
    private enum Exit {
        static let damaged: CInt = 65
        static let refused: CInt = 69
    }

    private static let firstScan = Duration.seconds(1)
    private static let interval = Duration.seconds(60)
    /// A message that takes longer is tried again: the daemon may be asked for ten minutes, and for as many about
    /// a report.
    private static let patience = Duration.seconds(30 * 60)

    init(installation: InstallationPaths, sendmail: String, log: Logger) {
        self.installation = installation
        self.sendmail = sendmail
        self.log = log
    }

    func start() {
        timer = LoopTimer { [unowned self] in
            endOverdue()
            scan()
            timer?.schedule(after: Self.interval)
        }
        removeUnfinished()
        timer?.schedule(after: Self.firstScan)
    }

    /// Starts nothing more, and waits a little for what is under way, so that what the daemon has taken is not
    /// handed in again at its next start. The roles are gone by now, so all of it is about to end.
    func stop() async {
        timer?.cancel()
        timer = nil
        let deadline = MonotonicInstant.now() + .seconds(5)
        while !running.isEmpty, MonotonicInstant.now() < deadline { await pause(until: .now() + .milliseconds(5)) }
    }

    // MARK: Beginning

    private func removeUnfinished() {
        attempt("offline directory") { () throws(SystemError) in
            let directory = try OfflineDirectory(installation)
            for name in try directory.names() where OfflineSchedule.isUnfinished(name) {
                attempt("offline message \(name)") { () throws(SystemError) in
                    if try directory.removeUnfinished(name) { log.info("offline message \(name): never finished, removed") }
                }
            }
        }
    }

    private func scan() {
        attempt("offline directory") { () throws(SystemError) in
            let directory = try OfflineDirectory(installation)
            let found = schedule.due(in: try directory.names(), at: seconds())
            areMore = found.areMore
            for name in found.names {
                if let owner = directory.owner(of: name) { schedule.add(.init(name: name, owner: owner)) }
            }
            startWaiting(directory)
        }
    }

    private func startWaiting(_ directory: borrowing OfflineDirectory) {
        while let entry = schedule.next() {
            do throws(SystemError) {
                switch try directory.open(entry.name) {
                case .missing: schedule.settle(entry.name)
                case .removed(let reason):
                    log.warning("offline message \(entry.name): \(reason)")
                    schedule.settle(entry.name)
                case .message(let file, let owner):
                    guard owner == entry.owner else { throw SystemError("owner changed", code: ESTALE) }
                    try start(entry, file)
                }
            } catch {
                schedule.postpone(entry.name, at: seconds())
                log.warning("offline message \(entry.name): \(error)")
            }
        }
    }

    private func start(_ entry: OfflineSchedule.Entry, _ file: borrowing OwnedDescriptor) throws(SystemError) {
        var environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        if installation.isRootless { environment.append("\(InstallationPaths.environmentVariable)=\(installation.spool)") }
        var program = ChildProcess(
            path: sendmail, arguments: ["sendmail", "--replay-offline"], environment: environment)
        if !installation.isRootless { program.identity = try Self.identity(of: entry.owner) }
        program.directory = "/"
        program.mask = 0o077
        program.startsSession = true
        // Neither end waits for the other: who says too much is heard in part.
        let pair = try LocalSocket.pair()
        try pair.first.setNonBlocking()
        try pair.second.setNonBlocking()
        let process = try program.start(input: file.raw, error: pair.second.raw)
        running[process] = Run(name: entry.name, started: .now(), output: DescriptorBox(pair.first))
        log.debug("offline message \(entry.name) of uid \(entry.owner) is handed in")
    }

    private static func identity(of owner: uid_t) throws(SystemError) -> Identity {
        if let record = try Users.withID(owner) { return try Identity(withGroupsOf: record) }
        // A user without an entry handed it in all the same; the group is the kernel's word for nobody's.
        return Identity(uid: owner, gid: overflowGroup, groups: [])
    }

    private static let overflowGroup: gid_t = 65_534

    // MARK: Ending

    /// Takes the end of a child; false when it is none of these.
    func childEnded(_ process: pid_t, _ status: ExitStatus) -> Bool {
        guard let run = running.removeValue(forKey: process) else { return false }
        logOutput(of: run)
        do throws(SystemError) {
            let directory = try OfflineDirectory(installation)
            settle(run.name, status, directory)
            if timer != nil { startWaiting(directory) }
        } catch {
            log.error("offline message \(run.name): \(status), but \(error)")
            // Whether it was handed in or not: what cannot be removed must not be sent again and again.
            if status.isSuccess { schedule.abandon(run.name) } else { schedule.postpone(run.name, at: seconds()) }
        }
        if areMore, schedule.isIdle, timer != nil { scan() }
        return true
    }

    private func settle(_ name: String, _ status: ExitStatus, _ directory: borrowing OfflineDirectory) {
        do throws(SystemError) {
            switch status {
            case .exited(0):
                try directory.remove(name)
                log.info("offline message \(name) handed in")
            case .exited(Exit.damaged), .exited(Exit.refused):
                let place = try directory.setAside(name)
                log.error("offline message \(name) cannot be handed in: now \(place)")
            case .exited, .signalled:
                let pause = schedule.postpone(name, at: seconds())
                log.warning("offline message \(name) stays: \(status); tried again after \(pause) seconds")
                return
            }
            schedule.settle(name)
        } catch {
            log.error("offline message \(name): done with, but \(error)")
            schedule.abandon(name)
        }
    }

    private func logOutput(of run: Run) {
        guard let output = run.output.take() else { return }
        var text = [UInt8](repeating: 0, count: 4096)
        // Silent, or gone: the exit status says enough.
        let count = (try? Files.readSome(output, into: &text)) ?? 0
        for line in text[..<count].split(separator: 0x0A) {
            log.warning("offline message \(run.name): \(String(decoding: line, as: UTF8.self))")
        }
    }

    private func endOverdue() {
        for (process, run) in running where run.started + Self.patience < .now() {
            log.warning("offline message \(run.name): takes too long, ended")
            attempt("kill") { () throws(SystemError) in try ChildProcess.signalGroup(process, SIGKILL) }
        }
    }

    private func seconds() -> Int64 { MonotonicInstant.now().nanoseconds / 1_000_000_000 }

    private func attempt(_ what: String, _ body: () throws(SystemError) -> Void) {
        do throws(SystemError) {
            try body()
        } catch {
            log.warning("\(what): \(error)")
        }
    }
}
