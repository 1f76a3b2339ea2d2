import EventLoop

/// What is known of the addresses of a host.
package enum HostAddresses: Hashable, Sendable {
    /// Four or sixteen octets each, IPv6 first, each once; authenticated when every answer behind them was.
    case found([[UInt8]], isAuthenticated: Bool)
    /// There is no such host, or it has no address.
    case missing(hostExists: Bool)
    /// At least one answer is missing, and no other brought an address.
    case failed(DNSFailure)
}

/// The questions for the addresses of one host, on their way.
@EventLoopActor package struct AddressInquiry {
    private enum State {
        case known(HostAddresses)
        case asked([DNSInquiry])
    }

    private let state: State

    init(known: HostAddresses) { state = .known(known) }
    init(_ inquiries: [DNSInquiry]) { state = .asked(inquiries) }

    /// Waits for both families.
    package func value() async -> HostAddresses {
        switch state {
        case .known(let addresses): return addresses
        case .asked(let inquiries):
            var results: [DNSResult] = []
            for inquiry in inquiries { results.append(await inquiry.value()) }
            return HostAddresses(results)
        }
    }
}

extension HostAddresses {
    /// From the answers about each family.
    init(_ results: [DNSResult]) {
        var addresses: [[UInt8]] = []
        var isAuthenticated = true
        var hostExists = false
        var failure: DNSFailure?
        for result in results {
            switch result {
            case .found(let answer):
                isAuthenticated = isAuthenticated && answer.isAuthenticated
                for case .address(let octets) in answer.data where !addresses.contains(octets) { addresses.append(octets) }
            case .noData: hostExists = true
            case .noSuchName: break
            case .failed(let reason): failure = failure ?? reason
            }
        }
        if !addresses.isEmpty {
            self = .found(addresses, isAuthenticated: isAuthenticated)
        } else if let failure {
            self = .failed(failure)
        } else {
            self = .missing(hostExists: hostExists)
        }
    }
}

extension Resolver {
    /// Begins to look up the addresses of a host by its full name, in hosts(5) first.
    package func inquire(addressesOf host: DNSName) -> AddressInquiry {
        checkFiles()
        if let known = files.hosts.addresses(of: host) {
            return AddressInquiry(known: .found(known, isAuthenticated: false))
        }
        let types: [DNSType] = files.settings.skipsIPv6 ? [.address4] : [.address6, .address4]
        return AddressInquiry(types.map { inquire(host, $0) })
    }

    /// Looks up the addresses of a host as somebody wrote it: with the search list of resolv.conf, unless there is
    /// a dot at its end.
    ///
    /// A candidate that does not exist leads to the next; a failure ends the search, for the host that an
    /// administrator meant could be the one that was not found.
    package func addresses(ofWritten text: [UInt8]) async -> HostAddresses {
        guard let name = DNSName(text), !name.isRoot else { return .missing(hostExists: false) }
        var exists = false
        for candidate in candidates(for: name, isComplete: text.last == UInt8(ascii: ".")) {
            switch await inquire(addressesOf: candidate).value() {
            case .missing(let hostExists): exists = exists || hostExists
            case .found(let addresses, let isAuthenticated): return .found(addresses, isAuthenticated: isAuthenticated)
            case .failed(let reason): return .failed(reason)
            }
        }
        return .missing(hostExists: exists)
    }

    /// The full names that a written one may stand for (resolv.conf(5), `search` and `ndots`).
    private func candidates(for name: DNSName, isComplete: Bool) -> [DNSName] {
        checkFiles()
        if isComplete || files.hosts.addresses(of: name) != nil { return [name] }
        let longer = files.settings.search.compactMap { name.appending($0) }
        return name.labels.count > files.settings.dots ? [name] + longer : longer + [name]
    }

    /// Looks up the names of an address of four or sixteen octets, in hosts(5) first.
    package func names(of address: [UInt8]) async -> DNSResult {
        checkFiles()
        if let known = files.hosts.names(of: address), let first = known.first {
            return .found(DNSAnswer(known.map { .pointer($0) }, owner: first, timeToLive: 0, isAuthenticated: false))
        }
        guard let name = DNSName(reverseOf: address) else { return .noSuchName(timeToLive: 0) }
        return await resolve(name, .pointer)
    }
}
