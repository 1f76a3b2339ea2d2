import Configuration
import ProcessMessages
import Tables

/// Tables that relay actions name: smarthosts, source addresses, credentials, senders.
extension LookupProcess {
    /// Every entry once, as far as ``RelayEntries/maximumEntries``.
    func relayEntries(of table: String, _ use: RelayTable) -> RelayEntries {
        guard isUsed(table, as: use) else { return .failed("no relay action uses table \(table) so") }
        var entries: [String] = []
        // A fetch goes on where the last one ended, so the first that comes again ends the round.
        while entries.count < RelayEntries.maximumEntries {
            switch answer(TableQuery(table: table, service: use.service, operation: .fetch, key: "")) {
            case .found(let entry):
                if entries.contains(entry) { return .found(entries) }
                entries.append(entry)
            case .notFound: return .found(entries)
            case .failed(let reason): return .failed(reason)
            }
        }
        return .found(entries)
    }

    func relayValue(of key: String, in table: String, _ use: RelayTable) -> RelayValue {
        guard isUsed(table, as: use) else { return .failed("no relay action uses table \(table) so") }
        for key in use == .rewriting ? senderKeys(key) : [key] {
            switch answer(TableQuery(table: table, service: use.service, operation: .lookup, key: key)) {
            case .found(let value): return .found(value)
            case .notFound: break
            case .failed(let reason): return .failed(reason)
            }
        }
        return .missing
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
