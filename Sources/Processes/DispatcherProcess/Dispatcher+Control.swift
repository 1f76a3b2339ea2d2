import ProcessMessages
import Routing

/// What operators see of the dispatcher.
extension DispatcherProcess {
    func show(_ list: RoutingList, _ asJSON: Bool, answering request: UInt64) {
        let pieces = ListingText.pieces(of: relays.lines(of: list, asJSON: asJSON))
        for (index, piece) in pieces.enumerated() {
            control?.send(.listing(request: request, piece, isLast: index == pieces.count - 1))
        }
    }

    func statistics() -> [Statistic] {
        let routing = relays.counts
        return [
            Statistic(key: "smtp.session", value: sessions.total),
            Statistic(key: "smtp.session.local", value: sessions.totalLocal),
            Statistic(key: "smtp.session.open", value: Int64(sessions.count)),
            Statistic(key: "mda.envelope", value: Int64(deliveries.envelopeCount)),
            Statistic(key: "mda.running", value: Int64(deliveries.agentCount)),
            Statistic(key: "mda.user", value: Int64(deliveries.userCount)),
            Statistic(key: "mta.connector", value: Int64(routing.connectors)),
            Statistic(key: "mta.domain", value: Int64(routing.domains)),
            Statistic(key: "mta.envelope", value: Int64(relays.envelopeCount)),
            Statistic(key: "mta.host", value: Int64(routing.hosts)),
            Statistic(key: "mta.relay", value: Int64(routing.relays)),
            Statistic(key: "mta.route", value: Int64(routing.routes)),
            Statistic(key: "mta.session", value: Int64(relays.sessionCount)),
            Statistic(key: "mta.source", value: Int64(routing.sources)),
            Statistic(key: "mta.task", value: Int64(routing.tasks)),
            Statistic(key: "mta.task.running", value: Int64(routing.runningTasks)),
        ]
    }
}
