import Configuration
import EventLoop
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
    /// Bound sockets, kept over reloads.
    var sockets: [BoundSocket] = []
    var nextSocket: UInt32 = 1
    /// Running delivery agents by process number, with the user they run as.
    var agents: [pid_t: String] = [:]
    let offline: OfflineReplay
    let users = PendingRequests<UserVerdict>()
    var watches: [SignalWatch] = []
    var isEnding = false
    var exitStatus: CInt = 0
    /// Who waits for the reload under way to be confirmed by every role.
    var reloadWaiters: [@EventLoopActor ([String]) -> Void] = []
    private var readyWaiter: UnsafeContinuation<Void, Never>?

    init(options: DaemonOptions, configuration: Configuration, installation: InstallationPaths, log: Logger) {
        self.options = options
        self.configuration = configuration
        self.installation = installation
        self.log = log
        offline = OfflineReplay(installation: installation, sendmail: options.programs.sendmail, log: log)
    }

    /// Runs the daemon until it is told to end. Never returns.
    package nonisolated static func run(
        options: DaemonOptions, configuration: Configuration, installation: InstallationPaths, log: Logger
    ) -> Never {
        runLoop(
            making: {
                ParentProcess(options: options, configuration: configuration, installation: installation, log: log)
            },
            start: { await $0.start() })
        Diagnostics.leave(1)
    }

    private func start() async {
        do throws(SystemError) {
            try prepareDirectories()
            try refuseSecondDaemon()
            try bindListeners()
            try startRoles()
            try writeProcessFile()
            try ThisProcess.setTitle("smtpd: [priv]")
        } catch {
            log.critical("\(error)")
            return end(status: 1)
        }
        watchSignals()
        await withUnsafeContinuation { readyWaiter = $0 }
        do throws(SystemError) {
            try openControlSocket()
        } catch {
            log.critical("\(error)")
            return end(status: 1)
        }
        giveListeners()
        log.info("smtpd ready, \(configuration.serverName)")
        offline.start()
    }

    // MARK: What comes in

    func receive(_ message: ChildToParent, from handle: RoleHandle) {
        switch message {
        case .ready:
            handle.isReady = true
            if roles.values.allSatisfy(\.isReady) {
                readyWaiter?.resume()
                readyWaiter = nil
            }
        case .reconfigured:
            reconfigured(handle)
        case .fatal(let reason):
            log.critical("\(handle.role.name): \(reason)")
            end(status: 1)
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
        }
    }

    func receive(_ message: DispatcherToParent) {
        switch message {
        case .startAgent(let request, let identity): startAgent(identity, answering: request)
        }
    }

    func receive(_ message: LookupToParent) {
        switch message {
        case .readForward(let request, let user, let userbase): readForward(of: user, in: userbase, answering: request)
        case .user(let request, let verdict): users.resolve(request, verdict)
        }
    }
}

/// What the command line says of how to run.
package struct DaemonOptions: Sendable {
    package var file: String
    /// `-D NAME=VALUE`, in order.
    package var macros: [(String, String)] = []
    package var isForeground = false
    package var logsToStandardError = false
    package var isVerbose = false
    /// `-P mda`, `-P mta`, `-P smtp`: start paused.
    package var paused: Set<PausableService> = []
    /// `-T SUBJECT`.
    package var traces: [TraceSubject] = []
    package let programs = InstalledPrograms()

    package init(file: String) { self.file = file }
}
