import Envelopes
import MailSyntax

/// What listings show of the router: the fields of smtpctl(8) `show relays`, `show routes`, `show hosts` and
/// `show hoststats`.

/// One line of `show relays`, and the connectors under it.
package struct RelayStatus: Hashable, Sendable {
    package var key: RelayKey
    /// Connections, waiting messages, and hold queue: what keeps it alive.
    package var references: Int
    /// Messages that wait.
    package var tasks: Int
    /// Envelopes of these messages.
    package var envelopes: Int
    package var connections: Int
    /// Seconds since the last connect, nil for never.
    package var lastConnection: Int64?
    /// Seconds until it looks again by itself, nil when only an event can move it.
    package var timeout: Int64?
    /// Why its messages wait; empty when nothing waits or everything is under way.
    package var waits: [WaitReason]
    /// Envelopes on its hold queue.
    package var held: Int
    /// The number of parallel sessions a smarthost may have now; nil for the exchangers of a domain.
    package var window: Int?
    package var connectors: [ConnectorStatus]
}

/// A relay's use of one local address.
package struct ConnectorStatus: Hashable, Sendable {
    /// Nil for the system's choice.
    package var source: IPAddress?
    package var references: Int
    package var connections: Int
    package var lastConnection: Int64?
    package var timeout: Int64?
    package var flags: ConnectorFlags
}

/// The words behind `flags=` of a connector.
package struct ConnectorFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Never connected.
    package static let new = Self(rawValue: 1 << 0)
    /// Waits for a delay.
    package static let wait = Self(rawValue: 1 << 1)
    package static let errorFamily = Self(rawValue: 1 << 2)
    package static let errorSource = Self(rawValue: 1 << 3)
    package static let errorExchanger = Self(rawValue: 1 << 4)
    package static let errorNetwork = Self(rawValue: 1 << 5)
    package static let errorSMTP = Self(rawValue: 1 << 6)
    package static let errorBlocked = Self(rawValue: 1 << 7)
    package static let limitHost = Self(rawValue: 1 << 8)
    package static let limitRoute = Self(rawValue: 1 << 9)
    package static let limitSource = Self(rawValue: 1 << 10)
    package static let limitRelay = Self(rawValue: 1 << 11)
    package static let limitConnector = Self(rawValue: 1 << 12)
    package static let limitDomain = Self(rawValue: 1 << 13)

    /// Comma separated, in the order of the manual page.
    package var text: String {
        Self.words.filter { contains($0.0) }.map(\.1).joined(separator: ",")
    }

    private static let words: [(Self, String)] = [
        (.new, "NEW"), (.wait, "WAIT"), (.errorFamily, "ERROR_FAMILY"), (.errorSource, "ERROR_SOURCE"),
        (.errorExchanger, "ERROR_MX"), (.errorNetwork, "ERROR_ROUTE_NET"), (.errorSMTP, "ERROR_ROUTE_SMTP"),
        (.errorBlocked, "ERROR_BLOCKED"), (.limitHost, "LIMIT_HOST"), (.limitRoute, "LIMIT_ROUTE"),
        (.limitSource, "LIMIT_SOURCE"), (.limitRelay, "LIMIT_RELAY"), (.limitConnector, "LIMIT_CONN"),
        (.limitDomain, "LIMIT_DOMAIN"),
    ]
}

/// One line of `show routes`.
package struct RouteStatus: Hashable, Sendable {
    package var id: UInt64
    package var source: IPAddress?
    package var address: IPAddress
    package var port: UInt16
    /// The name under which the host was found.
    package var hostName: String
    /// No session has come about yet, or not since it was disabled.
    package var isNew: Bool
    /// Not used until its timeout, after errors.
    package var isDisabled: Bool
    /// A timer runs for it.
    package var hasTimer: Bool
    /// A session on it is kept open for more mail.
    package var isKeptAlive: Bool
    package var connections: Int
    package var errors: Int
    package var penalty: Int
    package var timeout: Int64?
    /// The reason of the last error, empty for none.
    package var lastError: String

    /// The four letters of the listing, `-` for those that do not hold.
    package var flags: String {
        (isNew ? "N" : "-") + (isDisabled ? "D" : "-") + (hasTimer ? "Q" : "-") + (isKeptAlive ? "K" : "-")
    }
}

/// One line of `show hosts`.
package struct HostStatus: Hashable, Sendable {
    package var address: IPAddress
    package var hostName: String
    package var references: Int
    package var connections: Int
    package var lastConnection: Int64?
}

/// One line of `show hoststats`.
package struct DomainStatus: Hashable, Sendable {
    package var domain: String
    /// Seconds since the last outcome.
    package var age: Int64
    /// The last words of a server, or why there was none.
    package var lastStatus: String
    /// Envelopes that are retried when a delivery to this domain works.
    package var deferred: Int
}

/// Numbers for `show stats`.
package struct RoutingCounts: Hashable, Sendable {
    package var relays = 0
    package var connectors = 0
    package var domains = 0
    package var sources = 0
    package var hosts = 0
    package var routes = 0
    package var sessions = 0
    /// Messages waiting.
    package var tasks = 0
    /// Messages under way.
    package var runningTasks = 0
    package var envelopes = 0
}
