import Configuration
import Envelopes
import MailSyntax

/// The addresses to try for a relay, in levels: the next level only when all of one are out of order.
struct ExchangerPlan: Sendable {
    struct Candidate: Hashable, Sendable {
        var address: IPAddress
        var hostName: String
    }

    var levels: [[Candidate]]

    /// Addresses of one relay that are considered; a domain with more wants to make us work.
    static let maximumCandidates = 64

    /// What the plan depends on besides the answer.
    struct Circumstances {
        var families: Listener.Families
        /// In lower case.
        var ownNames: Set<String>
        var ownAddresses: Set<IPAddress>
        /// `backup`: the name whose preference is the limit, in lower case.
        var backup: String?
    }

    /// The plan for a host the operator named: all of its addresses alike. No look whether it is ourselves,
    /// for a smarthost on this machine is common.
    init(
        smarthost name: String, addresses: [IPAddress], families: Listener.Families, using random: inout Shuffling
    ) throws(DeliveryFailure) {
        let candidates = Self.interleaved([(name, addresses)], families, using: &random)
        guard !candidates.isEmpty else {
            throw addresses.isEmpty
                ? DeliveryFailure(status: "4.4.4", text: "Host not found: \(name)") : Self.noFamily
        }
        levels = [candidates]
    }

    /// The plan for the exchangers of a domain (RFC 5321 section 5.1).
    ///
    /// Those that are not better than ourselves, or than the host of `backup`, are left out. We are known by
    /// our names and addresses.
    ///
    /// - Throws: What to say of the mail: temporary while an address may still turn up, permanent when the domain
    ///   takes no mail or leads back to us. The class is that of the status.
    init(
        exchangers: [Exchanger], isImplicit: Bool, domain: String, _ circumstances: Circumstances,
        using random: inout Shuffling
    ) throws(DeliveryFailure) {
        if !isImplicit, exchangers.allSatisfy({ lowercased($0.host) == "localhost" }) { throw Self.acceptsNoMail }
        let sorted = exchangers.sorted { ($0.preference, $0.host) < ($1.preference, $1.host) }
        let limit = sorted.first { Self.isOurs($0, circumstances) }?.preference
        let better = sorted.filter { exchanger in limit.map { exchanger.preference < $0 } ?? true }
        if better.isEmpty, limit != nil { throw Self.loop(domain) }
        levels = []
        var room = Self.maximumCandidates
        var start = better.startIndex
        while start < better.endIndex {
            let preference = better[start].preference
            let end = better[start...].firstIndex { $0.preference != preference } ?? better.endIndex
            let hosts = better[start..<end].shuffled(using: &random).map { ($0.host, $0.addresses) }
            let level = Self.interleaved(hosts, circumstances.families, using: &random).prefix(room)
            if !level.isEmpty { levels.append(Array(level)) }
            room -= level.count
            start = end
        }
        guard levels.isEmpty else { return }
        if better.contains(where: { !$0.addresses.isEmpty }) { throw Self.noFamily }
        for exchanger in better {
            if case .temporary(let text) = exchanger.problem { throw DeliveryFailure(status: "4.4.3", text: text) }
        }
        // A domain without MX and address cannot take mail (RFC 5321 section 5.1); where MX records name hosts
        // without address, somebody may mend them.
        throw isImplicit
            ? DeliveryFailure(status: "5.4.4", text: "No host takes mail for \(domain)")
            : DeliveryFailure(status: "4.4.4", text: "No MX found for domain \(domain)")
    }

    static let acceptsNoMail = DeliveryFailure(status: "5.1.10", text: "556 Domain does not accept mail")
    private static let noFamily = DeliveryFailure(status: "4.4.4", text: "No address of an address family that may be used")

    private static func loop(_ domain: String) -> DeliveryFailure {
        DeliveryFailure(status: "5.4.6", text: "Mail for \(domain) loops back to this host")
    }

    private static func isOurs(_ exchanger: Exchanger, _ circumstances: Circumstances) -> Bool {
        let name = lowercased(exchanger.host)
        return circumstances.ownNames.contains(name) || circumstances.backup == name
            || exchanger.addresses.contains { circumstances.ownAddresses.contains($0) || $0.leadsToThisHost }
    }

    /// The addresses of a level: host by host, the families of each taking turns with IPv6 first (RFC 8305
    /// section 4), so that a race is between families.
    private static func interleaved(
        _ hosts: [(name: String, addresses: [IPAddress])], _ families: Listener.Families, using random: inout Shuffling
    ) -> [Candidate] {
        var seen: Set<IPAddress> = []
        var result: [Candidate] = []
        for host in hosts {
            let addresses = host.addresses.shuffled(using: &random).filter { seen.insert($0).inserted }
            let v6 = families == .v4 ? [] : addresses.filter(\.isV6)
            let v4 = families == .v6 ? [] : addresses.filter { !$0.isV6 }
            for index in 0..<max(v4.count, v6.count) {
                if index < v6.count { result.append(Candidate(address: v6[index], hostName: host.name)) }
                if index < v4.count { result.append(Candidate(address: v4[index], hostName: host.name)) }
            }
        }
        return Array(result.prefix(maximumCandidates))
    }
}

extension IPAddress {
    var isV6: Bool {
        switch self {
        case .v4: false
        case .v6: true
        }
    }

    /// Loopback, unspecified, or such an IPv4 address inside IPv6: whoever connects there speaks to itself.
    var leadsToThisHost: Bool {
        switch self {
        case .v4(let value): value >> 24 == 127 || value >> 24 == 0
        case .v6(let high, let low):
            high == 0 && (low <= 1 || (low >> 32 == 0xFFFF && IPAddress.v4(UInt32(truncatingIfNeeded: low)).leadsToThisHost))
        }
    }
}

/// ASCII only, as names of hosts are.
func lowercased(_ text: String) -> String {
    String(decoding: text.utf8.map(asciiLowercased), as: UTF8.self)
}
