import Configuration
import EventLoop
import ProcessMessages
import Tables

/// Tables that relay actions name: smarthosts, source addresses, credentials, senders.
extension LookupProcess {
    /// Every entry once, as far as ``RelayEntries/maximumEntries``.
    func findRelayEntries(
        of table: String, _ use: RelayTable, then report: @escaping @EventLoopActor (RelayEntries) -> Void
    ) {
        guard isUsed(table, as: use) else { return report(.failed("no relay action uses table \(table) so")) }
        let key = FetchRoundKey(table: table, service: use.service)
        // Two rounds at a time would share the table's cursor, and each would see a part.
        guard fetchRounds[key] == nil else {
            fetchRounds[key]?.append(report)
            return
        }
        fetchRounds[key] = [report]
        advance(FetchRound(limit: RelayEntries.maximumEntries), .fetch, of: key)
    }

    private func advance(_ machine: FetchRound, _ first: FetchRound.Step, of key: FetchRoundKey) {
        let query = TableQuery(table: key.table, service: key.service, operation: .fetch, key: "")
        var round = machine
        var step = first
        while true {
            switch step {
            case .fetch:
                if let known = answerAtOnce(query) {
                    step = round.answer(known)
                    continue
                }
                ask(query) { [self] answer in
                    let next = round.answer(answer)
                    advance(round, next, of: key)
                }
                return
            case .finished(let entries): return finish(key, .found(entries))
            case .failed(let reason): return finish(key, .failed(reason))
            }
        }
    }

    private func finish(_ key: FetchRoundKey, _ entries: RelayEntries) {
        for report in fetchRounds.removeValue(forKey: key) ?? [] { report(entries) }
    }

    func findRelayValue(
        of key: String, in table: String, _ use: RelayTable, then report: @escaping @EventLoopActor (RelayValue) -> Void
    ) {
        guard isUsed(table, as: use) else { return report(.failed("no relay action uses table \(table) so")) }
        lookUp(use == .rewriting ? senderKeys(key)[...] : [key], in: table, use.service, then: report)
    }

    /// The value of the first key that has one.
    private func lookUp(
        _ keys: ArraySlice<String>, in table: String, _ service: TableService,
        then report: @escaping @EventLoopActor (RelayValue) -> Void
    ) {
        guard let key = keys.first else { return report(.missing) }
        ask(TableQuery(table: table, service: service, operation: .lookup, key: key)) { [self] answer in
            switch answer {
            case .found(let value): report(.found(value))
            case .notFound: lookUp(keys.dropFirst(), in: table, service, then: report)
            case .failed(let reason): report(.failed(reason))
            }
        }
    }

    /// Under what a sender can stand in a table: the address, its user, its domain.
    private func senderKeys(_ address: String) -> [String] {
        guard let at = address.utf8.lastIndex(of: UInt8(ascii: "@")) else { return [address] }
        return [address, String(address[..<at]), String(address[at...])]
    }

    /// The dispatcher, which talks to the world, gets nothing of the passwords that listeners check.
    private func isUsed(_ table: String, as use: RelayTable) -> Bool {
        guard let view else { return false }
        return view.actions.values.contains { action in
            guard case .relay(let relay) = action.kind else { return false }
            switch use {
            case .hosts: return relay.hosts == .smarthosts(table) || relay.hosts == .byDomain(table)
            case .sources: return relay.sources == table
            case .credentials: return relay.auth == table
            case .rewriting: return relay.rewriting == .table(table)
            }
        }
    }
}

/// Which elements a round is about.
struct FetchRoundKey: Hashable {
    let table: String
    let service: TableService
}

extension RelayTable {
    var service: TableService {
        switch self {
        case .hosts: .relayhost
        case .sources: .source
        case .credentials: .credentials
        case .rewriting: .mailaddrmap
        }
    }
}
