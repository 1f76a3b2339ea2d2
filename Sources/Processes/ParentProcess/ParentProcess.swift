import Certificates
import Configuration
import EventLoop
import Filters
import Glibc
import Interprocess
import Log
import Platform
import ProcessMessages
import RoleProcess

/// The first process: reads the configuration, starts the roles, keeps the rights that the others gave up
/// and uses them for what they may ask, and ends everything when one of them fails.
@EventLoopActor
package final class ParentProcess {
    let log: Logger
    let installation: InstallationPaths
    let options: DaemonOptions
    var configuration: Configuration
    var roles: [Role: RoleHandle] = [:]
    var control: Link<ParentToControl, ControlToParent>?
    var lookup: Link<ParentToLookup, LookupToParent>?
    var dispatcher: Link<ParentToDispatcher, DispatcherToParent>?
    var crypto: Link<ParentToCrypto, CryptoToParent>?
    /// Until they are sorted at the start.
    private let passed: PassedDescriptors
    var passedSockets = PassedSockets()
    /// Bound sockets, kept over reloads.
    var sockets: [BoundSocket] = []
    var nextSocket: UInt32 = 1
    /// Where counters are served; what a reload has bound becomes this when it is in force.
    var metricsSockets: [MetricsSocket] = []
    var boundMetrics: [MetricsSocket] = []
    var reloadCount: Int64 = 0
    /// Running delivery agents by process number, with the user they run as.
    var agents: [pid_t: String] = [:]
    let offline: OfflineReplay
    let checkers: PasswordCheckers
    let tokenCommands: TokenCommands
    let tablePrograms: TablePrograms
    private(set) lazy var filters = FilterPrograms(
        installation: installation, programs: options.programs, log: log,
        tell: { [unowned self] message, descriptor in
            var descriptor = descriptor
            if let descriptor = descriptor.take() {
                dispatcher?.send(message, descriptor: descriptor)
            } else {
                dispatcher?.send(message)
            }
        })
    let users = PendingRequests<UserVerdict>()
    /// Keys that crypto has not said anything about; the numbers of the requests are those of the keys.
    let keyLoads = PendingRequests<KeyVerdict>()
    /// In force.
    var credentials = HeldCredentials()
    let unlockedKeys: UnlockedKeys
    /// Given away at the start; after a reload those of the new configuration until the queue has them.
    var queueKeys: QueueKeys
    var renewalTimer: LoopTimer?
    var isRenewing = false
    /// The state of the files when a renewal failed last.
    var refusedStamps: [String: FileStamp]?
    var watches: [SignalWatch] = []
    var isEnding = false
    /// Every role is ready and clients are let in.
    var isServing = false
    /// SIGHUP came before that.
    var reloadsWhenServing = false
    /// Who waits in the foreground for the outcome of the start.
    private let report: StartReport?
    /// Held while the daemon runs: the file of its process number, locked.
    var processFile: DescriptorBox?
    var ownsControlSocket = false
    /// The first reason of an end that was not asked for.
    private var failure: String?
    var exitStatus: CInt = 0
    /// What is in force again when a role refuses its part of the configuration being reloaded.
    var previous: (configuration: Configuration, sockets: [BoundSocket])?
    /// What the configuration being reloaded names.
    var newCredentials: HeldCredentials?
    /// Who waits for the reload under way to be confirmed by every role.
    var reloadWaiters: [@EventLoopActor ([String]) -> Void] = []
    /// The start, waiting until every role has come so far.
    private var stageWaiter: (stage: RoleHandle.Stage, continuation: UnsafeContinuation<Void, Never>)?

    init(
        options: DaemonOptions, configuration: Configuration, unlockedKeys: UnlockedKeys, queueKeys: QueueKeys,
        passed: PassedDescriptors, installation: InstallationPaths, log: Logger, report: StartReport?
    ) {
        self.options = options
        self.passed = passed
        self.queueKeys = queueKeys
        self.unlockedKeys = unlockedKeys
        self.configuration = configuration
        self.installation = installation
        self.log = log
        self.report = report
        offline = OfflineReplay(installation: installation, sendmail: options.programs.sendmail, log: log)
        tablePrograms = TablePrograms(installation: installation, programs: options.programs, log: log)
        let errorOutput = options.logsToStandardError ? STDERR_FILENO : nil
        checkers = PasswordCheckers(installation: installation, log: log, errorOutput: errorOutput)
        tokenCommands = TokenCommands(installation: installation, errorOutput: errorOutput)
    }

    /// Runs the daemon until it is told to end. Never returns.
    ///
    /// - Parameters:
    ///   - unlockedKeys: The private keys whose passphrases were asked for.
    ///   - queueKeys: The keys of the queue.
    ///   - passed: What the service manager has opened.
    ///   - report: Who waits for the outcome of the start, nil for nobody.
    package nonisolated static func run(
        options: DaemonOptions, configuration: Configuration, unlockedKeys: UnlockedKeys, queueKeys: QueueKeys,
        passed: PassedDescriptors, installation: InstallationPaths, log: Logger, report: StartReport?
    ) -> Never {
        // Until it is watched, a hangup would end the daemon half started.
        _ = signal(SIGHUP, SIG_IGN)
        runLoop(
            making: {
                ParentProcess(
                    options: options, configuration: configuration, unlockedKeys: unlockedKeys, queueKeys: queueKeys,
                    passed: passed, installation: installation, log: log, report: report)
            },
            start: { await $0.start() })
        Diagnostics.leave(1)
    }

    private func start() async {
        do throws(StartFailure) {
            try prepareDirectories()
            try lockProcessFile()
            try refuseSecondDaemon()
            takePassedSockets(passed)
            try attempt { () throws(SystemError) in
                try bindListeners()
                try startRoles()
                try ThisProcess.setTitle("smtpd: [priv]")
            }
        } catch {
            return fail("\(error)")
        }
        watchSignals()
        await everyRole(.serving)
        guard !isEnding else { return }
        let outcome = await loadCredentials(for: configuration)
        guard !isEnding else { return }
        let credentials: HeldCredentials
        switch outcome {
        case .loaded(let loaded): credentials = loaded
        case .refused(let reasons):
            for reason in reasons.dropLast() { log.critical(reason) }
            return fail(reasons.last ?? "certificates cannot be used")
        }
        do throws(SystemError) {
            try openControlSocket()
            try bindMetrics()
        } catch {
            return fail("\(error)")
        }
        giveOperation()
        filters.configure(FilterPlan.plans(in: configuration))
        giveCredentials(credentials)
        watchCredentials()
        noteAuthentication()
        // Clients are let in already; whoever waits for the start hears of it when the spool is known to be readable.
        await everyRole(.recovered)
        guard !isEnding else { return }
        isServing = true
        log.info("smtpd ready, \(configuration.serverName)")
        report?.ready()
        offline.start()
        if reloadsWhenServing { reloadOnSignal() }
    }

    private func everyRole(_ stage: RoleHandle.Stage) async {
        guard !roles.values.allSatisfy({ $0.stage >= stage }) else { return }
        await withUnsafeContinuation { stageWaiter = (stage, $0) }
    }

    private func reached(_ stage: RoleHandle.Stage, _ handle: RoleHandle) {
        handle.stage = stage
        guard let stageWaiter, roles.values.allSatisfy({ $0.stage >= stageWaiter.stage }) else { return }
        self.stageWaiter = nil
        stageWaiter.continuation.resume()
    }

    /// Ends the daemon because of a failure.
    func fail(_ reason: String) {
        log.critical(reason)
        if failure == nil { failure = reason }
        end(status: 1)
    }

    /// The last act: tells who may still wait for the start why there is nothing to wait for.
    func leave() -> Never {
        if !isServing {
            let reason = "smtpd: \(failure ?? "ended during its start")"
            if options.isForeground, !options.logsToStandardError { Diagnostics.say(reason) }
            report?.failed(reason)
        }
        Diagnostics.leave(exitStatus)
    }

    // MARK: What comes in

    func receive(_ message: ChildToParent, from handle: RoleHandle) {
        switch message {
        case .ready: reached(.serving, handle)
        case .recovered: reached(.recovered, handle)
        case .reconfigured:
            reconfigured(handle)
        case .viewRefused(let reason):
            viewRefused(by: handle, reason)
        case .fatal(let reason):
            fail("\(handle.role.name): \(reason)")
        }
    }

    func receive(_ message: ControlToParent) {
        switch message {
        case .reload(let request):
            reload { [unowned self] errors in control?.send(.reloaded(request: request, errors: errors)) }
        case .setVerbose(let verbose):
            log.settings.isVerbose = verbose
            for handle in roles.values { handle.link.send(.setVerbose(verbose)) }
        case .stop:
            end(status: 0)
        case .setTracing(let request, let subject, let isOn):
            control?.send(.tracing(request: request, failure: setTracing(subject, isOn)))
        case .statistics(let request): control?.send(.statistics(request: request, statistics()))
        }
    }

    /// Nil, or why the subject cannot be traced.
    private func setTracing(_ word: String, _ isOn: Bool) -> String? {
        do throws(TraceSubjects.Problem) {
            for subject in try TraceSubjects.named(word) {
                log.settings.setTracing(subject, isOn)
                for handle in roles.values { handle.link.send(.setTracing(subject: subject.name, isOn)) }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    func receive(_ message: DispatcherToParent) {
        switch message {
        case .startAgent(let request, let identity): startAgent(identity, answering: request)
        case .endFilter(let instance): filters.end(instance)
        }
    }

    func receive(_ message: LookupToParent) {
        switch message {
        case .readForward(let request, let user, let userbase): readForward(of: user, in: userbase, answering: request)
        case .user(let request, let verdict): users.resolve(request, verdict)
        case .checkPassword(let request, let question): checkPassword(question, answering: request)
        case .makeToken(let request, let question): makeToken(question, answering: request)
        case .startTableProgram(let request, let table): startTableProgram(of: table, answering: request)
        case .endTableProgram(let request): tablePrograms.end(request)
        }
    }
}

/// What the command line says of how to run.
package struct DaemonOptions: Sendable {
    package var file: String
    /// `-D NAME=VALUE`, in order.
    package var macros: [(String, String)] = []
    package var isForeground = false
    package var log = LogDestination()
    var logsToStandardError: Bool { log.target == .standardError }
    package var isVerbose = false
    /// `-P mda`, `-P mta`, `-P smtp`: start paused.
    package var paused: Set<PausableService> = []
    /// `-T SUBJECT`.
    package var traces: [TraceSubject] = []
    package let programs = InstalledPrograms()

    package init(file: String) { self.file = file }

    /// Takes what the configuration says of the log; `-d` has the last word on where it goes.
    package mutating func takeLog(of configuration: Configuration) {
        log.isJSON = configuration.operation.log.format == .json
        guard !logsToStandardError, let target = configuration.operation.log.target else { return }
        switch target {
        case .syslog: log.target = .syslog
        case .journal: log.target = .journal
        case .standardError: log.target = .standardError
        }
    }
}
