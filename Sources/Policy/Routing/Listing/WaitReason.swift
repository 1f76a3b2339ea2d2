import MailSyntax

/// Why mail waits at a relay: what `explain` and the listings say.
package enum WaitReason: Hashable, Sendable {
    /// An answer is awaited.
    case asking(RoutingQuestion)
    /// As many connections as the limit allows.
    case limit(ConnectionLimit, maximum: Int)
    /// Too soon after the last connect or disconnect; seconds that are left, rounded up.
    case delay(ConnectionDelay, seconds: Int64)
    /// A host that has not proved itself gets one connection at a time.
    case provingRoute(IPAddress)
    /// It refused a session while others live: nothing new for so many seconds.
    case backingOff(IPAddress, seconds: Int64)
    /// The smarthost's window is full.
    case window(Int)
    /// A connection is being made.
    case connecting(IPAddress)
    /// Sessions are busy, and no further ones are worth their while.
    case busySessions(Int)
    /// A session waits before its next message.
    case transactionDelay
    /// This route is not used for so many seconds more, because of this error.
    case disabled(IPAddress, seconds: Int64, error: String)
    /// An operator paused deliveries from this source or to this destination.
    case blocked

    /// The word of the list behind `wait=`, nil for what it has no word for.
    package var listingWord: String? {
        switch self {
        case .asking(.exchangers), .asking(.addresses), .asking(.smarthosts), .asking(.smarthost): "MX"
        case .asking(.credentials): "secret"
        case .asking(.sources): "source"
        case .limit, .delay, .provingRoute, .backingOff, .window: "limits"
        case .connecting, .disabled, .blocked, .busySessions, .transactionDelay: "connector"
        }
    }

    /// One sentence for an operator.
    package var text: String {
        switch self {
        case .asking(.exchangers(let domain)): "waiting for the mail exchangers of \(domain)"
        case .asking(.addresses(let host)): "waiting for the addresses of \(host)"
        case .asking(.smarthosts(let table)): "waiting for the relay URLs of table \(table)"
        case .asking(.smarthost(let table, let domain)): "waiting for the relay URL of \(domain) in table \(table)"
        case .asking(.sources(let table)): "waiting for the source addresses of table \(table)"
        case .asking(.credentials(let reference)): "waiting for the credentials of \(reference.label)"
        case .limit(let limit, let maximum): "\(limit.rawValue) \(maximum) is reached"
        case .delay(let delay, let seconds): "\(delay.rawValue) lasts \(seconds) s more"
        case .provingRoute(let address): "\(address) is new and gets one connection until it has answered"
        case .backingOff(let address, let seconds): "\(address) refused one more session; next try in \(seconds) s"
        case .window(let size): "the smarthost takes \(size) sessions at a time for now"
        case .connecting(let address): "connecting to \(address)"
        case .busySessions(let count): "\(count) sessions are busy"
        case .transactionDelay: "session-transaction-delay has not passed"
        case .disabled(let address, let seconds, let error): "\(address) is left alone for \(seconds) s more: \(error)"
        case .blocked: "paused by an operator"
        }
    }
}

/// The limits on connections, by their names in the configuration.
package enum ConnectionLimit: String, Hashable, Sendable, CaseIterable {
    case domain = "max-conn-per-domain"
    case source = "max-conn-per-source"
    case connector = "max-conn-per-connector"
    case relay = "max-conn-per-relay"
    case host = "max-conn-per-host"
    case route = "max-conn-per-route"
}

/// The delays between connections, by their names in the configuration.
package enum ConnectionDelay: String, Hashable, Sendable, CaseIterable {
    case domain = "conn-delay-domain"
    case source = "conn-delay-source"
    case connector = "conn-delay-connector"
    case relay = "conn-delay-relay"
    case host = "conn-delay-host"
    case route = "conn-delay-route"
    case reconnection = "reconn-delay-route"
}
