/// A part of the service that can be stopped while the rest goes on: `smtpd -P`, `smtpctl pause`.
package enum PausableService: String, Hashable, Sendable, CaseIterable {
    /// Deliveries on this machine.
    case mda
    /// Deliveries to other machines.
    case mta
    /// New SMTP sessions, those of `sendmail` among them.
    case smtp
}
