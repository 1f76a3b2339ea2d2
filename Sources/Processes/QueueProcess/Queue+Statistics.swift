import ProcessMessages
import QueueStorage

/// What the queue counts.
extension QueueProcess {
    func statistics() -> StatisticsReport {
        let counts = store.statistics
        let values = [
            Statistic(key: "bounce.envelope", value: reportCounts.envelopes),
            Statistic(key: "bounce.message", value: reportCounts.messages),
            Statistic(key: "queue.bounce", value: reportCounts.envelopes),
            Statistic(key: "queue.envelope", value: Int64(counts.envelopes)),
            Statistic(key: "queue.message", value: Int64(counts.messages)),
            Statistic(key: "queue.commit", value: Int64(counts.commits)),
            Statistic(key: "queue.commit.failed", value: Int64(counts.failedCommits)),
            Statistic(key: "queue.flush", value: Int64(counts.flushes)),
            Statistic(key: "queue.evpcache.load.hit", value: Int64(counts.envelopeCacheHits)),
            Statistic(key: "queue.evpcache.load.missed", value: Int64(counts.envelopeCacheMisses)),
            Statistic(key: "queue.evpcache.size", value: Int64(counts.envelopeCacheSize)),
            Statistic(key: "queue.segment", value: Int64(counts.segments)),
        ]
        return StatisticsReport(values: values, histograms: [flushTimes.value])
    }
}
