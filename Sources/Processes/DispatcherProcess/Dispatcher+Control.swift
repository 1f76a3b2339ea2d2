import ProcessMessages
import RoleProcess
import Routing

/// What operators see of the dispatcher.
extension DispatcherProcess {
    func show(_ list: RoutingList, _ asJSON: Bool, answering request: UInt64) {
        let pieces = ListingText.pieces(of: relays.lines(of: list, asJSON: asJSON))
        for (index, piece) in pieces.enumerated() {
            control?.send(.listing(request: request, piece, isLast: index == pieces.count - 1))
        }
    }

    func statistics() -> StatisticsReport {
        let routing = relays.counts
        let values = [
            Statistic(key: "smtp.session", value: sessions.total),
            Statistic(key: "smtp.session.local", value: sessions.totalLocal),
            Statistic(key: "smtp.session.open", value: Int64(sessions.count)),
            Statistic(key: "mda.envelope", value: Int64(deliveries.envelopeCount)),
            Statistic(key: "mda.pending", value: Int64(deliveries.waitingCount)),
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
            Statistic(key: "smtp.smtps", value: counts.implicitTLS),
            Statistic(key: "smtp.tls", value: counts.startedTLS),
        ]
        return StatisticsReport(values: values, histograms: [counts.localDelay.value, counts.relayDelay.value])
    }
}

/// What the dispatcher counts since the start.
struct DispatcherCounts {
    /// Sessions that began with TLS, and that came to it by STARTTLS.
    var implicitTLS: Int64 = 0
    var startedTLS: Int64 = 0
    /// From the arrival of a message to its delivery.
    var localDelay = Histogram.delays("mda.delay")
    var relayDelay = Histogram.delays("mta.delay")

    /// - Parameter seconds: Since the envelope was made.
    mutating func delivered(locally: Bool, after seconds: Int64) {
        let delay = max(0, min(seconds, Int64(Int32.max))) * 1_000
        if locally { localDelay.record(delay) } else { relayDelay.record(delay) }
    }
}
