import MailSyntax

/// Whether a sender is told what became of an envelope (RFC 3461 sections 4.1 and 5.2, RFC 3464 section 2).
package enum ReportPolicy {
    /// True when a report of this kind is to be made for an envelope.
    ///
    /// Never to the null reverse path, and never about a report. Otherwise NOTIFY decides; a client that did not give
    /// it hears of failures and delays (RFC 3461 section 4.1).
    package static func shouldReport(_ kind: BounceKind, of envelope: Envelope, in transaction: Transaction) -> Bool {
        guard transaction.sender != .null else { return false }
        if case .bounce = envelope.kind { return false }
        let wanted = envelope.notify ?? [.failure, .delay]
        guard !wanted.contains(.never) else { return false }
        return switch kind {
        case .failed: wanted.contains(.failure)
        case .delayed: wanted.contains(.delay)
        case .delivered, .relayed: wanted.contains(.success)
        }
    }

    /// What a report of success says, nil when there is nothing to say: a next server that understands
    /// DSN reports itself (RFC 3461 section 5.2.1 and 5.2.2).
    ///
    /// - Parameter nextServerReports: The server that took a relayed envelope offers DSN.
    package static func successAction(
        for envelope: Envelope, nextServerReports: Bool
    ) -> ReportedRecipient.Action? {
        switch envelope.kind {
        case .local: .delivered
        case .relay: nextServerReports ? nil : .relayed
        case .bounce: nil
        }
    }
}

/// Envelopes whose keys are equal can share one report: same message, same kind, same interval.
///
/// What else a report depends on (sender, RET, the server's name) belongs to the message.
package struct ReportKey: Hashable, Sendable {
    package let message: MessageID
    package let kind: BounceKind

    package init(_ id: EnvelopeID, _ kind: BounceKind) {
        self.message = id.message
        self.kind = kind
    }
}
