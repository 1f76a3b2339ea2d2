import ControlMessages

/// Mail for other hosts.
extension Commands {
    static var routing: [Command] {
        [
            command("show hosts") { .ask(.show(.hosts, asJSON: $0.asJSON), .output) },
            command("show hoststats") { .ask(.show(.hoststats, asJSON: $0.asJSON), .output) },
            command("show relays") { .ask(.show(.relays, asJSON: $0.asJSON), .output) },
            command("show routes") { .ask(.show(.routes, asJSON: $0.asJSON), .output) },
            command("show mta paused") { .ask(.show(.pausedRelaying, asJSON: $0.asJSON), .output) },
            command("resume route <routeid>") { .ask(.resumeRoute($0.number), .plain) },
            command("pause mta from <address> for <domain>") { pause($0, true) },
            command("resume mta from <address> for <domain>") { pause($0, false) },
        ]
    }

    /// `*` stands for any; for any source to any domain there is `pause mta`.
    private static func pause(_ parameters: Parameters, _ paused: Bool) -> Action {
        let domain = parameters.text == "*" ? nil : parameters.text
        guard parameters.address != nil || domain != nil else { return .ask(.setPaused(.mta, paused), .plain) }
        return .ask(.setRelayingPaused(source: parameters.address, domain: domain, paused), .plain)
    }
}
