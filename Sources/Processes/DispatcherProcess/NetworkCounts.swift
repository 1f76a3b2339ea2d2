import MailSyntax

/// How many of something the clients of each network have.
struct NetworkCounts {
    private var counts: [IPAddress: Int] = [:]

    subscript(client: IPAddress) -> Int { counts[client.network, default: 0] }

    mutating func add(_ client: IPAddress) { counts[client.network, default: 0] += 1 }

    mutating func remove(_ client: IPAddress) {
        let left = self[client] - 1
        counts[client.network] = left > 0 ? left : nil
    }
}

extension IPAddress {
    /// An address of this machine alone.
    var isLoopback: Bool {
        switch self {
        case .v4(let value): value >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// What counts as one client: an IPv4 address, or the /64 that an IPv6 host usually has to itself.
    var network: IPAddress {
        switch self {
        case .v4: self
        case .v6(let high, _): .v6(high: high, low: 0)
        }
    }
}
