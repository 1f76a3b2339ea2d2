import ControlMessages
import Envelopes
import EventLoop
import ProcessMessages

/// `smtpctl history`: the queue reads, a page at a time, and this passes on.
extension ControlProcess {
    func showHistory(
        _ asked: HistoryFilter, asJSON: Bool, _ access: Access, to client: ControlClientConnection
    ) async -> Bool {
        var filter: HistoryFilter? = asked
        if case .own(let uid) = access { filter = asked.restricted(toUser: uid) }
        guard let filter else { return await client.send(.end) }
        let reading = answers.histories.next()
        var request = reading
        while true {
            let current = request
            let answer = await inTurn(access) { [self] in
                queue?.send(
                    current == reading
                        ? .readHistory(request: current, filter, asJSON: asJSON) : .goOn(request: current, reading: reading))
                return await answers.histories.answer(current)
            }
            guard let (text, isLast) = answer else { return false }
            guard let text else { return await client.send(.failed("no history is kept: queue history off")) }
            if !text.text.isEmpty {
                guard await client.send(output: Array(text.text.utf8)) else {
                    if !isLast { queue?.send(.endReading(reading)) }
                    return false
                }
            }
            if isLast { return await client.send(.end) }
            request = answers.histories.next()
        }
    }
}
