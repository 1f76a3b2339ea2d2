import Configuration
import MailSyntax

/// Where mail of a relay action goes next, as far as a table or the DNS has to be asked for it.
package enum NextHop: Hashable, Sendable {
    /// To the mail exchangers of a domain.
    case exchangers(of: Domain)
    /// To the servers of a table, all of them.
    case smarthosts(table: String)
    /// To the server that a table has for a domain.
    case byDomain(table: String, Domain)

    /// The most that are looked at for one explanation.
    package static let maximum = 5

    /// Those of deliveries, each once.
    package static func all(of deliveries: [ResolvedDelivery], actions: [String: Action]) -> [NextHop] {
        var hops: [NextHop] = []
        for delivery in deliveries where hops.count < maximum {
            guard case .relay(let relay)? = actions[delivery.action]?.kind else { continue }
            let domain = delivery.destination.domain
            let hop: NextHop =
                switch relay.hosts {
                case nil: .exchangers(of: domain)
                case .smarthosts(let table): .smarthosts(table: table)
                case .byDomain(let table): .byDomain(table: table, domain)
                }
            if !hops.contains(hop) { hops.append(hop) }
        }
        return hops
    }
}

extension Explanation {
    /// The servers that a table has; none for an empty answer.
    ///
    /// - Parameter domain: Of mail for which alone they are.
    /// - Returns: The names of their hosts, for whoever asks the DNS about them; none of those that are addresses.
    package mutating func add(servers: [String], of table: String, for domain: Domain? = nil) -> [Domain] {
        let owner = domain.map { " for \($0.text)" } ?? ""
        guard !servers.isEmpty else {
            add("servers", "<\(table)> has none\(owner): the mail would wait", depth: 1)
            return []
        }
        add(domain == nil ? "servers" : "server", servers.joined(separator: ", ") + owner, depth: 1)
        var hosts: [Domain] = []
        for server in servers where hosts.count < NextHop.maximum {
            // One that is malformed is told of by the daemon when it is to be used.
            guard let url = try? RelayURL(parsing: server), let host = try? Domain(validating: Array(url.host.utf8)) else { continue }
            if !hosts.contains(host), IPAddress(host.bytes) == nil { hosts.append(host) }
        }
        return hosts
    }

    /// A table of servers that cannot say: temporary, so the mail would wait.
    package mutating func add(failure reason: String, of table: String) {
        add("servers", "<\(table)> cannot say, the mail would wait: \(reason)", depth: 1)
    }
}
