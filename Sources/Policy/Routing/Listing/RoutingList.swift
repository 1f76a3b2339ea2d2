import Configuration
import JSON
import MailSyntax

/// A list that the router can show, a line for each entry.
package enum RoutingList: UInt8, Hashable, Sendable, CaseIterable {
    /// `show hosts`.
    case hosts = 1
    /// `show hoststats`.
    case domains
    /// `show relays`: under each its connectors.
    case relays
    /// `show routes`.
    case routes
    /// `show mta paused`.
    case blocks
}

extension Router {
    /// The lines of a list (smtpctl(8)): one for each entry, for relays as text one more for each connector; or a JSON
    /// object for each.
    ///
    /// - Parameters:
    ///   - now: The router's clock.
    ///   - wallClock: Seconds since 1970 at that moment; ``RoutingList/domains`` says when, not how long ago.
    package func lines(of list: RoutingList, asJSON: Bool, now: Moment, wallClock: Int64) -> [String] {
        switch list {
        case .hosts: hostStatuses(now: now).map { asJSON ? $0.json.line : $0.line }
        case .domains:
            domainStatuses(now: now).map { asJSON ? $0.json(wallClock: wallClock).line : $0.line(wallClock: wallClock) }
        case .relays: relayStatuses(now: now).flatMap { asJSON ? [$0.json.line] : $0.lines }
        case .routes: routeStatuses(now: now).map { asJSON ? $0.json.line : $0.line }
        case .blocks:
            blocked.map { block in
                let source = block.source?.description
                return asJSON
                    ? JSONValue.object(["source": .text(source), "domain": .text(block.domain)]).line
                    : "\(source ?? "*") -> \(block.domain ?? "*")"
            }
        }
    }
}
