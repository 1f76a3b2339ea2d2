import ProcessMessages

/// What the scheduler counts.
extension SchedulerProcess {
    func statistics() -> StatisticsReport {
        StatisticsReport(values: [
            Statistic(key: "scheduler.delivery.loop", value: counts.loops),
            Statistic(key: "scheduler.delivery.ok", value: counts.ok),
            Statistic(key: "scheduler.delivery.permfail", value: counts.permanent),
            Statistic(key: "scheduler.delivery.tempfail", value: counts.temporary),
            Statistic(key: "scheduler.envelope", value: Int64(scheduler.count)),
            Statistic(key: "scheduler.envelope.expired", value: counts.expired),
            Statistic(key: "scheduler.envelope.incoming", value: counts.incoming),
            Statistic(key: "scheduler.envelope.inflight", value: Int64(scheduler.inflightCount)),
            Statistic(key: "scheduler.envelope.removed", value: counts.removed),
            Statistic(key: "scheduler.envelope.updated", value: counts.temporary),
            Statistic(key: "scheduler.ramqueue.envelope", value: Int64(scheduler.count)),
            Statistic(key: "scheduler.ramqueue.message", value: Int64(scheduler.messageCount)),
            Statistic(key: "scheduler.ramqueue.hold", value: Int64(scheduler.heldCount)),
            Statistic(key: "scheduler.ramqueue.holdq", value: Int64(scheduler.holdQueueCount)),
            Statistic(key: "scheduler.ramqueue.hold-overflow", value: Int64(scheduler.overflowCount)),
        ])
    }
}
