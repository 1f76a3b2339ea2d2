import ControlMessages
import Envelopes
import EventLoop
import ProcessMessages
import RoleProcess

/// What every process counts, gathered here.
extension ControlProcess {
    /// Asks all who count something; nil when one of them is gone.
    func gatherStatistics() async -> StatisticsReport? {
        var all = StatisticsReport(values: [
            Statistic(key: "control.session", value: sessionCount),
            Statistic(key: "control.session.open", value: Int64(clients.values.reduce(0, +))),
        ])
        // All are asked before the first is waited for.
        let requests = [
            { [self] in crypto?.send(.statistics(request: $0)) },
            { [self] in dispatcher?.send(.statistics(request: $0)) },
            { [self] in lookup?.send(.statistics(request: $0)) },
            { [self] in parent?.send(.statistics(request: $0)) },
            { [self] in queue?.send(.statistics(request: $0)) },
            { [self] in scheduler?.send(.statistics(request: $0)) },
        ].map { (ask: (UInt64) -> Void) in
            let request = answers.statistics.next()
            ask(request)
            return request
        }
        var isComplete = true
        for request in requests {
            guard let report = await answers.statistics.answer(request) else {
                isComplete = false
                continue
            }
            all.values += report.values
            all.histograms += report.histograms
        }
        context.log.trace(TraceSubjects.statistics, "\(all.values.count) counters")
        all.values.append(Statistic(key: "uptime", value: wallClockSeconds() - startTime))
        return isComplete ? all : nil
    }

    func showStatistics(to client: ControlClientConnection) async -> Bool {
        guard let report = await gatherStatistics() else { return false }
        var lines = report.values.map { "\($0.key)=\($0.value)" }
        if let uptime = report.values.last { lines.append("\(uptime.key).human=\(durationText(uptime.value))") }
        let text = lines.sorted().map { $0 + "\n" }.joined()
        guard await client.send(output: Array(text.utf8)) else { return false }
        return await client.send(.end)
    }
}
