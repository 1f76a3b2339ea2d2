import MailSyntax

/// What operators see. Each list is made when it is asked for.
extension Router {
    /// `show relays`, by name.
    package func relayStatuses(now: Moment) -> [RelayStatus] { [] }

    /// `show routes`, by number.
    package func routeStatuses(now: Moment) -> [RouteStatus] { [] }

    /// `show hosts`, by address.
    package func hostStatuses(now: Moment) -> [HostStatus] { [] }

    /// `show hoststats`, by domain.
    package func domainStatuses(now: Moment) -> [DomainStatus] { [] }

    /// `show mta paused`: pairs of source and domain, nil for any.
    package var blocked: [(source: IPAddress?, domain: String?)] { [] }

    /// The part of `show stats` about relaying.
    package var counts: RoutingCounts { RoutingCounts() }
}
