import Configuration
import MailSyntax
import Routing
import Rules

/// What the dispatcher knows about an action: what it does, the limits in force, and why its mail waits.
extension DispatcherProcess {
    /// Relays told of, at most.
    private static let maximumRelays = 20

    func facts(ofListener name: String) -> ListenerFacts? {
        ListenerFacts(named: name, listeners: view.listeners, submission: view.submission, filters: view.filters)
    }

    func explanation(ofAction name: String) -> Explanation {
        guard let action = view.actions[name] else { return Explanation() }
        var explanation = Explanation(of: action, defaultTimeToLive: nil)
        switch action.kind {
        case .local:
            explanation.add(
                "limits", "max-session \(view.mda.maximumSessions), max-session-per-user \(view.mda.maximumSessionsPerUser)",
                depth: 1)
        case .relay(let relay):
            let limits = relay.hosts == nil ? view.mta.limits : view.mta.smarthostLimits
            explanation.add(
                "limits",
                "max-conn-per-host \(limits.connectionsPerHost), max-conn-per-route \(limits.connectionsPerRoute), "
                    + "max-conn-per-relay \(limits.connectionsPerRelay), max-conn-per-domain \(limits.connectionsPerDomain), "
                    + "conn-delay-relay \(limits.connectionDelayRelay)s", depth: 1)
            for status in relays.statuses().filter({ $0.key.action == relay }).prefix(Self.maximumRelays) {
                tell(status, to: &explanation)
            }
        }
        return explanation
    }

    private func tell(_ status: RelayStatus, to explanation: inout Explanation) {
        explanation.add(
            "relay",
            "\(status.key.destination.name): \(status.tasks) messages wait, \(status.held) envelopes held, "
                + "\(status.connections) connections", depth: 1)
        explanation.add("TLS", status.key.security.explanation, depth: 2)
        for reason in status.waits { explanation.add("waits", reason.text, depth: 2) }
    }
}

extension TransportSecurity {
    /// In words for an operator.
    fileprivate var explanation: String {
        switch self {
        case .never: "never"
        case .opportunistic: "STARTTLS when it is offered, the certificate is not verified"
        case .startTLS(let verified): "STARTTLS, " + (verified ? "the certificate is verified" : "the certificate is not verified")
        case .implicit(let verified):
            "from the first octet, " + (verified ? "the certificate is verified" : "the certificate is not verified")
        case .contradictory: "required, and the URL of the server has none: nothing is sent"
        }
    }
}
