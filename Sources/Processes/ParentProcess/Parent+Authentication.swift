import Authentication
import Configuration
import EventLoop
import Interprocess
import ProcessMessages

/// Passwords: the parent has the rights to check those of the system's users, and starts a checker for each.
extension ParentProcess {
    func checkPassword(_ question: PasswordQuestion, answering request: UInt64) {
        guard isAllowed(question) else {
            // Lookup was taken over, or a reload has just taken the listener away.
            log.warning("a password of the system's users was to be checked, and no listener asks for that")
            lookup?.send(.password(request: request, .unavailable("no listener authenticates users of the system")))
            return
        }
        spawn { [self] in
            lookup?.send(.password(request: request, await checkers.check(question)))
        }
    }

    /// Whoever is behind lookup may guess passwords of the system only as far as clients may.
    private func isAllowed(_ question: PasswordQuestion) -> Bool {
        switch question {
        case .stored: true
        case .systemUser: configuration.listeners.contains { $0.authentication.source == .systemUsers }
        }
    }
}
