import Configuration
import EventLoop
import Filters
import Platform
import ProcessMessages

/// Reading the configuration again: the new one is taken whole or not at all, and no session notices.
extension ParentProcess {
    /// Calls back with nothing once every role works by the new configuration, or with the reasons why the
    /// old one stays in force.
    func reload(then report: @escaping @EventLoopActor ([String]) -> Void) {
        guard reloadWaiters.isEmpty else { return report(["a reload is under way"]) }
        let errors = takeNewConfiguration()
        guard errors.isEmpty else {
            for error in errors { log.error(error) }
            return report(errors)
        }
        reloadWaiters.append(report)
        let new = configuration
        spawn { [self] in
            switch await loadCredentials(for: new) {
            case .loaded(let loaded):
                newCredentials = loaded
                // Lookup reads the tables, and one of them may turn out to be unusable: it is asked before anybody
                // else has changed anything.
                sendView(to: .lookup)
            case .refused(let reasons):
                for reason in reasons { log.error(reason) }
                comeBack()
                finishReload(reasons)
            }
        }
    }

    private func sendView(to role: Role) {
        guard let handle = roles[role] else { return }
        handle.pendingViews += 1
        if role == .queue { giveQueueKeys() }
        handle.link.send(.configure(view(for: role)))
    }

    private func takeNewConfiguration() -> [String] {
        let new: Configuration
        switch ConfigurationReading.read(options) {
        case .loaded(let configuration, let told):
            for line in told { log.warning(line) }
            new = configuration
        case .refused(let lines): return lines
        }
        let missing = ConfigurationReading.missingParts(of: new)
        guard missing.isEmpty else { return missing }
        do throws(QueueKeys.Failure) {
            queueKeys = try QueueKeys.obtainAgain(for: new, previous: configuration)
        } catch {
            return [error.description]
        }
        let old = (configuration, sockets)
        configuration = new
        do throws(SystemError) {
            try bindListeners()
            try bindMetrics()
            previous = old
            return []
        } catch {
            configuration = old.0
            return ["\(error)"]
        }
    }

    func reconfigured(_ handle: RoleHandle) {
        handle.pendingViews = max(0, handle.pendingViews - 1)
        guard !reloadWaiters.isEmpty, roles.values.allSatisfy({ $0.pendingViews == 0 }) else { return }
        if handle.role == .lookup {
            for role in Role.children where role != .lookup { sendView(to: role) }
            return
        }
        // Only now, when the dispatcher knows the new listeners by number.
        giveOperation()
        filters.configure(FilterPlan.plans(in: configuration))
        giveCredentials(newCredentials ?? credentials)
        noteAuthentication()
        reloadCount += 1
        log.info("configuration reloaded")
        finishReload([])
    }

    func viewRefused(by handle: RoleHandle, _ reason: String) {
        guard handle.role == .lookup, previous != nil else {
            log.critical("\(handle.role.name): \(reason)")
            return end(status: 1)
        }
        handle.pendingViews = max(0, handle.pendingViews - 1)
        comeBack()
        log.error(reason)
        finishReload([reason])
    }

    /// The old configuration is in force again: nobody else has seen the new one.
    private func comeBack() {
        boundMetrics = metricsSockets
        guard let previous else { return }
        configuration = previous.configuration
        sockets = previous.sockets
    }

    private func finishReload(_ errors: [String]) {
        previous = nil
        newCredentials = nil
        let waiters = reloadWaiters
        reloadWaiters = []
        for waiter in waiters { waiter(errors) }
    }
}
