import Authentication
import Configuration
import EventLoop
import Interprocess
import Log
import Platform
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

    /// Tells the operator how users of the system authenticate, when a listener lets them and it would not work.
    func noteAuthentication() {
        guard configuration.listeners.contains(where: { $0.authentication.source == .systemUsers }) else { return }
        #if PAM
        let places = ["/etc/pam.d/smtpd", "/usr/lib/pam.d/smtpd", "/etc/pam.conf"]
        // A place that cannot be looked at is none for PAM either.
        guard !places.contains(where: { (try? Files.status($0)) != nil }) else { return }
        log.warning("`auth` without a table asks PAM for the service smtpd, and /etc/pam.d/smtpd is missing: see smtpd.conf(5)")
        #else
        guard installation.isRootless else {
            return log.info("`auth` without a table: built without PAM, passwords are compared with shadow(5)")
        }
        log.warning(
            "`auth` without a table: built without PAM, and shadow(5) is for root alone: give `auth` a table, or "
                + "`dovecot` and a socket: see smtpd.conf(5)")
        #endif
    }

    /// Whoever is behind lookup may guess passwords of the system only as far as clients may.
    private func isAllowed(_ question: PasswordQuestion) -> Bool {
        switch question {
        case .stored: true
        case .systemUser: configuration.listeners.contains { $0.authentication.source == .systemUsers }
        }
    }
}
