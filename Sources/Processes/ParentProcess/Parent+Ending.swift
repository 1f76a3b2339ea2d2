import EventLoop
import Glibc
import Platform
import ProcessMessages

/// The end: asked for, or because a role is gone. Either way all roles go, each in its time.
extension ParentProcess {
    func watchSignals() {
        watches = [
            SignalWatch(SIGTERM) { [unowned self] in end(status: 0) },
            SignalWatch(SIGINT) { [unowned self] in end(status: 0) },
            SignalWatch(SIGHUP) { [unowned self] in
                if isServing { reloadOnSignal() } else { reloadsWhenServing = true }
            },
            SignalWatch(SIGCHLD) { [unowned self] in reapChildren() },
        ]
    }

    func reloadOnSignal() {
        reload { [unowned self] errors in
            if !errors.isEmpty { log.error("configuration not reloaded, the old one stays in force") }
        }
    }

    private func reapChildren() {
        while let (process, status) = try? ChildProcess.reap() {
            if let user = agents.removeValue(forKey: process) {
                if !status.isSuccess, !isEnding { log.warning("delivery agent of \(user) ended: \(status)") }
                continue
            }
            if offline.childEnded(process, status) { continue }
            if checkers.childEnded(process) { continue }
            if tokenCommands.childEnded(process, status) { continue }
            if tablePrograms.childEnded(process, status) { continue }
            if filters.childEnded(process, status) { continue }
            guard let handle = roles.values.first(where: { handle in handle.process == process }) else { continue }
            handle.hasExited = true
            if !isEnding {
                fail("\(handle.role.name) process ended: \(status); smtpd stops")
            } else if !status.isSuccess {
                log.warning("\(handle.role.name) process ended: \(status)")
                exitStatus = 1
            }
        }
    }

    /// Stops everything in the order in which work flows, the queue last, so that outcomes still find it.
    func end(status: CInt) {
        guard !isEnding else { return }
        isEnding = true
        exitStatus = status
        log.info("smtpd stops")
        spawn { [self] in
            let orderly = status == 0
            for role in [Role.control, .dispatcher, .scheduler, .lookup, .queue, .crypto] {
                guard let handle = roles[role], !handle.hasExited else { continue }
                handle.link.send(.shutdown)
                await waitForExit(of: handle, seconds: orderly ? 15 : 1)
            }
            await tablePrograms.endAll { reapChildren() }
            await offline.stop()
            await filters.stop()
            // Only what is ours: a start that was refused must not disturb the daemon that runs.
            removeMetricsSockets()
            if ownsControlSocket { try? Files.remove(installation.controlSocket) }
            if processFile != nil { try? Files.remove(processFilePath) }
            leave()
        }
    }

    private func waitForExit(of handle: RoleHandle, seconds: Int) async {
        let deadline = MonotonicInstant.now() + .seconds(seconds)
        while !handle.hasExited {
            if watches.isEmpty { reapChildren() }
            guard MonotonicInstant.now() < deadline else {
                log.error("\(handle.role.name) does not end: killed")
                try? ChildProcess.signal(handle.process, SIGKILL)
                return
            }
            await pause(until: .now() + .milliseconds(5))
        }
    }
}
