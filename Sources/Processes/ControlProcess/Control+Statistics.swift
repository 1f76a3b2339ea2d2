import ControlMessages
import Envelopes
import EventLoop
import ProcessMessages

/// What every process counts, gathered here.
extension ControlProcess {
    func showStatistics(to client: ControlClientConnection) async -> Bool {
        var values = [Statistic(key: "control.session", value: sessionCount)]
        for ask in [
            { [self] in dispatcher?.send(.statistics(request: $0)) },
            { [self] in queue?.send(.statistics(request: $0)) },
            { [self] in scheduler?.send(.statistics(request: $0)) },
        ] as [(UInt64) -> Void] {
            let request = answers.statistics.next()
            ask(request)
            guard let more = await answers.statistics.answer(request) else { return false }
            values += more
        }
        let uptime = wallClockSeconds() - startTime
        var lines = values.map { "\($0.key)=\($0.value)" }
        lines += ["uptime=\(uptime)", "uptime.human=\(durationText(uptime))"]
        let text = lines.sorted().map { $0 + "\n" }.joined()
        guard await client.send(output: Array(text.utf8)) else { return false }
        return await client.send(.end)
    }
}
