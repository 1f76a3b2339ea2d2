import EventLoop
import Interprocess
import Log
import Platform
import ProcessMessages
import WireFormat

/// The life of a role from `smtpd -x ROLE` on: title, link to the parent, fewer rights, service, end.
@EventLoopActor
package final class RoleMain<Process: RoleProcess> {
    private let installation: InstallationPaths
    private let programs = InstalledPrograms()
    private let log: Logger
    private let startsPaused: Set<PausableService>
    private var parent: Link<ChildToParent, ParentToChild>?
    private var process: Process?
    private var isConfigured = false

    private init(installation: InstallationPaths, log: Logger, startsPaused: Set<PausableService>) {
        self.installation = installation
        self.log = log
        self.startsPaused = startsPaused
    }

    /// The descriptor of the link to the parent, the same in every child.
    package static var parentDescriptor: CInt { 3 }

    /// Runs the role until the parent says otherwise. Never returns.
    package nonisolated static func run(
        _ type: Process.Type, installation: InstallationPaths, log: Logger, startsPaused: Set<PausableService>
    ) -> Never {
        runLoop(
            making: { RoleMain(installation: installation, log: log, startsPaused: startsPaused) }, start: { $0.begin() })
        Diagnostics.leave(0)
    }

    private func begin() {
        let role = Process.role
        do throws(SystemError) {
            try ThisProcess.setTitle("smtpd: \(role.name)")
            try ThisProcess.raiseOpenFiles()
            ThisProcess.ignoreTerminalSignals()
            try Process.privileges.takeEffect(installation: installation)
        } catch {
            Diagnostics.fail("smtpd: \(role.name): \(error)")
        }
        let parent = Link<ChildToParent, ParentToChild>(
            adopting: OwnedDescriptor(adopting: Self.parentDescriptor), name: "parent",
            // A view holds whatever tables the configuration spells out.
            maximumFrame: RoleContext.maximumFrame,
            receive: { [self] message, descriptor in receive(message, descriptor) },
            // The parent is gone without a word: nobody is left to tell.
            closed: { _ in Diagnostics.leave(1) })
        self.parent = parent
        let context = RoleContext(
            role: role, log: log, installation: installation, programs: programs,
            queueDirectory: Process.privileges.queueDirectory(installation: installation),
            startsPaused: startsPaused, parent: parent)
        process = Process(context: context)
    }

    private func receive(_ message: ParentToChild, _ descriptor: consuming OwnedDescriptor?) {
        guard let process, let parent else { return }
        switch message {
        case .configure(let view):
            do throws(ViewRefused) {
                try process.configure(view)
                if isConfigured { parent.send(.reconfigured) }
                isConfigured = true
            } catch {
                guard isConfigured else { fail(error.reason) }
                parent.send(.viewRefused(error.reason))
            }
        case .connect(let peer):
            guard let descriptor = descriptor.take() else { fail("no descriptor to \(peer.name)") }
            process.connect(peer, over: descriptor)
        case .queueKey(let use):
            guard let descriptor = descriptor.take() else { fail("no file with a key") }
            do throws(ViewRefused) {
                try process.take(use, from: descriptor)
            } catch {
                fail(error.reason)
            }
        case .serve:
            do throws(ViewRefused) {
                try process.serve()
                try Process.privileges.confine(installation: installation, log: log)
                parent.send(.ready)
                parent.flush()
                try process.recover()
                parent.send(.recovered)
            } catch {
                fail(error.reason)
            }
        case .setVerbose(let verbose):
            log.settings.isVerbose = verbose
        case .setTracing(let subject, let isOn):
            log.settings.setTracing(TraceSubject(subject), isOn)
        case .shutdown:
            spawn {
                await process.shutdown()
                // What the last turn has sent is on its way before the exit.
                afterLoopTurn { Diagnostics.leave(0) }
            }
        }
    }

    private func fail(_ reason: String) -> Never {
        parent?.send(.fatal(reason))
        parent?.flush()
        Diagnostics.leave(1)
    }
}
