import ProcessMessages

/// What lookup was asked since the start, for `show stats`.
struct LookupCounts {
    private var authentications: Int64 = 0
    private var expansions: Int64 = 0
    private var exchangers: Int64 = 0
    private var addresses: Int64 = 0
    private var reverseNames: Int64 = 0

    mutating func note(_ message: DispatcherToLookup) {
        switch message {
        case .expand: expansions += 1
        case .authenticate: authentications += 1
        case .exchangers: exchangers += 1
        case .addresses: addresses += 1
        case .reverseName: reverseNames += 1
        // Steps of these, or of no interest by themselves.
        default: break
        }
    }

    var values: [Statistic] {
        [
            Statistic(key: "lookup.address", value: addresses),
            Statistic(key: "lookup.authentication", value: authentications),
            Statistic(key: "lookup.exchanger", value: exchangers),
            Statistic(key: "lookup.expansion", value: expansions),
            Statistic(key: "lookup.name", value: reverseNames),
        ]
    }
}
